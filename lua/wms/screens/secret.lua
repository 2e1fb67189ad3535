-- SPDX-License-Identifier: MIT
--- What nobody can guess, as a part of an address or of a file's name.
return function()
   local file = assert(io.open("/dev/urandom", "rb"))
   local bytes = file:read(16)
   file:close()
   assert(bytes and #bytes == 16, "/dev/urandom gives no bytes")
   return (bytes:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end
