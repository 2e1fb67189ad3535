-- SPDX-License-Identifier: MIT
--- Runs the program `wms` for the specs: under pipes, and on a terminal.
local process = require "spec.support.process"
local quote = process.quote

local cli = {}

local folder
local scripts = { count = 0 } -- by text: a file with it

--- A folder for the specs of a file; cli.sweep() takes it away.
function cli.folder()
   folder = folder or process.run("mktemp -d"):match("%S+")
   return folder
end

function cli.sweep()
   if folder then
      os.execute("rm -rf " .. quote(folder))
      folder, scripts = nil, { count = 0 }
   end
end

--- Writes a file there; returns its path.
function cli.write(name, text)
   local path = cli.folder() .. "/" .. name
   local file = assert(io.open(path, "wb"))
   file:write(text)
   file:close()
   return path
end

--- A file with that Lua text: written once, since programs that run side by side may read it.
function cli.script(text)
   if not scripts[text] then
      scripts.count = scripts.count + 1
      scripts[text] = cli.write(("init%d.lua"):format(scripts.count), text)
   end
   return scripts[text]
end

local function read(path)
   local file = assert(io.open(path, "rb"))
   local text = file:read("*a")
   file:close()
   return text
end

--- The environment of the program: nobody's settings, and no system bus, which would be this machine's.
local function environment(options)
   local words = {
      "env -u LUA_INIT -u LUA_INIT_5_4 -u NO_COLOR", options.unset or "", "TERM=xterm", "LUA_PATH='./lua/?.lua;;'",
      "LUA_CPATH=" .. quote(package.cpath), "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent",
      options.unset and "" or "HOME=" .. quote(cli.folder()),
      options.unset and "" or "XDG_CONFIG_HOME=" .. quote(cli.folder() .. "/config"),
   }
   if options.init then -- what the interpreter runs first: it makes hosts
      words[#words + 1] = "LUA_INIT=" .. quote("@" .. cli.script(options.init))
   end
   words[#words + 1] = options.environment or ""
   return table.concat(words, " ")
end

local function program(arguments)
   local words = { process.lua(), "bin/wms" }
   if type(arguments) == "string" then
      words[#words + 1] = arguments -- as the shell reads it
   else
      for _, word in ipairs(arguments) do
         words[#words + 1] = quote(word)
      end
   end
   return table.concat(words, " ")
end

--- Runs it under pipes; returns what it wrote to its output, to its error stream, and its exit code.  `options`: `init`, a
--- Lua text; `environment`; `unset`, such as "-u HOME"; `input`, a text; `shell`, what stands behind the command, where `@`
--- is the folder.
function cli.run(arguments, options)
   options = options or {}
   local base = cli.folder()
   local input = options.input and quote(cli.write("input", options.input)) or "/dev/null"
   local _, code = process.run(("%s %s <%s %s"):format(environment(options), program(arguments), input,
      (options.shell or ">@/out 2>@/err"):gsub("@", base)))
   return read(base .. "/out"), read(base .. "/err"), code
end

local started = 0 -- programs in the background

local Running = {}
Running.__index = Running

--- Starts it in the background, under pipes; what is returned reads its output as it comes.  `options` as those of run.  It
--- is ended after a minute.
function cli.start(arguments, options)
   options = options or {}
   started = started + 1
   local errors = ("%s/err%d"):format(cli.folder(), started)
   -- Its process tells its number itself, before it becomes the program: that may have said something already when `$!`
   -- could be told.
   local command = ([[sh -c 'echo $$ >&3; exec 3>&-; exec "$@"' sh timeout --foreground 60 %s %s 3>&1 2>%s </dev/null %s &
      wait $!; printf '\n= %%d\n' $?]]):format(environment(options), program(arguments), errors, options.shell or "")
   local self = setmetatable({ pipe = assert(io.popen(command)), errors = errors }, Running)
   self.pid = self.pipe:read("*l")
   return self
end

--- The next line of its output that has this in it (any, without one).
function Running:line(part)
   local seen = {}
   for line in function() return self.pipe:read("*l") end do
      if line:find("^= %d+$") then
         self.code = tonumber(line:match("%d+"))
         break
      elseif not part or line:find(part, 1, true) then
         return line
      end
      seen[#seen + 1] = line
   end
   error(("it has ended, and has not said %q: %s%s"):format(part or "", table.concat(seen, "\n"), read(self.errors)), 2)
end

--- Sends it a signal.
function Running:signal(name)
   process.run(("kill -%s %s"):format(name, self.pid))
end

--- Sends it this signal again and again until it has ended; the first ones may be too early to be others than the last.
function Running:insist(name)
   process.run(("while kill -%s %s; do sleep 0.1; done 2>/dev/null"):format(name, self.pid))
end

--- Waits until it has ended; returns the rest of its output, its error stream, and its exit code.
function Running:finish()
   local rest = self.pipe:read("*a")
   self.pipe:close()
   local text, code = rest:match("^(.*)\n= (%d+)\n$")
   return text, read(self.errors), tonumber(code)
end

--- Runs it on a terminal of so many columns; `steps` are pairs of a pattern that is waited for and what is typed then.
--- Returns what came to the terminal, without carriage returns before line feeds, and the exit code.
function cli.terminal(arguments, columns, steps, options)
   options = options or {}
   local words = { environment(options), "python3 spec/support/terminal.py", columns or 80 }
   for _, word in ipairs(steps or {}) do
      words[#words + 1] = quote(word)
   end
   words[#words + 1] = "-- " .. program(arguments)
   local text, code = process.run(table.concat(words, " ")):gsub("\r\n", "\n"):match("^(.*)\n(%-?%d+)$")
   return text, tonumber(code)
end

--- The lines of a text.
function cli.lines(text)
   local list = {}
   for line in text:gmatch("([^\n]*)\n") do
      list[#list + 1] = line
   end
   return list
end

--- What --json prints: a list of records.
function cli.records(text)
   local dkjson = require "dkjson"
   local list = {}
   for _, line in ipairs(cli.lines(text)) do
      list[#list + 1] = assert(dkjson.decode(line), line)
   end
   return list
end

--- All these parts are in the text.
function cli.has(text, ...)
   for _, part in ipairs{ ... } do
      assert(text:find(part, 1, true), ("'%s' is not in:\n%s"):format(part, text))
   end
end

return cli
