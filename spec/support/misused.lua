-- SPDX-License-Identifier: MIT
--- Runs the command lines of a file, all of which are wrong, and counts those that are refused as they should be: with exit
--- code 2, one line on the error stream that says what to do, and nothing on the output.  Nothing may reach a host.
local wms = require "wms"
local cli = require "wms.cli"

require("wms.cli.terminal").is(0) -- while the streams are what they were

local FIXES = { "give", "did you mean", "use", "leave", "call" }

-- Misuse is found before anything is sent.  wms.keep tries its options on a host that there never is.
for _, name in ipairs{ "start", "watch" } do
   local begin = wms[name]
   wms[name] = function(...)
      local begun, message, err = begin(...)
      local _, options = ...
      if begun and not (options and options.server == "memory://wms.keep") then
         begun:close()
         error("it was sent", 0)
      end
      return begun, message, err
   end
end
wms.unbind = function() error("it was unbound", 0) end

local stderr, stdout, written = io.stderr, io.stdout, {}
local function capture(name)
   return { write = function(_, ...)
      written[name] = (written[name] or "") .. table.concat({ ... })
      return true
   end, flush = function() return true end }
end

local function fault(code)
   local line = written.stderr or ""
   local has_fix = false
   for _, word in ipairs(FIXES) do
      has_fix = has_fix or line:find("%f[%a]" .. word .. "%f[%A]") ~= nil
   end
   return code ~= 2 and "exit code " .. tostring(code) or written.stdout and "it printed something"
      or not line:find("^wms[^\n]*: [^\n]+\n$") and "not one line" or not has_fix and "no fix"
      or #line > 1000 and "too long"
end

local function set(error_stream, output)
   io.stderr, io.stdout = error_stream, output -- luacheck: ignore 122
end

local refused = 0
for _, words in ipairs(dofile(arg[1])) do
   written = {}
   set(capture("stderr"), capture("stdout"))
   local code = cli.main(words)
   set(stderr, stdout)
   local why = fault(code)
   if why then
      print(("wms '%s': %s\n%s%s"):format(table.concat(words, "' '"), why, written.stderr or "", written.stdout or ""))
   else
      refused = refused + 1
   end
end
print(refused .. " refused")
