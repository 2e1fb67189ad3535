-- SPDX-License-Identifier: MIT
--- The file in which a keeper's state outlives it.
local record = require "wms.keep.record"
local system = require "wms.system"

local File = {}
File.__index = File

--- The folder for states, or nil when the environment names none.
function File.folder()
   local home = os.getenv("XDG_STATE_HOME")
   if not home or home:sub(1, 1) ~= "/" then
      home = os.getenv("HOME")
      home = home and home:sub(1, 1) == "/" and home .. "/.local/state"
   end
   return home and home .. "/wms"
end

--- A name without a slash is that of a file in the folder for states.
local function path_of(name)
   if name:find("/", 1, true) then
      return name
   end
   local folder = File.folder()
   if not folder then
      return nil, ("file: there is no folder for '%s': set HOME or XDG_STATE_HOME, or give a path"):format(name)
   end
   return ("%s/%s.keep"):format(folder, name)
end

local function failure(code, message)
   return nil, message, setmetatable({ code = code, message = message }, { __tostring = function() return message end })
end

--- Opens and locks it.  Returns it, and the state that is in it (nil: none); or nil, message, err.
function File.open(name)
   local path, why = path_of(name)
   if not path then
      return failure("ACCESS_DENIED", why)
   end
   local handle, message, err = system.open_state(path)
   if not handle then
      return nil, message, err
   end
   local self = setmetatable({ path = path, handle = handle }, File)
   local text
   text, message, err = handle:read()
   if not text then
      handle:close()
      return nil, message, err
   elseif text == "" then
      return self
   end
   local state
   state, why = record.read(text)
   if not state then
      handle:close()
      return failure("INTERNAL", ("%s: %s; look into it and remove it, or give another file"):format(path, why))
   end
   self.text = text
   return self, state
end

--- Keeps this state.  Returns true, or nil, message, err: what was kept before is there still.
function File:write(state)
   local text = record.write(state)
   if text == self.text then
      return true
   end
   local fine, message, err = self.handle:write(text)
   if fine then
      self.text = text
   end
   return fine, message, err
end

--- Nothing is to be kept any more.
function File:remove()
   return self.handle:remove()
end

--- It stays for the next keeper.
function File:close()
   self.handle:close()
end

return File
