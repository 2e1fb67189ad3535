-- SPDX-License-Identifier: MIT
--- Misuse: raised as a table, it ends in one line on the error stream and exit code 2; nothing was sent then.
local commands = require "wms.cli.commands"

local misuse = {}

--- Raises it; `name` is that of the command.
function misuse.raise(why, name)
   error({ misuse = why, name = name }, 0)
end

-- Patterns of the module's texts that speak of Lua, and what this program says.
local WORDS = {
   { "defined, as by wms%.configure.*$", "in the file of settings ('wms hosts' lists them)" },
   { "make it with wms%.memory%(%)", "'wms --demo' has lab01 to lab03" },
   { "as wms%.sessions shows it", "as 'wms list' shows it" },
   { "call wms%.bind once, with key_name and key_file", "'wms bind' binds to it, once, with --key-name and --key-file" },
   { "call wms%.bind once", "'wms bind' binds to it, once" },
   { "bound with key_name and key_file", "bound with --key-name and --key-file" },
   { "call wms%.thumbnail instead", "'wms screens' shows pictures" },
   { "`fingerprint`", "--fingerprint" },
   { "another `gateway`", "another --gateway" },
   { "wms%.configure{ (nats = %b{}) }, or the same in the configuration file",
      "%1 in the file of settings (see wms-config(5))" },
   { "wms%.configure{ (nats = %b{}) }", "%1 in the file of settings" },
   { "; give its mac and network with wms%.configure.*$", "" },
   { "wms%.(%l+)%(%)", "'wms %1'" },
   { "keep{ file = \"(.-)\" }", "'wms keep --file %1'" },
   { "^locked: missing(.*); give true.*$", "locked: missing%1; give --locked or --unlocked" },
   { "the former keeper had a function", "the former one had several properties" },
   { "bind with management = true", "bind with --management" },
   { "give admin = true", "give --admin" },
   { "call enable_disk_protection", "'wms disk enable' does it" },
   { "^events: host_name: ", "events: NAME: " },
   { "^events: address: ", "events: ADDRESS: " },
   { "^warn: message: ", "warn: TEXT: " },
   { "^warn: seconds: ", "warn: TIME: " },
}

--- What the module says, in this program's words.
function misuse.words(text)
   for _, pair in ipairs(WORDS) do
      text = text:gsub(pair[1], pair[2])
   end
   return text
end

--- The module's words for misuse, as this program's; nil when it is another error.
function misuse.translate(why)
   local inner = tostring(why):match("bad argument #%d+ to '[^']*' %((.*)%)$")
   if not inner then
      return nil
   end
   inner = misuse.words(inner)
   local name, rest = inner:match("^([%w_]+)(.*)$")
   if name == "warn" or name == "where" or name == "except" then
      return ("--%s%s"):format(name, rest)
   end
   for _, option in pairs(commands.options) do
      if option.option == name and name ~= "server" then
         return option.flags:match("%-%-%S+") .. rest
      end
   end
   return name == "session_ids" and "ID" .. rest or (name == "server" or name == "servers") and "-s" .. rest or inner
end

--- Calls what may raise the module's misuse, and raises it in this program's words.
function misuse.checked(name, fun, ...)
   local results = { pcall(fun, ...) }
   if not results[1] then
      local why = misuse.translate(results[2])
      if not why then
         error(results[2], 0)
      end
      misuse.raise(why, name)
   end
   return (table.unpack or unpack)(results, 2, 4) -- luacheck: ignore 113 143
end

--- Calls what may raise the module's misuse: its first result, or nil and the misuse in this program's words.  What else is
--- raised, such as lack of memory, is raised again.
function misuse.tried(fun, ...)
   local fine, result = pcall(fun, ...)
   if fine then
      return result
   end
   local why = misuse.translate(result)
   if not why then
      error(result, 0)
   end
   return nil, why
end

return misuse
