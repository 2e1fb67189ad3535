-- SPDX-License-Identifier: MIT
--- One script of calls to Veyon's WebAPI, made by curl, never by wms: the gateway of the specs and the real one answer each
--- alike.  The real one is asked by `make veyon` alone; see docs/testing.md.
local kit = require "spec.support.kit"
local lab = require "spec.host.veyon.lab"
local veyon = require "spec.host.veyon"

local KEY_FILE = "0c69b301-81b4-42d6-8fae-128cdd113314"
local LOGON = "63611f7c-b457-42c7-832e-67d0f9281085"
local NOBODYS = "11111111-2222-3333-4444-555555555555"
local feature = veyon.features
local JSON = "application/json"

local REAL = os.getenv "WMS_VEYON" == "all"
local usable, missing = veyon.available()

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- One call: { status =, kind =, body = }.  options: uid, body, seconds.
local function call(api, method, path, options)
   options = options or {}
   local words = { "curl -s -g --noproxy '*' -w '\\n%{http_code} %{content_type}' -m", options.seconds or 30, "-X", method }
   if options.uid then
      words[#words + 1] = quote("Connection-Uid: " .. options.uid):gsub("^", "-H ")
   end
   if options.body then
      words[#words + 1] = "-H 'Expect:' --data-binary " .. quote(options.body)
   end
   words[#words + 1] = quote(api .. path)
   local pipe = assert(io.popen(table.concat(words, " ")))
   local body, status, kind = pipe:read("*a"):match("^(.*)\n(%d+) ([^\n]*)$")
   pipe:close()
   return { status = tonumber(status), kind = kind, body = body }
end

local function refused(code, status, message)
   return { status = status, kind = JSON, body = ('{"error":{"code":%d,"message":"%s"}}'):format(code, message) }
end

local function fine(body) return { status = 200, kind = JSON, body = body } end

local INVALID_DATA = refused(1, 400, "Invalid data")
local INVALID_CONNECTION = refused(2, 401, "Invalid connection")
local INVALID_FEATURE = refused(3, 400, "Invalid feature")
local INCOMPLETE = refused(4, 400, "Invalid or incomplete credentials")
local NOT_OFFERED = refused(5, 400, "Authentication method not offered by server")
local FAILED = refused(6, 401, "Authentication failed")
local LIMIT = refused(7, 429, "Limit for maximum number of connections reached")
local TIMED_OUT = refused(8, 408, "Connection timed out")
local FORMAT = refused(9, 503, "Unsupported image format")
local NO_COMMAND = { status = 404, kind = "text/plain", body = "Invalid command or non-matching HTTP method" }
local ACTIVE, INACTIVE = fine '{"active":true}', fine '{"active":false}'
local DONE = fine "{}"

local function json(text) return '"' .. text:gsub('[\\"]', "\\%0"):gsub("\n", "\\n") .. '"' end

local function login(method, credentials)
   local list = {}
   for name, value in pairs(credentials) do
      list[#list + 1] = json(name) .. ":" .. json(value)
   end
   return ('{"method":"%s","credentials":{%s}}'):format(method, table.concat(list, ","))
end

--- A file's text.
local function read(name)
   local file = assert(io.open(name))
   local text = file:read("*a")
   file:close()
   return text
end

--- Both gateways: setup() returns { api =, host =, refusing = (a host where nobody listens), silent = (none), key =,
-- limits = function(settings of WebAPI) }.
local GATEWAYS = {}

GATEWAYS["of the specs"] = {
   available = veyon.available,
   setup = function()
      local gateway = veyon.start{ hosts = { "vey1", { name = "nobody", user = "" }, { name = "silent", user = "" } } }
      gateway.silent:plug "out"
      return {
         api = gateway.url .. "/api/v1/", host = "vey1", refusing = "nobody", silent = "silent", key = gateway.pem,
         limits = function(settings)
            gateway:restart()
            gateway:set{
               limit = settings.ConnectionLimit, idle = (settings.ConnectionIdleTimeout or 60) * 1000,
               authentication = (settings.ConnectionAuthenticationTimeout or 15) * 1000,
            }
         end,
         stop = function() gateway:stop() end,
         wrong_key = function()
            gateway.vey1:set{ key = gateway.pem }
            return (gateway.pem:gsub("c2", "d3"))
         end,
      }
   end,
}

GATEWAYS["of Veyon"] = {
   available = lab.available,
   setup = function()
      local room = lab.up("vey1")
      room.vey1:user "alice"
      return {
         api = room.url .. "/api/v1/", host = room.vey1.address, refusing = room.teacher.address, silent = "10.91.0.99",
         key = read(room.key_file),
         limits = function(settings) room:gateway(settings) end,
         stop = function() lab.down() end,
         wrong_key = function()
            assert(os.execute(("openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out '%s/other'")
               :format(room.folder)))
            return read(room.folder .. "/other")
         end,
      }
   end,
}

for _, name in ipairs(REAL and { "of the specs", "of Veyon" } or { "of the specs" }) do
   local kind = GATEWAYS[name]
   describe("the gateway " .. name .. " #once", function()
      local ok, why = usable, missing
      if ok then
         ok, why = kind.available()
      end
      if not ok then
         it("answers", function() pending(why) end)
         return
      end

      local gateway, host, api, key

      setup(function()
         gateway = kind.setup()
         host, api = gateway.host, gateway.api
         key = login(KEY_FILE, { keyname = "lab", keydata = gateway.key })
      end)

      teardown(function()
         if gateway then
            gateway.stop()
         end
      end)

      local function get(path, uid) return call(api, "GET", path, { uid = uid }) end
      local function put(what, body, uid) return call(api, "PUT", "feature/" .. what, { uid = uid, body = body }) end
      local function post(body, to) return call(api, "POST", "authentication/" .. (to or host), { body = body }) end

      --- A new uid, of which the gateway knows the user, too.
      local function connect()
         local said = post(key)
         local uid, ends = said.body:match('^{"connection%-uid":"(%x+%-%x+%-%x+%-%x+%-%x+)","validUntil":(%d+)}$')
         assert.same({ 200, JSON }, { said.status, said.kind })
         assert.truthy(uid, said.body)
         assert.is_true(math.abs(ends - os.time() - 3 * 3600) < 60)
         kit.await(function() return get("user", uid).body:find('"alice"', 1, true) end)
         return uid
      end

      local function close(uid) return call(api, "DELETE", "authentication/" .. host, { uid = uid }) end

      it("tells whether a host's Veyon is there", function()
         assert.same(fine '{"state":"online"}', get("hoststate/" .. host))
         assert.same(fine '{"state":"down"}', get("hoststate/" .. gateway.refusing))
         assert.same(fine '{"state":"down"}', get("hoststate/" .. gateway.silent))
      end)

      it("tells how a host can be told who asks", function()
         assert.same(fine('{"methods":["' .. KEY_FILE .. '"]}'), get("authentication/" .. host))
         assert.same(fine('{"methods":["' .. KEY_FILE .. '"]}'), get("authentication/" .. host .. ":11100"))
      end)

      it("refuses whom it does not know", function()
         for _, body in ipairs{ "", "nonsense", "[]", "{}", '{"method":"nonsense"}', '{"method":1}' } do
            assert.same(INVALID_DATA, post(body), body)
         end
         assert.same(NOT_OFFERED, post(login(LOGON, { username = "alice", password = "secret" })))
         assert.same(NOT_OFFERED, post(('{"method":"%s"}'):format(NOBODYS)))
         for _, credentials in ipairs{
            {}, { keyname = "lab" }, { keydata = gateway.key }, { keyname = "lab", keysdata = gateway.key },
            { keyname = "lab", keydata = "" }, { keyname = "lab", keydata = "nonsense" },
         } do
            assert.same(INCOMPLETE, post(login(KEY_FILE, credentials)))
         end
         assert.same(INCOMPLETE, post(('{"method":"%s","credentials":1}'):format(KEY_FILE)))
         assert.same(FAILED, post(login(KEY_FILE, { keyname = "other", keydata = gateway.key })))
         assert.same(FAILED, post(login(KEY_FILE, { keyname = "lab", keydata = gateway.wrong_key() })))
      end)

      it("wants to know whose connection a call is for", function()
         for _, uid in ipairs{ NOBODYS, "nonsense", false } do
            for _, path in ipairs{ "user", "session", "feature", "feature/" .. feature.screen_lock, "framebuffer" } do
               assert.same(INVALID_CONNECTION, get(path, uid or nil), path)
            end
            assert.same(INVALID_CONNECTION, put(feature.screen_lock, '{"active":true}', uid or nil))
            assert.same(INVALID_CONNECTION, put("nonsense", "", uid or nil))
            assert.same(INVALID_CONNECTION, close(uid or nil))
         end
      end)

      it("knows no other paths and methods", function()
         local uid = connect()
         for _, path in ipairs{ "", "nonsense", "framebuffer/get", "user/", "authentication", "feature/", "hoststate" } do
            assert.same(NO_COMMAND, get(path, uid), path)
         end
         for _, method in ipairs{ "POST", "DELETE", "PUT" } do
            assert.same(NO_COMMAND, call(api, method, "user", { uid = uid, body = "" }), method)
         end
         assert.same(DONE, close(uid))
      end)

      it("tells of user, session and features", function()
         local uid = connect()
         assert.same(fine '{"fullName":"","login":"alice"}', get("user", uid))
         assert.same(fine '{"fullName":"","login":"alice"}', get("user", uid:upper()))
         assert.same(fine '{"fullName":"","login":"alice"}', get("user", "{" .. uid .. "}"))
         local said = kit.await(function()
            local answer = get("session", uid)
            return not answer.body:find('"sessionId":-1', 1, true) and answer
         end)
         local body, uptime = said.body:gsub('("sessionUptime":)%d+}$', "%1N}")
         assert.same({ '{"sessionClientAddress":"","sessionClientName":"","sessionHostName":"vey1","sessionId":0,'
            .. '"sessionUptime":N}', 1, 200, JSON }, { body, uptime, said.status, said.kind })
         local list = kit.await(function()
            local answer = get("feature", uid)
            return answer.body:find('"active":true', 1, true) and answer
         end)
         assert.same({ 200, JSON }, { list.status, list.kind })
         kind.list = list.body
         local count = 0
         for one in list.body:gmatch("%b{}") do
            count = count + 1
            assert.truthy(one:find('^{"active":%l+,"name":"%a+","parentUid":"[%x-]+","uid":"[%x-]+"}$'), one)
            assert.equal(one:find("SystemTrayIcon", 1, true) ~= nil, one:find('"active":true', 1, true) ~= nil, one)
         end
         assert.equal(36, count)
         for _, one in ipairs{ feature.screen_lock, feature.screen_lock:upper(), feature.message, NOBODYS, "nonsense" } do
            assert.same(INACTIVE, get("feature/" .. one, uid), one)
         end
         assert.same(DONE, close(uid))
         assert.same(INVALID_CONNECTION, close(uid))
         assert.same(INVALID_CONNECTION, get("user", uid))
      end)

      it("takes commands that it can read", function()
         local uid = connect()
         assert.same(INVALID_FEATURE, put(NOBODYS, '{"active":true}', uid))
         assert.same(INVALID_FEATURE, put("nonsense", '{"active":true}', uid))
         for _, body in ipairs{ "", "nonsense", "{}", "[]", '{"arguments":{}}' } do
            assert.same(INVALID_DATA, put(feature.screen_lock, body, uid), body)
         end
         for _, body in ipairs{ '{"active":false}', '{"active":null}', '{"active":"false"}' } do
            assert.same(DONE, put(feature.screen_lock, body, uid), body)
         end
         assert.same(DONE, close(uid))
      end)

      --- The pixels of a bmp: a string of three bytes each, and the size.
      local function picture(uid, query)
         local said = get("framebuffer?format=bmp" .. (query or "&width=16&height=10"), uid)
         if said.status == 503 then
            return nil
         end
         assert.same({ 200, "image/bmp" }, { said.status, said.kind })
         local function number(at)
            local a, b, c, d = said.body:byte(at + 1, at + 4)
            return a + b * 256 + c * 65536 + d * 16777216
         end
         assert.same({ "BM", #said.body, 54, 40, 24 * 65536 + 1, 0 },
            { said.body:sub(1, 2), number(2), number(10), number(14), number(26), number(30) })
         return said.body:sub(55), number(18), number(22), #said.body
      end

      --- How much of the picture has the lock's colour.
      local function grey(pixels)
         local count = 0
         for at = 1, #pixels, 3 do
            local b, g, r = pixels:byte(at, at + 2)
            count = count + (math.max(math.abs(b - 64), math.abs(g - 64), math.abs(r - 64)) <= 2 and 1 or 0)
         end
         return count * 3 / #pixels
      end

      it("gives pictures", function()
         local uid = connect()
         kit.await(function() return picture(uid) end)
         local function size(query)
            local _, width, height, length = picture(uid, query)
            return { width, height, length }
         end
         assert.same({ 16, 10, 534 }, size())
         assert.same({ 64, 40, 64 * 40 * 3 + 54 }, size "&width=64")
         assert.same({ 64, 40, 64 * 40 * 3 + 54 }, size "&height=40")
         assert.same({ 30, 7, 30 * 3 * 7 + 2 * 7 + 54 }, size "&width=30&height=7")
         assert.same({ 64, 40, 64 * 40 * 3 + 54 }, size "&width=64&height=nonsense")
         local begins = { png = "\137PNG\r\n", jpeg = "\255\216\255" }
         for query, form in pairs{ [""] = "png", ["&format=png"] = "png", ["&format=jpeg"] = "jpeg" } do
            local said = get("framebuffer?width=64&height=40" .. query, uid)
            assert.same({ 200, "image/" .. form }, { said.status, said.kind })
            assert.equal(begins[form], said.body:sub(1, #begins[form]))
         end
         assert.same(FORMAT, get("framebuffer?format=gif", uid))
         assert.same(FORMAT, get("framebuffer?format=nonsense&width=16", uid))
         assert.same(DONE, close(uid))
      end)

      it("locks and unlocks, and shows it, sooner or later", function()
         local uid = connect()
         assert.is_true(grey(kit.await(function() return picture(uid) end)) < 0.5)
         local function turn(what, on)
            assert.same(DONE, put(what, ('{"active":%s,"arguments":{}}'):format(on), uid))
            local wanted = on and ACTIVE or INACTIVE
            kit.await(function() return get("feature/" .. what, uid).body == wanted.body end, nil, 60)
            assert.same(wanted, get("feature/" .. what, uid))
         end
         turn(feature.screen_lock, true)
         kit.await(function() return grey(picture(uid)) > 0.8 end)
         assert.equal(2, select(2, get("feature", uid).body:gsub('"active":true', "")))
         -- What is on the screen is copied when the devices are locked.
         turn(feature.input_lock, true)
         turn(feature.screen_lock, false)
         kit.await(function() return grey(picture(uid)) > 0.8 end)
         turn(feature.input_lock, false)
         kit.await(function() return grey(picture(uid)) < 0.5 end)
         turn(feature.input_lock, true)
         assert.is_true(grey(picture(uid)) < 0.5)
         turn(feature.input_lock, false)
         assert.same(DONE, put(feature.message, '{"active":true,"arguments":{"text":"Five &lt; minutes","icon":1}}', uid))
         assert.same(DONE, close(uid))
      end)

      it("keeps to its limits", function()
         gateway.limits{ ConnectionLimit = 2, ConnectionIdleTimeout = 5, ConnectionAuthenticationTimeout = 2 }
         local one, two = connect(), connect()
         assert.same(LIMIT, post(key))
         assert.same(LIMIT, post("nonsense"))
         assert.same(fine '{"fullName":"","login":"alice"}', get("user", one))
         assert.same(DONE, close(one))
         assert.same(TIMED_OUT, post(key, gateway.silent))
         assert.same(TIMED_OUT, post(key, gateway.refusing))
         assert.same(TIMED_OUT, get("authentication/" .. gateway.silent))
         kit.await(function() -- idle
            os.execute("sleep 6")
            return get("user", two).status == 401
         end, nil, 60)
      end)
   end)
end

if REAL then
   describe("the two gateways #once", function()
      it("list the same features", function()
         assert.is_string(GATEWAYS["of Veyon"].list)
         assert.equal(GATEWAYS["of Veyon"].list, GATEWAYS["of the specs"].list)
      end)
   end)
end
