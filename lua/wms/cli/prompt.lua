-- SPDX-License-Identifier: MIT
--- Asks whether it is meant, and for passwords.  A password is never an argument: it comes from the terminal, from a file
--- descriptor, or from a file of systemd's.
local terminal = require "wms.cli.terminal"
local text = require "wms.cli.text"

local prompt = {}

local LONGEST = 4096 -- bytes of a password

--- Asks until the answer is one of these; returns it, or nil when there is none.
function prompt.choose(question, accept)
   while true do
      local answer = terminal.ask(question)
      if not answer then
         return nil
      end
      local chosen = accept(answer:match("^%s*(.-)%s*$"))
      if chosen ~= nil then
         return chosen
      end
      question = "Please type 'yes' or 'no': "
   end
end

--- Lines that leave place for an answer behind the last one.
local function wrapped(question)
   local lines, width = {}, terminal.width() - #" yes"
   for line in question:gmatch("[^\n]+") do
      lines[#lines + 1] = text.wrap(line, width, "")
   end
   return table.concat(lines, "\n")
end

--- Asks for yes or no: nothing but the whole word yes is one.
function prompt.confirm(question)
   return prompt.choose(wrapped(question .. " (yes/no)") .. " ", function(answer)
      answer = answer:lower()
      if answer == "yes" then
         return true
      elseif answer == "no" or answer == "n" then
         return false
      end
      return nil
   end) or false
end

--- The first line of a file, without its end; byte by byte, since more of it may never come.
local function first_line(file, name)
   local bytes = {}
   repeat
      local byte = file:read(1)
      if byte and byte ~= "\n" then
         bytes[#bytes + 1] = byte
      end
   until not byte or byte == "\n" or #bytes > LONGEST
   if file ~= io.stdin then
      file:close()
   end
   local line = table.concat(bytes):gsub("\r$", "")
   if #line > LONGEST then
      return nil, ("%s: longer than %d bytes; give a password in its first line"):format(name, LONGEST)
   elseif line == "" then
      return nil, ("%s: its first line is empty; give a password there"):format(name)
   elseif line:find("%z") then
      return nil, ("%s: a zero byte; give a text"):format(name)
   end
   return line
end

local EACCES = 13

local function from_descriptor(number)
   local name = ("--password-fd %d"):format(number)
   if number == 0 then
      if terminal.is(0) then
         return nil, name .. ": it is the terminal, which would show the password; leave it out, and you are asked"
      end
      return first_line(io.stdin, name)
   end
   local file, _, code = io.open(("/dev/fd/%d"):format(number), "rb")
   if code == EACCES then -- it is open, and another account has opened it
      return nil, name .. ": this account may not open what is behind it; give it as the input, --password-fd 0 <FILE"
   elseif not file then
      return nil, name .. ": it is not open; give one that is, as in 'wms bind ... --password-fd 3 3<FILE'"
   end
   return first_line(file, name)
end

local function from_credential(name)
   local folder = os.getenv("CREDENTIALS_DIRECTORY")
   if not folder or folder == "" then
      return nil, "--credential: there is no $CREDENTIALS_DIRECTORY; give LoadCredential= in the unit of the service"
   elseif name:find("/", 1, true) or name == "" or name == "." or name == ".." then
      return nil, ("--credential: '%s' is no name of a credential; give one without a slash"):format(text.clean(name))
   end
   local file, why = io.open(folder .. "/" .. name, "rb")
   if not file then
      return nil, ("--credential: %s; give one that LoadCredential= names"):format(why)
   end
   return first_line(file, "--credential " .. name)
end

--- The password that was given, or a function that asks for it when it is needed; or nil, and what is wrong.
function prompt.password(given)
   if given.password_fd then
      return from_descriptor(given.password_fd)
   elseif given.credential then
      return from_credential(given.credential)
   elseif not terminal.can_ask() then
      return nil, "there is no terminal to ask for the password; give it by --password-fd N or --credential NAME"
   end
   return function(server, user_name)
      local line = terminal.ask(("Password of %s on %s: "):format(text.clean(user_name), text.clean(server)), true)
      if not line or line == "" then
         return nil, "no password was given"
      end
      return line
   end
end

--- The password of an account, from where it was given, or asked for; `is_new`: twice, since nobody sees what is typed.
--- nil: none was given; nil, and what is wrong.
function prompt.account_password(given, name, is_new)
   if given.password_fd or given.credential then
      return prompt.password(given)
   elseif not terminal.can_ask() then
      return nil, "there is no terminal to ask for the password; give it by --password-fd N or --credential NAME"
   end
   while true do
      local line = terminal.ask(("%s of %s: "):format(is_new and "New password" or "Password", text.clean(name)), true)
      if not line or line == "" then
         return nil
      elseif not is_new or terminal.ask("The same again: ", true) == line then
         return line
      end
      io.stderr:write("They differ.\n")
   end
end

return prompt
