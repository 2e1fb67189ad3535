-- SPDX-License-Identifier: MIT
--- NATS' keys and credentials for the specs: Ed25519 by the program openssl, in NATS' own spelling.
--
--     local key = nkey.new(folder, "alice")     -- folder/alice.nk (the seed) and folder/alice.pem
--     key.public, key.seed, key.file, key.pem, key:sign(text)
--     nkey.creds(folder, "alice")               -- an operator, an account and a user: what a server with JWTs wants
local process = require "spec.support.process"

local nkey = {}

local BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
local BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
local TYPES = { operator = 14 * 8, account = 0, user = 20 * 8 } -- O, A, U
local SEED = 18 * 8                                             -- S

--- `bits` bits a letter, without padding.
local function encode(bytes, alphabet, bits)
   local result, value, held = {}, 0, 0
   for i = 1, #bytes do
      value, held = value * 256 + bytes:byte(i), held + 8
      while held >= bits do
         held = held - bits
         local digit = math.floor(value / 2 ^ held)
         value = value - digit * 2 ^ held
         result[#result + 1] = alphabet:sub(digit + 1, digit + 1)
      end
   end
   if held > 0 then
      local digit = value * 2 ^ (bits - held)
      result[#result + 1] = alphabet:sub(digit + 1, digit + 1)
   end
   return table.concat(result)
end

function nkey.base64url(bytes)
   return encode(bytes, BASE64, 6)
end

function nkey.base32(bytes)
   return encode(bytes, BASE32, 5)
end

local function xor(a, b)
   local result, bit = 0, 1
   while a > 0 or b > 0 do
      if a % 2 ~= b % 2 then
         result = result + bit
      end
      a, b, bit = math.floor(a / 2), math.floor(b / 2), bit * 2
   end
   return result
end

--- CRC-16/XMODEM, as two bytes, the lower one first.
local function checksum(bytes)
   local crc = 0
   for i = 1, #bytes do
      crc = xor(crc, bytes:byte(i) * 256)
      for _ = 1, 8 do
         local high = crc >= 0x8000
         crc = crc * 2 % 0x10000
         if high then
            crc = xor(crc, 0x1021)
         end
      end
   end
   return string.char(crc % 256, math.floor(crc / 256))
end

local function spell(bytes)
   return nkey.base32(bytes .. checksum(bytes))
end

local function read(path)
   local file = assert(io.open(path, "rb"))
   local text = file:read("*a")
   file:close()
   return text
end

local function write(path, text)
   local file = assert(io.open(path, "wb"))
   file:write(text)
   file:close()
   process.run("chmod 600 " .. process.quote(path))
   return path
end

local function openssl(command)
   local output, code = process.run("openssl " .. command)
   assert(code == 0, output)
end

local Key = {}
Key.__index = Key

--- The bytes of the signature.
function Key:sign(text)
   local file = write(self.base .. ".text", text)
   openssl(("pkeyutl -sign -rawin -inkey %s -in %s -out %s.signature"):format(process.quote(self.pem), process.quote(file),
      process.quote(self.base)))
   return read(self.base .. ".signature")
end

--- A new key; `type` is "user" (also without it), "account" or "operator".
function nkey.new(folder, name, type)
   local key = setmetatable({ name = name, base = folder .. "/" .. name, file = folder .. "/" .. name .. ".nk" }, Key)
   key.pem = key.base .. ".pem"
   local base = process.quote(key.base)
   openssl(("genpkey -algorithm ed25519 -out %s.pem && openssl pkey -in %s.pem -outform DER -out %s.der && "
      .. "openssl pkey -in %s.pem -pubout -outform DER -out %s.pub"):format(base, base, base, base, base))
   local kind = assert(TYPES[type or "user"])
   key.seed = spell(string.char(SEED + math.floor(kind / 32), kind % 32 * 8) .. read(key.base .. ".der"):sub(-32))
   key.public = spell(string.char(kind) .. read(key.base .. ".pub"):sub(-32))
   write(key.file, key.seed .. "\n")
   return key
end

-- ---------------------------------------------------------------- JSON Web Tokens

local function token(issuer, subject, name, claims)
   local header = nkey.base64url('{"typ":"JWT","alg":"ed25519-nkey"}')
   local body = ('{"jti":"%s","iat":%d,"iss":"%s","sub":"%s","name":"%s","nats":%s}'):format(
      nkey.base32(name .. os.time()), os.time(), issuer.public, subject.public, name, claims)
   local text = header .. "." .. nkey.base64url(body)
   return text .. "." .. nkey.base64url(issuer:sign(text))
end

local function list(subjects)
   return #subjects > 0 and '["' .. table.concat(subjects, '","') .. '"]' or "[]"
end

--- An operator with a system account, and one account.  `config` are the lines of the servers' configuration.
function nkey.operator(folder)
   local operator, account = nkey.new(folder, "operator", "operator"), nkey.new(folder, "account", "account")
   local system = nkey.new(folder, "system", "account")
   local none = '"default_permissions":{"pub":{},"sub":{}},"type":"account","version":2'
   local limits = '"limits":{"subs":-1,"data":-1,"payload":-1,"imports":-1,"exports":-1,"wildcards":true,"conn":-1,'
      .. '"leaf":-1,"mem_storage":-1,"disk_storage":-1,"streams":-1,"consumer":-1},'
   local without = limits:gsub(',"mem_storage.*$', "},")
   local result = {}
   local lines = "operator: %s\nsystem_account: %s\nresolver: MEMORY\nresolver_preload: {\n  %s: %s\n  %s: %s\n}\n"
   result.config = lines:format(
      token(operator, operator, "spec", '{"type":"operator","version":2}'), system.public,
      account.public, token(operator, account, "school", "{" .. limits .. none .. "}"),
      system.public, token(operator, system, "SYS", "{" .. without .. none .. "}"))

   --- A file NAME.creds for a user with these rights: { pub = { subjects }, sub = { subjects } }; none: all.
   function result.creds(name, rights)
      local user = nkey.new(folder, name)
      rights = rights or { pub = {}, sub = {} }
      local jwt = token(account, user, name, ('{"pub":{"allow":%s},"sub":{"allow":%s},"subs":-1,"data":-1,"payload":-1,'
         .. '"type":"user","version":2}'):format(list(rights.pub), list(rights.sub)))
      local text = "-----BEGIN NATS USER JWT-----\n%s\n------END NATS USER JWT------\n\n"
         .. "-----BEGIN USER NKEY SEED-----\n%s\n------END USER NKEY SEED------\n"
      return write(folder .. "/" .. name .. ".creds", text:format(jwt, user.seed)), jwt, user
   end
   return result
end

return nkey
