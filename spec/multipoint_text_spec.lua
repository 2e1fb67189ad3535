-- SPDX-License-Identifier: MIT
--- Texts that hurt, to MultiPoint hosts and from them: what XML can carry arrives byte for byte, what it cannot is refused.
local kit = require "spec.support.kit"
local multipoint = require "spec.support.multipoint"
local process = require "spec.support.process"
local soap = require "spec.support.soap"
local wms = kit.wms
local fine, fault, misuse, pluck = kit.fine, kit.fault, kit.misuse, kit.pluck

local GOOD = {
   "<b>&'\"</b>", " at either end ", "]]>", "<![CDATA[x]]>", "<!-- -->", "&amp;&#13;&lt;", "é", "€", "😀", "%41%", "\\0\\n",
   "\t", "\n", "\r", "a\r\nb\rc\nd\te", "\r\n", "\127", "\194\128\194\133", "\226\128\168", "\239\187\191", "\239\191\189",
   "\237\159\191\238\128\128", "\240\159\191\190\244\143\191\191", ("ab<é"):rep(1000), ("\r"):rep(4000),
}

-- With what a complaint about it says.
local BAD = {
   { "a\1b", "0x01 at byte 2" }, { "\8", "0x08 at byte 1" }, { "\27[0m", "0x1B at byte 1" }, { "é\31", "0x1F at byte 3" },
   { "a\255", "UTF-8" }, { "\226\130", "UTF-8" }, { "\192\128", "UTF-8" },
   { "\224\128\128", "UTF-8" }, { "\237\160\128", "UTF-8" }, { "\244\144\128\128", "UTF-8" },
   { "\193\129", "UTF-8" }, { "\224\129\129", "UTF-8" }, { "\240\128\129\129", "UTF-8" }, -- longer than they need be
   { "\195A", "UTF-8" }, { "\226A\130", "UTF-8" }, { "\226\130A", "UTF-8" }, { "\240\159\191A", "UTF-8" },
   { "aa\239\191\190", "U+FFFE at byte 3" }, { "\239\191\191", "U+FFFF at byte 1" },
}

