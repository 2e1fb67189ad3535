#!/usr/bin/env lua
-- SPDX-License-Identifier: MIT
--- Writes the part of nats-server's configuration that says who may do what, from a table of the school:
--
--     lua5.4 rights.lua school.lua >rights.conf.new && mv rights.conf.new rights.conf && nats-server --signal reload
--
-- school.lua shows the table.  A host is a line "HOST NKEY" of hosts.txt: enrolling one adds a line.  Runs on every Lua.
--
-- Account STORE has the buckets with wishes and presence; account WMS has hosts and people, and reaches the buckets through
-- what it imports.  They are apart since JetStream answers to whatever subject it is told, with all rights: in one account
-- whoever may read one wish could have it put in another host's place.
local PEOPLE_HEAR = { "wms.v1.*.answer.WHO.>" }
local MOST_NAMES = 5 -- that a doubt lists
local rights = {}

local function fail(...)
   io.stderr:write("rights.lua: ", string.format(...), "\n")
   os.exit(1)
end

--- How a host's name is written in subjects: one word.
function rights.word(host)
   local word = host:lower():gsub("%.", "_")
   return word:match("^[%w][%w_-]*$") or fail("host %q: give its name, such as lab01.school.example", host)
end

local function nkey(owner, text)
   local key = type(text) == "string" and #text == 56 and text:match("^U[A-Z2-7]+$")
   return key or fail("%s: give the public key, 56 letters from U on (not the seed, which begins with S)", owner)
end

local function list(subjects)
   return '[ "' .. table.concat(subjects, '", "') .. '" ]'
end

local function user(key, publish, subscribe)
   local form = "      { nkey: %s, permissions: {\n          publish: %s\n          subscribe: %s } }"
   return form:format(key, list(publish), list(subscribe))
end

