-- SPDX-License-Identifier: MIT
--- NATS' keys of users (NKEYs, Ed25519): a file with the seed, which is secret, and the public key, by which the servers
--- know who has it.  The program openssl does the mathematics; a seed is in no command line and in no other file.
---
---     local nkeys = require "wms.nkeys"
---     print(assert(nkeys.make "/etc/wms/agent.nk"))       -- UC7X…: for the servers' configuration
---     print(assert(nkeys.public "/etc/wms/agent.nk"))     -- the same
local nkeys = {}

local LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" -- base 32, RFC 4648
local SEED_OF_USER = string.char(149, 0) -- the bits of S (18) and U (20), five of each
local USER = string.char(160) -- those of U
local SIZE = 32 -- bytes of a seed, and of a public key
-- What stands before a seed in PKCS #8 (RFC 8410), for printf of the shell.
local PKCS8 = [[\060\056\002\001\000\060\005\006\003\053\145\160\004\042\004\040]]

local function quoted(text)
   return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- What a command prints; its errors are not shown.
local function output_of(command)
   local pipe = io.popen("{ " .. command .. "; } 2>/dev/null", "r")
   local text = pipe and pipe:read("*a") or ""
   if pipe then
      pipe:close()
   end
   return text
end

-- ---- how NATS writes a key ---------------------------------------------------------------------------------------------

local function base32(bytes)
   local letters, value, held = {}, 0, 0
   for i = 1, #bytes do
      value, held = value * 256 + bytes:byte(i), held + 8
      while held >= 5 do
         held = held - 5
         local digit = math.floor(value / 2 ^ held)
         value = value - digit * 2 ^ held
         letters[#letters + 1] = LETTERS:sub(digit + 1, digit + 1)
      end
   end
   if held > 0 then
      local digit = value * 2 ^ (5 - held)
      letters[#letters + 1] = LETTERS:sub(digit + 1, digit + 1)
   end
   return table.concat(letters)
end

local function from_base32(text)
   local bytes, value, held = {}, 0, 0
   for letter in text:gmatch(".") do
      local digit = LETTERS:find(letter, 1, true)
      if not digit then
         return nil
      end
      value, held = value * 32 + digit - 1, held + 5
      if held >= 8 then
         held = held - 8
         local byte = math.floor(value / 2 ^ held)
         value = value - byte * 2 ^ held
         bytes[#bytes + 1] = string.char(byte)
      end
   end
   return table.concat(bytes)
end

--- Exclusive or: no Lua before 5.3 has it.
local function differing(one, other)
   local result, bit = 0, 1
   while one > 0 or other > 0 do
      if one % 2 ~= other % 2 then
         result = result + bit
      end
      one, other, bit = math.floor(one / 2), math.floor(other / 2), bit * 2
   end
   return result
end

--- CRC-16/XMODEM of the bytes, as two bytes, the lower one first.
local function checksum(bytes)
   local crc = 0
   for i = 1, #bytes do
      crc = differing(crc, bytes:byte(i) * 256)
      for _ = 1, 8 do
         crc = crc >= 32768 and differing(crc * 2 - 65536, 4129) or crc * 2
      end
   end
   return string.char(crc % 256, math.floor(crc / 256))
end

local function spelled(bytes)
   return base32(bytes .. checksum(bytes))
end

--- Whether a text is the seed of a user.
local function is_seed(text)
   local bytes = #text == 58 and text:sub(1, 2) == "SU" and from_base32(text)
   local body = bytes and bytes:sub(1, -3)
   return body and #body == 2 + SIZE and checksum(body) == bytes:sub(-2)
end

--- Whether a text is the public key of a user, as `nkeys.make` returns it.
---@param text any
---@return boolean
function nkeys.is_public(text)
   local bytes = type(text) == "string" and #text == 56 and text:sub(1, 1) == "U" and from_base32(text)
   return bytes and checksum(bytes:sub(1, -3)) == bytes:sub(-2) or false
end

-- ---- files with a seed -------------------------------------------------------------------------------------------------

local function check_path(name, path)
   if type(path) ~= "string" or path == "" or path:find("%z") then
      error(("bad argument #1 to '%s' (path: %s; give a file's name)"):format(name,
         type(path) == "string" and "empty, or with a NUL in it" or "a " .. type(path)), 3)
   end
end

--- A path that no program takes for an option.
local function safe(path)
   return quoted(path:find("^[/.]") and path or "./" .. path)
end

--- The seed that is in the file, or nil and what is wrong.
local function read_seed(path)
   local file, why = io.open(path, "rb")
   if not file then
      return nil, why
   end
   local text = file:read(1024) or ""
   file:close()
   text = text:gsub("%s+$", "")
   if not is_seed(text) then
      return nil, path .. ": no user's seed is in it, which is a line that begins with SU; give another file"
   end
   return text
end

--- The public key that belongs to the seed in a file.
---@param path string
---@return string? key 56 letters, of which the first is U
---@return string? message
function nkeys.public(path)
   check_path("public", path)
   local seed, why = read_seed(path)
   if not seed then
      return nil, why
   end
   local bytes = output_of(("{ printf '%s'; { head -c 58 %s; printf ======; } | base32 -d | tail -c +3 | head -c %d; } | "
      .. "openssl pkey -inform DER -pubout -outform DER | tail -c %d"):format(PKCS8, safe(path), SIZE, SIZE))
   if #bytes ~= SIZE then
      return nil, "the public key cannot be computed; install the program openssl (Debian: openssl)"
   end
   return spelled(USER .. bytes)
end

--- Makes a key: a new file of mode 0600 with its seed.  A file that is there is left as it is, and an error.
---@param path string
---@return string? key its public part
---@return string? message
function nkeys.make(path)
   check_path("make", path)
   local there = io.open(path, "rb")
   if there then
      there:close()
      return nil, path .. ": is there already; give another file, or remove it"
   end
   local bytes = output_of(("openssl genpkey -algorithm ed25519 -outform DER | tail -c %d"):format(SIZE))
   if #bytes ~= SIZE then
      return nil, "no key can be made; install the program openssl (Debian: openssl)"
   end
   local seed = spelled(SEED_OF_USER .. bytes)
   local pipe = io.popen(("{ set -C; umask 077; cat >%s; } 2>/dev/null"):format(safe(path)), "w")
   if pipe then
      pcall(pipe.write, pipe, seed, "\n")
      pipe:close()
   end
   local written, why = read_seed(path)
   if written ~= seed then
      return nil, why or path .. ": somebody else has made it meanwhile; give another file"
   end
   return nkeys.public(path)
end

return nkeys
