-- SPDX-License-Identifier: MIT
--- What the terminal is, and questions to who sits there.  Lua has no functions for terminals: the shell and stty have.
local terminal = {}

local known = {}

--- Whether that descriptor is a terminal's.
function terminal.is(descriptor)
   if known[descriptor] == nil then
      local result = os.execute(("test -t %d"):format(descriptor))
      known[descriptor] = result == true or result == 0
   end
   return known[descriptor]
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

-- The shell reads the line, since it can be interrupted at once and puts the echo right whatever happens.
local READ = [[
   exec 3<>/dev/tty || exit 1
   saved=$(stty -g <&3)
   trap 'stty "$saved" <&3' EXIT
   trap 'exit 130' HUP INT QUIT TERM
   %s
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
   tty:write(question)
   tty:flush()
   local pipe = io.popen(READ:format(hidden and "stty -echo <&3" or ""))
   local answer = pipe and pipe:read("*a") or ""
   if pipe then
      pipe:close()
   end
   if hidden or answer == "" then
      tty:write("\n")
   end
   tty:close()
   return answer:match("^(.*)\n$")
end

return terminal