local function fill(subjects, from, to, result)
   for _, subject in ipairs(subjects) do
      result[#result + 1] = (subject:gsub(from, (to:gsub("%%", "%%%%"))))
   end
   return result
end

--- What the agent of a host needs: it hears questions to its host and writes answers of its host, and nobody else's; it
-- tells that it is there, and reads its own wish.
function rights.host(host)
   local word = rights.word(host)
   return fill({ "wms.v1.HOST.answer.>", "wms.v1.HOST.event", "$KV.wms_presence.HOST",
      "$JS.API.DIRECT.GET.KV_wms_presence.$KV.wms_presence.HOST", "$JS.API.DIRECT.GET.KV_wms_wish.$KV.wms_wish.HOST" },
      "HOST", word, {}), fill({ "wms.v1.HOST.*.*", "wms.v1.HOST.store.>", "$KV.wms_wish.HOST" }, "HOST", word, {})
end

--- What somebody needs who asks hosts: `hosts` is a list, or "*" for all of them.  The last word of a question's subject is
-- who asks, and the server lets nobody write another name there.
function rights.person(who, hosts)
   if not who:match("^[%w_-]+$") then
      fail("%q: give a name of letters, digits, - and _", who)
   end
   local publish, subscribe = {}, fill(PEOPLE_HEAR, "WHO", who, {})
   for _, host in ipairs(hosts == "*" and { "*" } or hosts) do
      local word = host == "*" and host or rights.word(host)
      fill(fill({ "wms.v1.HOST.*.WHO", "$KV.wms_wish.HOST", "$JS.API.DIRECT.GET.KV_wms_wish.$KV.wms_wish.HOST",
         "$JS.API.DIRECT.GET.KV_wms_presence.$KV.wms_presence.HOST" }, "HOST", word, {}), "WHO", who, publish)
      fill({ "wms.v1.HOST.event", "$KV.wms_presence.HOST", "$KV.wms_wish.HOST" }, "HOST", word, subscribe)
   end
   return publish, subscribe
end

local function sorted(map)
   local names = {}
   for name in pairs(map or {}) do
      names[#names + 1] = name
   end
   table.sort(names)
   return names
end

--- The text of the configuration.
function rights.accounts(school)
   local members = {}
   for _, host in ipairs(sorted(school.hosts)) do
      members[#members + 1] = user(nkey(host, school.hosts[host]), rights.host(host))
   end
   for _, who in ipairs(sorted(school.people)) do
      local person, hosts = school.people[who], {}
      for _, room in ipairs(person.rooms or {}) do
         if room == "*" then
            hosts = "*"
            break
         end
         for _, host in ipairs(school.rooms[room] or fail("%s: there is no room %q; name it in `rooms`", who, room)) do
            hosts[#hosts + 1] = host
         end
      end
      members[#members + 1] = user(nkey(who, person.nkey), rights.person(who, hosts))
   end
   local administrators = {}
   for i, key in ipairs(school.administrators or {}) do
      administrators[i] = ("      { nkey: %s }"):format(nkey("administrators", key))
   end
   return ([[
accounts {
  STORE {
    jetstream: enabled
    exports: [
      { service: "$KV.wms_wish.*", accounts: [WMS] }
      { service: "$KV.wms_presence.*", accounts: [WMS] }
      { service: "$JS.API.DIRECT.GET.KV_wms_wish.>", accounts: [WMS] }
      { service: "$JS.API.DIRECT.GET.KV_wms_presence.>", accounts: [WMS] }
    ]
    users: [
%s
    ]
  }
  WMS {
    imports: [
      { service: { account: STORE, subject: "$KV.wms_wish.*" } }
      { service: { account: STORE, subject: "$KV.wms_presence.*" } }
      { service: { account: STORE, subject: "$JS.API.DIRECT.GET.KV_wms_wish.>" } }
      { service: { account: STORE, subject: "$JS.API.DIRECT.GET.KV_wms_presence.>" } }
    ]
    users: [
%s
    ]
  }
}
]]):format(table.concat(administrators, "\n"), table.concat(members, "\n"))
end

--- { "lab01 UABC…", … } -> { lab01 = "UABC…" }; a file's name, or the table itself.
local function read_hosts(hosts)
   if type(hosts) ~= "string" then
      return hosts
   end
   local result = {}
   for line in (io.open(hosts) or fail("%s cannot be read", hosts)):lines() do
      local host, key = line:gsub("#.*", ""):match("^%s*(%S+)%s+(%S+)%s*$")
      if host then
         result[host] = key
      elseif not line:match("^%s*#") and line:match("%S") then
         fail("%s: %q is no line \"HOST NKEY\"", hosts, line)
      end
   end
   return result
end

--- What looks like a mistake, since names in rooms and in the list of hosts are compared as they are: a list of sentences.
function rights.doubts(school)
   local doubts, roomed, everywhere, keyless, roomless = {}, {}, false, {}, {}
   local enrolled = {}
   for host in pairs(school.hosts) do
      enrolled[rights.word(host)] = true
   end
   for _, room in ipairs(sorted(school.rooms)) do
      for _, host in ipairs(school.rooms[room]) do
         roomed[rights.word(host)] = true
         if not enrolled[rights.word(host)] then
            keyless[#keyless + 1] = ("%s (%s)"):format(host, room)
         end
      end
   end
   for _, person in pairs(school.people or {}) do
      for _, room in ipairs(person.rooms or {}) do
         everywhere = everywhere or room == "*"
      end
   end
   for _, host in ipairs(sorted(school.hosts)) do
      if not roomed[rights.word(host)] then
         roomless[#roomless + 1] = host
      end
   end
   local function tell(names, form)
      if #names > 0 then
         local few = table.concat(names, ", ", 1, math.min(#names, MOST_NAMES))
         doubts[#doubts + 1] = form:format(#names, few .. (#names > MOST_NAMES and ", ..." or ""))
      end
   end
   tell(keyless, "hosts of rooms without a key, which have not been enrolled or have another name there: %d: %s")
   local who = everywhere and "only people with \"*\"" or "nobody"
   tell(roomless, "hosts in no room, which " .. who .. " may ask: %d: %s")
   return doubts
end

if not pcall(debug.getlocal, 4, 1) and arg and arg[0] and arg[0]:match("rights%.lua$") then -- run, not loaded by require
   local school = dofile(arg[1] or fail("give the file with the table, such as school.lua"))
   school.hosts = read_hosts(school.hosts)
   io.write(rights.accounts(school))
   for _, doubt in ipairs(rights.doubts(school)) do
      io.stderr:write("rights.lua: ", doubt, "\n")
   end
end

return rights
