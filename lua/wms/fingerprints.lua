-- SPDX-License-Identifier: MIT
--- Lists of hosts' fingerprints, for `wms.bind{ servers =, fingerprints = }`.
---
--- A line has a host's address and the SHA-256 of its certificate, as the lists of `ssh-keygen -l` have them:
---
---     lab01.school.example SHA256:qDPo2bJ0oT0…          (base64)
---     lab02.school.example SHA256:0C:3D:56:A0:…         (hex, with or without colons)
---     lab03,lab03.school.example 0c3d56a0…              (several names of one host; without SHA256:)
---
--- `#` begins a comment.
local files = require "wms.files"

local fingerprints = {}

local BYTES = 32
local LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

--- The bytes of a text in base64 without padding, or nil.
local function from_base64(text)
   local bytes, bits, count = {}, 0, 0
   for letter in text:gmatch(".") do
      local value = LETTERS:find(letter, 1, true)
      if not value then
         return nil
      end
      bits, count = bits * 64 + value - 1, count + 6
      if count >= 8 then
         count = count - 8
         local unit = 2 ^ count
         bytes[#bytes + 1] = string.char(math.floor(bits / unit))
         bits = bits % unit
      end
   end
   return bits == 0 and table.concat(bytes) or nil -- the bits that are left over are zeros
end

--- As openssl prints it, "0C:3D:…", or nil: it is no SHA-256.
local function normal(text)
   local value = text:gsub("^[Ss][Hh][Aa]256:", "")
   local hex = value:gsub(":", "")
   if #hex == 2 * BYTES and not hex:find("%X") then
      return (hex:upper():gsub("..", "%0:"):sub(1, -2))
   end
   local bytes = from_base64((value:gsub("=$", "")))
   if bytes and #bytes == BYTES then
      return (bytes:gsub(".", function(byte) return ("%02X:"):format(byte:byte()) end):sub(1, -2))
   end
   return nil
end

--- A host as known_hosts has it, `[host]:port`, as an address.
local function address(name)
   local host, port = name:match("^%[([^%]:]+)%]:(%d+)$")
   return host and host .. ":" .. port or name
end

--- Reads a list.
---@param text string
---@param name? string for messages; "fingerprints" if it is not given
---@return table<string, string>? by_server for the option `fingerprints` of `wms.bind`
---@return string? message the line, and what is wrong with it
function fingerprints.parse(text, name)
   if type(text) ~= "string" then
      error(("bad argument #1 to 'parse' (text: %s; give the text of a list)"):format(type(text)), 2)
   end
   local list = {}
   local message = files.each_line(text, name or "fingerprints", function(line)
      local hosts, value = line:match("^(%S+)%s+(%S+)$")
      local fingerprint = value and normal(value)
      if not fingerprint then
         return "give a host's address and the SHA-256 of its certificate, such as `lab01 SHA256:…`"
      end
      for given in hosts:gmatch("[^,]+") do
         local host = address(given):lower():gsub("%.$", "")
         if host:find("[%[@!&^]") and not host:find("^%[[%x:.]+%]") then
            return ("%s is no host's address; give one, since each host has a certificate of its own"):format(host)
         end
         if list[host] and list[host] ~= fingerprint then
            return ("%s has another fingerprint in a line before; leave one of them out"):format(host)
         end
         list[host] = fingerprint
      end
      return nil
   end)
   if message then
      return nil, message
   end
   return list
end

--- Reads the list in a file.
---@param path string
---@return table<string, string>? by_server
---@return string? message
function fingerprints.load(path)
   local text, why = files.read(path)
   if not text then
      return nil, why
   end
   return fingerprints.parse(text, path)
end

--- A list as a text, ordered by host: to be written into a file, and compared there with what the hosts say.  `list` is
--- one by server, or the outcomes of a `wms.bind` without fingerprints, which have what the hosts have shown.
---@param list table<string, string>|wms.Outcome[]
---@return string
function fingerprints.format(list)
   if type(list) ~= "table" then
      error(("bad argument #1 to 'format' (list: %s; give outcomes, or fingerprints by server)"):format(type(list)), 2)
   end
   local lines = {}
   for key, item in pairs(list) do
      if type(item) == "string" then
         lines[#lines + 1] = ("%s SHA256:%s\n"):format(key, item)
      elseif item.value and item.value.fingerprint then
         lines[#lines + 1] = ("%s SHA256:%s\n"):format(item.server, item.value.fingerprint)
      end
   end
   table.sort(lines)
   return table.concat(lines)
end

return fingerprints
