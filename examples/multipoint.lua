-- SPDX-License-Identifier: MIT
--- MultiPoint hosts from nothing: binds to one, lists its sessions, locks and unlocks them.
--
--    lua examples/multipoint.lua                               plays it all with a host of this tree
--    lua examples/multipoint.lua SERVER USER                   binds to a real host, and lists its sessions
--    lua examples/multipoint.lua SERVER USER SESSION_ID...     locks these of them for two seconds, and unlocks them
--
--    SERVER    a Windows with MultiPoint Services or the MultiPoint Connector: lab01.school.example
--    USER      an administrator there.  The password is asked for, once: afterwards this user is bound to the host
--
-- The host of this tree speaks the protocol of a MultiPoint Server on the loopback interface; it is no Windows, and no
-- screen goes dark.  `make specs` builds it, and luasocket talks to it.  What is bound to it is forgotten at the end.
-- Exit code: 0 when everything went as told here, 1 when it did not, 2 for wrong arguments.
local wms = require "wms"

local as_told = true

local function say(format, ...)
   print("  " .. format:format(...))
end

local function step(title)
   print("\n" .. title)
end

--- As assert, without the place in this file.
local function must(value, message)
   if not value then
      error(message, 0)
   end
   return value
end

-- ---- what is done with a host, real or not --------------------------------------------------------------------------

local function show_sessions(server)
   local sessions = must(wms.sessions(server))
   for _, s in ipairs(sessions) do
      say("session %-3s %-9s %-19s %s%s", s.session_id, s.user_name or "-", s.state,
         s.locked and "locked" or s.locked == false and "not locked" or "lock not known",
         s.is_orchestratable and "" or ", exempt")
   end
   if #sessions == 0 then
      say("there are none")
   end
end

--- Prints the outcomes of a command; returns the code of the first that failed, or nil.
local function show(list, message, err)
   if not list and #err.outcomes == 0 then
      say("%s: %s", err.code, message)
   end
   for _, outcome in ipairs(list or err.outcomes) do
      local id = outcome.session_id and "session " .. outcome.session_id or outcome.server
      if outcome.error then
         say("%s: %s, %s: %s", id, outcome.state, outcome.error.code, outcome.error.message)
      else
         say("%s: %s%s", id, outcome.state, outcome.changed and ", changed" or "")
      end
   end
   return err and err.code
end

local function ask(question)
   io.write("  ", question)
   return io.read() or ""
end

local function ask_password(server, user_name)
   os.execute("stty -echo 2>/dev/null")
   local password = ask(("password of %s on %s: "):format(user_name, server))
   os.execute("stty echo 2>/dev/null")
   print()
   return password ~= "" and password or nil, "no password was given"
end

--- The fingerprint of the certificate that the host announces.  Without one in its options, wms.bind asks for nothing else,
-- neither the host nor the password.
local function announced(server, user_name)
   local _, message, err = wms.bind{ server = server, user_name = user_name, password = ask_password }
   must(err.code == "UNTRUSTED" and err.fingerprint, message)
   say("%s", err.code)
   say("SHA-256 %s", err.fingerprint:sub(1, 48))
   say("        %s", err.fingerprint:sub(49))
   say("SHA-1   %s", err.thumbprint)
   return err.fingerprint
end

-- ---- with the host of this tree --------------------------------------------------------------------------------------

--- A step that has to end with this code; nil is none.
local function expect(code, ...)
   if show(...) ~= code then
      as_told = false
   end
end

