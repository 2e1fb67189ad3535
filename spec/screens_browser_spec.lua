-- SPDX-License-Identifier: MIT
--- The page of a room in a real browser: seen, used by mouse and by keys, and asked by those who may not.
local browser = require "spec.support.browser"
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local served = require "spec.support.served"

describe("the page of a room, in a browser #once", function()
   local folder, chromium, room, other

   setup(function()
      if browser.missing() or served.missing() then
         return
      end
      folder = process.run("mktemp -d"):match("%S+")
      room, other = served.room(), served.room()
      chromium = browser.start(folder, folder .. "/netlog.json")
   end)

   teardown(function()
      for _, thing in ipairs{ chromium or false, room or false, other or false } do
         if thing then
            thing:stop()
         end
      end
      process.run("rm -rf " .. (folder or "/nonexistent"))
   end)

   local function test(text, body)
      it(text, function()
         local why = browser.missing() or served.missing()
         if why then
            pending(why)
         end
         body()
      end)
   end

   local function open()
      chromium:open(room.url)
      chromium:await("document.body.dataset.shown === 'yes'")
   end

   --- What a script says of the tile of a user.
   local function of(user, script)
      return chromium:run(("const tile = [...document.querySelectorAll('.station')].find(tile => "
         .. "tile.querySelector('.user').textContent === arguments[0]); return %s;"):format(script), user)
   end

   local function await_of(user, script)
      return kit.await(function() return of(user, script) == true end, nil, 60)
   end

   local function said(text)
      chromium:await("document.getElementById('said').textContent === arguments[0]", text)
   end

   test("shows thirty sessions, those that are locked, and a host that is off", function()
      open()
      assert.equal(31, chromium:run("return document.querySelectorAll('.station').length"))
      assert.equal(2, chromium:run("return document.querySelectorAll('.station.locked').length"))
      assert.equal("30 sessions, 2 locked, 1 host not reached",
         chromium:run("return document.getElementById('sum').textContent"))
      assert.equal("Not reached", of("lab11", "tile.querySelector('.mark').textContent"))
      assert.equal("no picture now", of("user29", "tile.querySelector('.screen').textContent"))
      assert.equal("not looked at", of("user30", "tile.querySelector('.screen').textContent"))
      assert.is_true(of("user30", "tile.querySelector('input') === null"))
      -- 28 pictures are there, and were decoded, with the size that their heads say.
      chromium:await("[...document.images].length === 28 && [...document.images].every(one => one.naturalWidth === 384 "
         .. "&& one.naturalHeight === 240)")
   end)

   test("shows what hosts say as text alone", function()
      open()
      assert.is_true(of("<b>dave</b>", "tile.querySelector('.user b') === null"))
      assert.is_true(of("\"quoted\" & 'more'", "tile !== undefined"))
      assert.is_true(of("?gnp.exe", "tile !== undefined"))
      assert.equal("Room <1>", chromium:run("return document.title"))
   end)

   test("looks the same in the light and in the dark, but for its colours", function()
      open()
      local seen = {}
      for i, scheme in ipairs{ "light", "dark" } do
         chromium:scheme(scheme)
         seen[i] = chromium:run("return getComputedStyle(document.body).backgroundColor")
         local png = chromium:screenshot(("%s/%s.png"):format(folder, scheme))
         assert.is_true(png:sub(2, 4) == "PNG" and #png > 20000)
      end
      chromium:scheme("light")
      assert.are_not.equal(seen[1], seen[2])
      assert.is_true(chromium:run("return document.documentElement.scrollWidth <= innerWidth"))
   end)

   test("locks and unlocks by clicks", function()
      open()
      chromium:click("button[data-verb=lock]")
      said("Choose a session first.")
      chromium:click("input[aria-label^='bob,']")
      chromium:click("button[data-verb=lock]")
      said("1 of 1: locked.")
      await_of("bob", "tile.classList.contains('locked') && tile.querySelector('input').checked")
      chromium:click("input[aria-label^='alice,']")
      chromium:click("button[data-verb=unlock]")
      said("2 of 2: unlocked.")
      await_of("bob", "tile.classList.contains('open')")
   end)

   test("locks and shows a message by keys alone, and says so to those who listen", function()
      open()
      chromium:tab_to("at.getAttribute('aria-label') !== null && at.getAttribute('aria-label').startsWith('carol,')")
      chromium:press{ "Space" }
      chromium:tab_to("at.id === 'text'", "Shift")
      chromium:press({ "a" }, "Control")
      chromium:press{ "H", "i", " ", "<", "&" }
      chromium:tab_to("at.dataset.verb === 'message'")
      chromium:press{ "Enter" }
      said("1 of 1: message shown.")
      chromium:tab_to("at.dataset.verb === 'lock'", "Shift")
      chromium:press{ "Space" }
      said("1 of 1: locked.")
      await_of("carol", "tile.classList.contains('locked')")
      assert.same({ "status", "polite" }, { chromium:run("return said.getAttribute('role')"),
         (chromium:run("return said.getAttribute('aria-live')")) })
      -- Every control has a name; focus is to be seen.
      assert.equal(0, chromium:run([[return [...document.querySelectorAll("input, button")].filter(one =>
         !(one.getAttribute("aria-label") || one.textContent || one.labels && one.labels[0])).length]]))
      assert.are_not.equal("none", chromium:run("return getComputedStyle(document.activeElement).outlineStyle"))
   end)

   test("answers nobody but itself", function()
      for _, url in ipairs{ room.origin .. "/", room.origin .. "/" .. ("0"):rep(32) .. "/",
         ("http://evil.example:%s/%s/"):format(room.port, room.token), room.origin .. "/stations" } do
         chromium:open(url)
         assert.equal("Forbidden\n", chromium:run("return document.body.innerText + '\\n'"):gsub("\n+$", "\n"), url)
      end
      -- A page of another origin, which may ask for what it likes: it sends a form, and asks by script.
      chromium:open(other.origin .. "/")
      chromium:run([[const form = document.createElement("form"); form.method = "POST"; form.action = arguments[0] + "act";
         document.body.append(form); form.submit();]], room.url)
      chromium:await("document.body !== null && document.body.innerText.startsWith('Forbidden')")
      chromium:open("about:blank")
      assert.equal("TypeError", chromium:run_async([[const done = arguments[1];
         fetch(arguments[0] + "act", { method: "POST", headers: { "X-Wms": "1" }, body: "verb=lock&key=memory://lab01 1" })
            .then(answer => done(answer.status), error => done(error.name))]], room.url))
   end)

   test("is a picture in a file as well, where a browser is installed", function()
      local command = ("%s bin/wms --demo screens -o %s/room.png"):format(process.lua(), folder)
      assert.same({ folder .. "/room.png: 8 sessions, 2 locked\n", 0 }, { process.run(command) })
      local png = assert(io.open(folder .. "/room.png", "rb")):read("*a")
      local width, height = png:byte(19) * 256 + png:byte(20), png:byte(23) * 256 + png:byte(24)
      assert.same({ "\137PNG", 1280, 586 }, { png:sub(1, 4), width, height })
      assert.is_true(#png > 20000)
      local bare = folder .. "/bin" -- what there is but for a browser
      process.run(("mkdir %s; ln -s $(command -v mktemp) $(command -v rm) $(command -v sh) %s"):format(bare, bare))
      local out, code = process.run(("mkdir %s/tmp; TMPDIR=%s/tmp PATH=%s %s; ls %s/tmp"):format(folder, folder, bare,
         command:gsub("^%S+", process.run("command -v " .. process.lua()):match("%S+")), folder))
      assert.truthy(out:find("chromium, which is not installed (Debian: chromium)", 1, true), out)
      assert.same({ "\n", 0 }, { out:match("html(\n.*)$"), code }) -- and no temporary file is left
   end)

   test("asks nothing of anybody beyond this machine, and the hosts were asked what was clicked", function()
      chromium:stop()
      local count = 0
      for line in io.lines(folder .. "/netlog.json") do -- the browser may ask for more on its own behalf
         local url = line:find('"initiator":"' .. room.origin .. '"', 1, true) and line:match('"url":"(.-)"')
         if url then
            assert.equal(room.origin .. "/", url:sub(1, #room.origin + 1))
            count = count + 1
         end
      end
      assert.is_true(count > 30)
      assert.equal("lock 1 2 Eyes on the teacher, please\nunlock 1 1 \nunlock 1 2 \nmessage 1 3 Hi <&\nlock 1 3 Hi <&\n",
         room:stop())
      assert.equal("", other:stop())
   end)
end)
