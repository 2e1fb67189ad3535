-- SPDX-License-Identifier: MIT
--- Reads the files that wms.config, wms.inventory and wms.fingerprints are about.
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
   for line in (text .. "\n"):gmatch("(.-)\r?\n") do
      number = number + 1
      line = line:gsub("^\239\187\191", ""):gsub("#.*$", ""):match("^%s*(.-)%s*$")
      local message = line ~= "" and fun(line, number)
      if message then
         return ("%s:%d: %s"):format(name, number, message)
      end
   end
   return nil
end

--- The path of a file that the file `base` names as `path`: beside it, unless `path` begins with a slash.
function files.beside(base, path)
   if path:sub(1, 1) == "/" then
      return path
   end
   return (base:match("^(.*/)") or "") .. path
end

return files