local function play(park)
   local lab = park:host{ name = "lab01", subject = "lab01.localhost", password = "the administrator's" }
   local server = "lab01.localhost:" .. lab.http
   local kept = {}
   wms.configure{ store = { -- bindings go there, instead of into files
      load = function(name) return kept[name] end,
      save = function(name, binding) kept[name] = binding end,
      remove = function(name) kept[name] = nil end,
      list = function() return kept[server] and { server } or {} end,
   } }
   lab:session{ id = 1, user = "teacher", flags = 1, station = 1 }
   lab:session{ id = 2, user = "alice", station = 2 }
   lab:session{ id = 3, user = "bob", station = 3 }
   lab:session{ id = 4, user = "carol" }
   print(("%s: a host on the loopback interface that speaks as a MultiPoint Server does"):format(server))

   step "Unlock, before anything else"
   expect("NOT_BOUND", wms.unlock_all(server))

   step "Bind, without knowing the host's certificate"
   local fingerprint = announced(server, "Administrator")

   step "Bind, with the fingerprint that a person has compared with the host's"
   must(fingerprint == lab.fingerprint, "somebody else answers there")
   local bound = must(wms.bind{
      server = server, user_name = "Administrator", fingerprint = fingerprint,
      password = function(name, user_name)
         say("the password of %s on %s is asked for", user_name, name)
         return "the administrator's"
      end,
   })
   say("bound; HTTPS at its port %s", bound.port == lab.https and "that was announced" or "of somebody else")

   step "The sessions"
   show_sessions(server)

   step "Lock alice's and the teacher's"
   expect("ACCESS_DENIED", wms.lock{ session_ids = { 2, 1 }, server = server, message = "Eyes on the teacher" })
   say("alice reads: %s", lab:sessions()[2].message)

   step "Unlock alice's, and ask the host whether it is"
   expect(nil, wms.unlock{ session_ids = 2, server = server, verify = 3 })

   step "Lock all, and unlock all"
   expect(nil, wms.lock_all{ server = server, message = "Exam", verify = 3 })
   say("who logs on now reads: %s", lab:counts().block_all)
   expect(nil, wms.unlock_all{ server = server, verify = 3 })

   step "Unlock bob's, which a manager locks again: `stable` finds it"
   lab:session{ id = 3, relock = 300 }
   expect("REVERTED", wms.unlock{ session_ids = 3, server = server, stable = 2 })

   step "Disconnect carol's, close alice's"
   expect(nil, wms.disconnect{ session_ids = 4, server = server, verify = 3 })
   expect(nil, wms.close{ session_ids = 2, server = server, verify = 3 })
   show_sessions(server)

   step "Any operation of the protocol: GetScreenState"
   local screen = must(wms.call{
      server = server, interface = "IMultiPointSession", operation = "GetScreenState", arguments = { idSession = 4 },
   })
   say("disconnected: %s, locked: %s", tostring(screen.pfIsDisconnected), tostring(screen.pfIsLocked))
   as_told = as_told and screen.pfIsDisconnected and not screen.pfIsLocked

   step "Forget the host"
   must(wms.unbind(server))
   expect("NOT_BOUND", wms.unlock_all(server))
   local counts = lab:counts()
   say("it got %d requests over %d TLS handshakes; the administrator's password was in %d of them", counts.requests,
      counts.handshakes, counts.admin_tls + counts.admin_plain)
   as_told = as_told and counts.admin_plain == 0 and counts.admin_tls == 1
end

local function rehearse()
   package.path = "./?.lua;./?/init.lua;" .. package.path
   local test_host = require "spec.host.multipoint"
   local there, why = test_host.available()
   if not there then
      io.stderr:write("the host of this tree does not run: ", why, "\n")
      os.exit(1, true)
   end
   local park = test_host.start()
   local ok, problem = pcall(play, park)
   park:stop()
   must(ok, problem)
   print(as_told and "\nEverything went as told." or "\nThis did not go as told.")
end

-- ---- with a real one -------------------------------------------------------------------------------------------------

local function is_bound(server)
   local sessions, _, err = wms.sessions{ server = server, timeout = 10 }
   return sessions or err.code ~= "NOT_BOUND"
end

local function bind(server, user_name)
   step "Bind"
   local fingerprint = announced(server, user_name)
   say("On the host, in a PowerShell: Get-ChildItem Cert:\\LocalMachine\\My | Format-List Subject, Thumbprint")
   must(ask("Is its SHA-1 the same there? Type yes: ") == "yes", "not bound")
   must(wms.bind{ server = server, user_name = user_name, fingerprint = fingerprint, password = ask_password })
   say("bound")
end

local function work(server, user_name, ids)
   if not is_bound(server) then
      bind(server, user_name)
   end
   step "The sessions"
   show_sessions(server)
   if #ids > 0 then
      step "Lock"
      local failed = show(wms.lock{ session_ids = ids, server = server, message = "Back in two seconds", verify = 3 })
      os.execute("sleep 2")
      step "Unlock, and watch for a second that they stay so"
      as_told = not show(wms.unlock{ session_ids = ids, server = server, verify = 3, stable = 1 }) and not failed
   end
end

local server, user_name = arg[1], arg[2]
if not server then
   rehearse()
elseif not user_name or server:sub(1, 1) == "-" then
   io.stderr:write("usage: multipoint.lua [SERVER USER [SESSION_ID...]]\n")
   os.exit(2, true)
else
   local ok, problem = pcall(work, server, user_name, { select(3, (table.unpack or unpack)(arg)) }) -- luacheck: ignore 143
   if not ok then
      io.stderr:write(tostring(problem), "\n")
   end
   as_told = as_told and ok
end
os.exit(as_told and 0 or 1, true)
