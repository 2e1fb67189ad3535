-- SPDX-License-Identifier: MIT
--- A real browser for specs: headless Chromium, told what to do by its WebDriver.
local process = require "spec.support.process"

local browser = {}

local Browser = {}
Browser.__index = Browser

-- Nothing of its own leaves this machine; evil.example is a name that somebody has made to mean this machine.
local ARGUMENTS = { "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
   "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps",
   "--disable-extensions", "--disable-breakpad", "--disable-crash-reporter", "--disable-domain-reliability",
   "--disable-features=NetworkTimeServiceQuerying,OptimizationHints,MediaRouter,Translate", "--hide-scrollbars",
   "--window-size=1300,1000", "--no-proxy-server",
   "--host-resolver-rules=MAP evil.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1" }

--- nil, or why there is no browser.
function browser.missing()
   if not (pcall(require, "socket.http") and pcall(require, "dkjson")) then
      return "this Lua has no luasocket or no dkjson"
   elseif select(2, process.run("command -v chromedriver chromium >/dev/null")) ~= 0 then
      return "there is no chromium with its chromedriver"
   end
   return nil
end

--- Starts it.  `folder` is where it keeps its files; `netlog`: the file for what it asks the network.
function browser.start(folder, netlog)
   local self = setmetatable({}, Browser)
   self.pipe = assert(io.popen(("HOME=%s exec chromedriver --port=0 2>&1 </dev/null"):format(folder)))
   local line
   repeat
      line = self.pipe:read("*l")
      self.port = line and line:match("started successfully on port (%d+)")
   until self.port or not line
   assert(self.port, "chromedriver does not start")
   local arguments = { "--user-data-dir=" .. folder .. "/profile", "--log-net-log=" .. netlog }
   for _, argument in ipairs(ARGUMENTS) do
      arguments[#arguments + 1] = argument
   end
   local made = self:ask("POST", "", { capabilities = { alwaysMatch = { browserName = "chrome",
      ["goog:chromeOptions"] = { binary = "/usr/bin/chromium", args = arguments } } } })
   self.session = made.sessionId
   return self
end

--- One command of WebDriver; returns its value.
function Browser:ask(method, path, body)
   local http, json, ltn12 = require "socket.http", require "dkjson", require "ltn12"
   local text = body and json.encode(body) or method == "POST" and "{}" or nil
   local parts = {}
   http.TIMEOUT = 120
   local fine, status = http.request{
      url = ("http://127.0.0.1:%s/session%s%s"):format(self.port, self.session and "/" .. self.session or "", path),
      method = method, source = text and ltn12.source.string(text), sink = ltn12.sink.table(parts),
      headers = { ["Content-Type"] = "application/json", ["Content-Length"] = text and #text },
   }
   assert(fine, status)
   local answer = json.decode(table.concat(parts))
   if status ~= 200 then
      error(("%s %s: %s"):format(method, path, answer.value.message), 2)
   end
   return answer.value
end

function Browser:open(url)
   self:ask("POST", "/url", { url = url })
end

--- Runs a script in the page; returns what it returns.
function Browser:run(script, ...)
   local json = require "dkjson"
   return self:ask("POST", "/execute/sync", { script = script, args = setmetatable({ ... }, { __jsontype = "array" }) }),
      json
end

--- The same of a script that calls its last argument when it is done.
function Browser:run_async(script, ...)
   return self:ask("POST", "/execute/async", { script = script, args = setmetatable({ ... }, { __jsontype = "array" }) })
end

--- Returns when the script returns something true, and that.
function Browser:await(script, ...)
   local arguments = { ... }
   return require("spec.support.kit").await(function()
      local value = self:run("return " .. script, (table.unpack or unpack)(arguments)) -- luacheck: ignore 113 143
      return value ~= nil and value ~= false and type(value) ~= "function" and value
   end, nil, 60)
end

--- A click of the mouse on what the selector finds.
function Browser:click(selector)
   local found = self:ask("POST", "/element", { using = "css selector", value = selector })
   local _, id = next(found)
   self:ask("POST", "/element/" .. id .. "/click")
end

local KEYS = { Tab = "\238\128\132", Space = " ", Enter = "\238\128\135", Shift = "\238\128\136", Control = "\238\128\137" }

--- Presses keys, one after the other: names of KEYS, or characters.  `held`: one that is held down meanwhile.
function Browser:press(keys, held)
   local actions = { held and { type = "keyDown", value = KEYS[held] } or nil }
   for _, key in ipairs(keys) do
      actions[#actions + 1] = { type = "keyDown", value = KEYS[key] or key }
      actions[#actions + 1] = { type = "keyUp", value = KEYS[key] or key }
   end
   actions[#actions + 1] = held and { type = "keyUp", value = KEYS[held] } or nil
   self:ask("POST", "/actions", { actions = { { type = "key", id = "keyboard", actions = actions } } })
end

--- Presses Tab until what has the focus is what the script says, whose argument it is.
function Browser:tab_to(script, held)
   for _ = 1, 100 do
      self:press({ "Tab" }, held)
      if self:run("const at = document.activeElement; return Boolean(" .. script .. ")") == true then
         return
      end
   end
   error("no Tab leads to: " .. script, 2)
end

--- A picture of the page, as PNG, also in the file `path`.
function Browser:screenshot(path)
   local png = require("mime").unb64(self:ask("GET", "/screenshot"))
   local file = assert(io.open(path, "wb"))
   file:write(png)
   file:close()
   return png
end

--- Light or dark, as the system would be.
function Browser:scheme(name)
   self:ask("POST", "/goog/cdp/execute", { cmd = "Emulation.setEmulatedMedia",
      params = { features = { { name = "prefers-color-scheme", value = name } } } })
end

function Browser:stop()
   if self.session then
      pcall(self.ask, self, "DELETE", "")
      self.session = nil
   end
   if self.pipe then
      pcall(function()
         require("socket.http").request(("http://127.0.0.1:%s/shutdown"):format(self.port))
      end)
      self.pipe:close()
      self.pipe = nil
   end
end

return browser
