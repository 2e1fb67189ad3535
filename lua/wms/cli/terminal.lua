-- SPDX-License-Identifier: MIT
--- What the terminal is, and questions to who sits there.  Lua has no functions for terminals: the shell and stty have.
local terminal = {}

-- One process tells of all three descriptors: 1 for the input, 2 for the output, 4 for the error stream.
local ASK = "t=0; test -t 0 && t=1; test -t 1 && t=$((t + 2)); test -t 2 && t=$((t + 4)); exit $t"
local known

local function ask_shell()
   local status, _, code = os.execute(ASK)
   return type(status) == "number" and math.floor(status / 256) or code or 0 -- Lua 5.1 has the status of wait()
end

--- The library lua-term tells sooner, where it is installed.
local function ask_library()
   local found, library = pcall(require, "term.core")
   if not found or type(library) ~= "table" or not library.isatty then
      return nil
   end
   return (library.isatty(io.stdin) and 1 or 0) + (library.isatty(io.stdout) and 2 or 0)
      + (library.isatty(io.stderr) and 4 or 0)
end

--- Whether this process may have one: a job of cron, a service, and a command over ssh have no controlling terminal, and
--- need nobody to be asked.
local function may_have_one()
   local file = io.open("/proc/self/stat")
   local stat = file and file:read("*a")
   if file then
      file:close()
   end
   local number = stat and stat:match("^.*%) %S+ %S+ %S+ %S+ (%S+)") -- a program's name may have brackets
   return number ~= "0"
end

--- Whether that descriptor is a terminal's.
function terminal.is(descriptor)
   known = known or not may_have_one() and 0 or ask_library() or ask_shell()
   return math.floor(known / 2 ^ descriptor) % 2 == 1
end

local columns

--- How many columns it has; 80 where that cannot be told.
function terminal.width()
   if not columns then
      local pipe = io.popen("stty size 2>/dev/null </dev/tty || stty size 2>/dev/null <&2")
      local size = pipe and pipe:read("*a") or ""
      if pipe then
         pipe:close()
      end
      columns = tonumber(size:match("^%d+ (%d+)")) or 0
      columns = columns > 0 and columns or 80
   end
   return columns
end

--- Whether what is written there may have colours.
function terminal.has_colour(descriptor)
   local no_colour = os.getenv("NO_COLOR")
   return (not no_colour or no_colour == "") and os.getenv("TERM") ~= "dumb" and terminal.is(descriptor)
end

--- How what is written there looks: { width = (nil: it is no terminal), colour = }.
function terminal.look(descriptor)
   return { width = terminal.is(descriptor) and terminal.width() or nil, colour = terminal.has_colour(descriptor) }
end

--- Whether somebody can be asked.
function terminal.can_ask()
   if not terminal.is(0) then
      return false
   end
   local tty = io.open("/dev/tty", "r")
   if tty then
      tty:close()
   end
   return tty ~= nil
end

-- The shell reads the line, since it can be interrupted at once and puts the echo right whatever happens.  What was typed
-- before the question is no answer: where a read does not wait for anything, it is read and thrown away.  The question is
-- asked when the echo is off, which the shell tells by its number, and no sooner.
local READ = [[
   exec 3<>/dev/tty || exit 1
   saved=$(stty -g <&3)
   trap 'stty "$saved" <&3' EXIT
   trap 'exit 130' HUP INT QUIT TERM
   stty -icanon -echo min 0 time 0 <&3
   cat <&3 >/dev/null
   stty "$saved" <&3
   %s
   echo $$
   IFS= read -r line <&3 || exit 1
   printf '%%s\n' "$line"
]]

--- Writes a question to the terminal, and returns the line that is typed, or nil when there is none.  `hidden`: without
--- echo.
function terminal.ask(question, hidden)
   local tty = io.open("/dev/tty", "w")
   if not tty then
      return nil
   end
   local pipe = assert(io.popen(READ:format(hidden and "stty -echo <&3" or "")))
   local shell, answer
   local fine, why = pcall(function()
      shell = pipe:read("*l")
      if shell then -- the echo is off
         tty:write(question)
         tty:flush()
         answer = pipe:read("*l")
      end
   end)
   if not fine and shell then -- a Ctrl-C that came just before the shell reads does not end its read
      os.execute(("kill -TERM %s 2>/dev/null"):format(shell:match("%d+")))
   end
   pipe:close()
   if not fine then
      error(why, 0)
   end
   if hidden or not answer then
      tty:write("\n")
   end
   tty:close()
   return answer
end

return terminal
