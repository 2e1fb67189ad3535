-- SPDX-License-Identifier: MIT
--- Reads the files that wms.config, wms.inventory, wms.fingerprints and the service of wms.keep are about.
local files = {}

files.LARGEST = 16777216 -- bytes: beyond that it is no list of hosts

--- The text of a file.
---@param path string
---@return string? text
---@return string? message
function files.read(path)
   if type(path) ~= "string" then
      error(("bad argument #1 (path: %s; give a file's name)"):format(type(path)), 3)
   end
   local file, why = io.open(path, "rb")
   if not file then
      return nil, why
   end
   local text, fault = file:read(files.LARGEST + 1)
   file:close()
   if not text and fault then
      return nil, path .. ": " .. fault -- a folder, for example
   end
   if text and #text > files.LARGEST then
      return nil, ("%s: larger than %d bytes; give a smaller file"):format(path, files.LARGEST)
   end
   return text or ""
end

--- Calls `fun(line, number)` for each line of a list that has something beside white space and a comment.  When it returns
--- a message, that is the fault of this line, and the result.
---@param text string
---@param name string for messages
---@param fun fun(line: string, number: integer): string?
---@return string? message
function files.each_line(text, name, fun)
   local number = 0
   for whole in (text .. "\n"):gmatch("(.-)\r?\n") do
      number = number + 1
      local line = whole:gsub("^\239\187\191", ""):gsub("#.*$", ""):match("^%s*(.-)%s*$")
      local message = line ~= "" and fun(line, number)
      if message then
         return ("%s:%d: %s"):format(name, number, message)
      end
   end
   return nil
end

--- Calls a function that has to come to an end.
local function bounded(fun)
   local hook, mask, count = debug.gethook()
   local compiler = rawget(_G, "jit")
   if compiler then -- what it has compiled runs no hooks
      compiler.off(fun, true)
   end
   debug.sethook(function() error("it does not come to an end", 0) end, "", 10000000)
   local fine, value = pcall(fun)
   debug.sethook(hook, mask, count)
   if not fine then
      error(value, 0)
   end
   return value
end

--- Runs a chunk of text, never of byte code, without anything of Lua's at hand; returns its first value.
---@param text string
---@param name string for messages
---@return any value
---@return string? message
function files.evaluate(text, name)
   if text:sub(1, 1) == "\27" then
      return nil, name .. ": byte code; give a text"
   end
   local chunk, why
   local setfenv = rawget(_G, "setfenv") -- in programs such as Prosody it is an error to ask for what is not there
   if setfenv then -- Lua 5.1
      chunk, why = loadstring(text, "@" .. name) -- luacheck: ignore 113
      if chunk then
         setfenv(chunk, {})
      end
   else
      chunk, why = load(text, "@" .. name, "t", {})
   end
   if not chunk then
      return nil, why
   end
   local fine, value = pcall(bounded, chunk)
   if not fine then
      value = tostring(value)
      return nil, value:find(name, 1, true) and value or name .. ": " .. value
   end
   return value
end

--- The path of a file that the file `base` names as `path`: beside it, unless `path` begins with a slash.
function files.beside(base, path)
   if path:sub(1, 1) == "/" then
      return path
   end
   return (base:match("^(.*/)") or "") .. path
end

return files