describe("texts of MultiPoint hosts", function()
   local why = multipoint.missing()
   if why then
      it("arrive", function() pending(why) end)
      return
   end

   after_each(function()
      kit.reset()
      multipoint.sweep()
   end)

   teardown(function()
      multipoint.down()
      soap.sweep()
   end)

   local function version(lab)
      return wms.call{ server = lab.server, interface = "IMultiPointServer", operation = "GetServerVersion" }
   end

   describe("arrive as they are:", function()
      it("messages", function()
         local lab = multipoint.lab()
         lab:fill(1, 2)
         for _, text in ipairs(GOOD) do
            fine(wms.lock{ session_ids = 1, server = lab.server, message = text })
            assert.equal(text, lab:sessions()[1].message)
            fine(wms.lock_all{ server = lab.server, message = text })
            assert.equal(text, lab:counts().block_all)
            assert.equal(text, lab:sessions()[2].message)
         end
         local long = ("&"):rep(65536)
         fine(wms.lock{ session_ids = 1, server = lab.server, message = long })
         assert.equal(long, lab:sessions()[1].message)
      end)

      it("users', domains' and WinStations' names", function()
         local lab = multipoint.lab()
         for id, text in ipairs(GOOD) do
            lab:session{ id = id, user = text, domain = text .. "1", winstation = text .. "2" }
         end
         local list = fine(wms.sessions(lab.server))
         for id, text in ipairs(GOOD) do
            local session = list[id]
            assert.same({ text, text .. "1", text .. "2" }, { session.user_name, session.domain_name, session.win_station })
         end
         assert.same(GOOD, pluck(fine(wms.unlock_all(lab.server)), "user_name"))
      end)

      it("arguments and results of calls", function()
         local lab = multipoint.lab()
         lab:session{ id = 3 }
         for _, text in ipairs(GOOD) do
            assert(wms.call{
               server = lab.server, interface = "IMultiPointSession", operation = "LockSession",
               arguments = { idSession = 3, wsLockMessage = text },
            })
            assert.equal(text, lab:sessions()[3].message)
            local escaped = soap.escape(text):gsub("\r", "&#xD;")
            lab:on("GetServerVersion", { body = "<pwsVersion>" .. escaped .. "</pwsVersion>" })
            assert.same({ pwsVersion = text }, version(lab))
         end
      end)

      it("texts in any of XML's forms #once", function()
         local lab = multipoint.lab()
         for body, text in pairs{
            ["a<![CDATA[<b>&]]>c"] = "a<b>&c", ["a<!-- no -->b<?no no?>c"] = "abc", ["\r\n"] = "\n", ["<![CDATA[]]>"] = "",
            ["&#x1F600;&#233;&quot;&apos;"] = "😀é\"'", ["<![CDATA[]]]]><![CDATA[>]]>"] = "]]>",
         } do
            lab:on("GetServerVersion", { body = "<pwsVersion>" .. body .. "</pwsVersion>" })
            assert.same({ pwsVersion = text }, version(lab))
         end
         lab:on("GetServerVersion", { body = '<m:pwsVersion xmlns:m="http://MultiPoint">10</m:pwsVersion>' })
         assert.same({ pwsVersion = "10" }, version(lab))
      end)

      it("administrators' names and passwords #once", function()
         local lab = multipoint.lab()
         local password = lab.password
         finally(function() lab:set{ password = password } end)
         for _, text in ipairs(GOOD) do
            lab:set{ password = text }
            assert(wms.bind(multipoint.binding(lab, { password = text })))
            assert(wms.bind(multipoint.binding(lab, { password = function() return text end })))
            local _, _, err = wms.bind(multipoint.binding(lab, { password = text .. " " }))
            assert.equal("ACCESS_DENIED", err.code)
         end
         for _, text in ipairs{ "dömäne\\<admin> & 'co' ", ("é"):rep(2000), "\r\n\t]]>" } do
            local other = multipoint.new{ admin = text }
            assert(wms.bind(multipoint.binding(other)))
         end
      end)

      it("the passwords that the host gives, and gets again #once", function()
         local lab = multipoint.new()
         for _, text in ipairs(GOOD) do
            lab:set{ control = text, management = text .. "2" }
            assert(wms.bind(multipoint.binding(lab)))
            lab:reset()
            for _, operation in ipairs{ "GetLicenseCount", "GetVirtualMachineHostname" } do
               assert.is_table(wms.call{ server = lab.server, interface = "IMultiPointServer", operation = operation })
            end
            assert.same({ "WmsControl", "WmsManagement" }, pluck(lab:log(), "user"))
            assert.same({ "ok", "ok" }, pluck(lab:log(), "result"))
         end
      end)

      it("passwords that were kept in files, by another process #once", function()
         local lab = multipoint.new()
         local config = process.quote(soap.folder() .. "/config")
         for _, text in ipairs{ table.concat(GOOD), " a ", "\r" } do
            lab:set{ control = text, management = text .. "2" }
            local bound, code = process.script(([[
               print(assert(require "wms".bind{
                  server = %q, user_name = %q, password = %q, fingerprint = %q, management = true,
               }).port)]]):format(lab.server, lab.admin, lab.password, lab.fingerprint), "XDG_CONFIG_HOME=" .. config)
            assert.same({ 0, lab.https .. "\n" }, { code, bound })
            lab:reset()
            local called
            called, code = process.script(([[
               local wms = require "wms"
               for _, operation in ipairs{ "GetLicenseCount", "GetVirtualMachineHostname" } do
                  assert(wms.call{ server = %q, interface = "IMultiPointServer", operation = operation })
               end
               print "ok"]]):format(lab.server), "XDG_CONFIG_HOME=" .. config)
            assert.same({ 0, "ok\n" }, { code, called })
            assert.same({ "WmsControl", "WmsManagement" }, pluck(lab:log(), "user"))
         end
      end)
   end)

   describe("that XML cannot carry are refused", function()
      it("in messages and arguments: misuse", function()
         local lab = multipoint.lab()
         lab:session{ id = 3 }
         local bad = { { "a\0b" } }
         for _, item in ipairs(BAD) do
            bad[#bad + 1] = item
         end
         for _, item in ipairs(bad) do
            local text, says = item[1], item[2] or "give"
            misuse("lock", { "message", says }, function()
               wms.lock{ session_ids = 3, server = lab.server, message = text }
            end)
            misuse("lock_all", { "message", says }, function()
               wms.lock_all{ server = lab.server, message = text }
            end)
            misuse("start", { "message", says }, function()
               wms.start("lock_all", { server = lab.server, message = text })
            end)
            misuse("call", { "arguments.wsLockMessage", says }, function()
               wms.call{
                  server = lab.server, interface = "IMultiPointSession", operation = "LockSession",
                  arguments = { idSession = 3, wsLockMessage = text },
               }
            end)
            misuse("bind", { "user_name", says }, function()
               wms.bind(multipoint.binding(lab, { user_name = text }))
            end)
         end
         assert.equal(0, lab:counts().requests)
      end)

      it("in passwords: UNSUPPORTED, and nothing of them is sent or told", function()
         local lab = multipoint.lab()
         for _, item in ipairs(BAD) do
            for _, password in ipairs{ item[1], function() return item[1] end } do
               lab:reset()
               local err = fault(wms.bind(multipoint.binding(lab, { password = password })))
               assert.equal("UNSUPPORTED", err.code)
               assert.is_nil(err.message:find(item[1], 1, true))
               assert.same({ "RequestSslCertificate" }, pluck(lab:log(), "verb"))
            end
         end
      end)

      it("in answers: PROTOCOL #once", function()
         local lab = multipoint.lab()
         for _, text in ipairs{
            "\1", "a\255", "\192\128", "\237\160\128", "\239\191\190", "&#0;", "&#1;", "&#xFFFE;", "&#xD800;", "&nbsp;",
            "&", "<", "]]>",
         } do
            lab:on("GetServerVersion", { body = "<pwsVersion>" .. text .. "</pwsVersion>" })
            assert.equal("PROTOCOL", fault(version(lab)).code)
         end
      end)
   end)
end)
