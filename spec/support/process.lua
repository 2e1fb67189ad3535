-- SPDX-License-Identifier: MIT
--- Programs of other processes, for what cannot be shown in this one.
local process = {}

function process.quote(text)
   return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

--- Runs a shell command; returns what it printed, errors included, and its exit code.
function process.run(command)
   local pipe = assert(io.popen("( " .. command .. "\n) 2>&1; printf '\\n%d' $?"))
   local output, code = pipe:read("*a"):match("^(.*)\n(%d+)$")
   pipe:close()
   return output, tonumber(code)
end

--- Where the built module is that `require` finds: a file's path.
function process.module(name)
   for template in package.cpath:gmatch("[^;]+") do
      local path = template:gsub("%?", (name:gsub("%.", "/")))
      local file = io.open(path)
      if file then
         file:close()
         return path
      end
   end
   error(name .. " is not built", 2)
end

--- The program that was built from spec/c/NAME.c.
function process.program(name)
   return process.quote((os.getenv("WMS_BUILD") or "build") .. "/spec/" .. name)
end

--- Whether the address sanitizer is inside of what was built.  It has an allocator of its own, which takes more memory, and
-- whose locks a child of a process with threads inherits as they were; test hosts have no library of it.
function process.sanitized()
   return process.run("ldd " .. process.quote(process.module("wms"))):find("libasan", 1, true) ~= nil
end

--- The interpreter that runs the specs; spec/run.lua tells, since it may be run by valgrind or the like.
function process.lua()
   return os.getenv("WMS_LUA") or process.run("readlink /proc/$PPID/exe"):match("%S+")
end

--- The command that runs a script in a process of its own with the same module; `environment` is put before it, `streams`
-- after it.
function process.command(text, environment, streams)
   return ("%s LUA_CPATH=%s %s -e %s %s"):format(environment or "", process.quote(package.cpath), process.lua(),
      process.quote(text), streams or "")
end

function process.script(...)
   return process.run(process.command(...))
end

return process
