-- SPDX-License-Identifier: MIT
--- Where bindings are kept: files that nobody else can read, or a script's own store.
local kit = require "spec.support.kit"
local process = require "spec.support.process"
local wms = kit.wms

local build = os.getenv("WMS_BUILD") or "build"
local cpath = process.quote(build .. "/spec/?.so;" .. package.cpath)

-- The start of every script.
local BEGIN = [[
   local wms = require "wms"
   local function bind(name, management)
      return assert(wms.bind{ server = name, user_name = "admin", fingerprint = "AB", password = "right",
         management = management })
   end
   local function load(name)
      local result, _, err = wms.call{ server = name, interface = "I", operation = "load" }
      return result or err
   end
   local function save(name, binding)
      return wms.call{ server = name, interface = "I", operation = "save", arguments = binding }
   end
   local function servers()
      local list, names = assert(wms.bindings()), {}
      for i, binding in ipairs(list) do
         names[i] = binding.server
      end
      return table.concat(names, " ")
   end
]]

describe("bindings in files", function()
   local folder

   before_each(function()
      folder = process.run("mktemp -d"):match("%S+")
   end)

   after_each(function()
      process.run("rm -rf " .. folder)
   end)

   --- Runs a script, perhaps with another environment or by another user; returns what it printed.
   local function script(text, environment, wrap)
      local output, code = process.run(("%s LUA_CPATH=%s %s timeout 20 %s -e %s"):format(
         environment or ("HOME=/nowhere XDG_CONFIG_HOME=" .. folder), cpath, wrap or "", process.lua(),
         process.quote(BEGIN .. text)))
      assert.equal(0, code, output)
      return (output:gsub("%s+$", ""))
   end

   local function shell(command)
      return (process.run("cd " .. folder .. " && " .. command):gsub("%s+$", ""))
   end

   it("are not made of a name that is too long for a file's, and nothing else is in their place", function()
      local said = script([[
         local host = "caller://" .. ("a."):rep(118) .. "abcdefgh"
         local _, _, err = wms.bind{ server = host, user_name = "admin", fingerprint = "AB", password = "right" }
         local answer = load(host)
         print(err.code .. " " .. answer.code .. " " .. answer.message:gsub(".*: ", ""))]])
      assert.equal("INTERNAL INTERNAL the server's name is too long for a file's", said)
      assert.equal("", shell("ls -R wms 2>/dev/null | grep binding$"))
   end)

   it("have the modes that keep others out, whatever the umask", function()
      for _, mask in ipairs{ "0", "022", "077" } do
         script("bind('caller://host')", nil, ("sh -c 'umask %s; exec \"$@\"' sh"):format(mask))
         assert.equal("600 caller:__host.binding", shell("cd wms/bindings && stat -c '%a %n' *"))
         assert.equal("700 wms\n700 wms/bindings", shell("stat -c '%a %n' wms wms/bindings"))
         assert.equal("caller:__host.binding", shell("ls -A wms/bindings"))
         shell("rm -r wms")
      end
   end)

   it("are a text that a person can read", function()
      script("bind('caller://host', true)")
      assert.equal([[
wms binding 1
fingerprint string "AB"
user_name string "admin"
port natural 8080
secret.machine string "TOP-SECRET"
secret.management string "TOP-SECRET"
end]], shell("cat wms/bindings/*"))
   end)

   it("are where XDG_CONFIG_HOME says, if that is a path from the root, else at HOME", function()
      script("bind('caller://host')", ("HOME=%s XDG_CONFIG_HOME=relative"):format(folder))
      script("bind('caller://other')", ("HOME=%s XDG_CONFIG_HOME="):format(folder))
      assert.equal("caller:__host.binding caller:__other.binding", shell("cd .config/wms/bindings && echo *"))
      local said = script([[
         print(load("caller://host").code)
         print(select(2, wms.bindings()))]], "env -u HOME -u XDG_CONFIG_HOME")
      assert.truthy(said:find("^ACCESS_DENIED\n"), said)
      assert.truthy(said:find("neither HOME nor XDG_CONFIG_HOME is set; set one of them", 1, true), said)
      said = script("print(select(2, wms.bindings()))", "HOME=. XDG_CONFIG_HOME=../x")
      assert.truthy(said:find("HOME and XDG_CONFIG_HOME are no paths from the root", 1, true), said)
   end)

   it("are one for all the ways to write an address", function()
      assert.equal("caller://[::1] caller://host caller://host:81", script([[
         bind("caller://host")
         assert(load("caller://HOST:80").port == 8080 and load("caller://me@host/path").port == 8080)
         assert(load("caller://host:81").code == "NOT_BOUND")
         bind("caller://Host:81")
         bind("caller://[::1]:80")
         assert(load("caller://[::1]").port == 8080)
         print(servers())]]))
   end)

   it("come back as they were kept", function()
      script([[
         local all = {}
         for byte = 0, 255 do
            all[#all + 1] = string.char(byte)
         end
         local binding = { text = table.concat(all), blanks = "  a b  ", empty = "", lines = "a\nend\n",
            yes = true, no = false,
            zero = 0, number = 2 ^ 53, below = -2 ^ 53, secret = { text = table.concat(all), number = 7 } }
         assert(save("caller://host", binding))
         local back = load("caller://host")
         for name, value in pairs(binding) do
            assert(name == "secret" or back[name] == value, name)
         end
         assert(back.secret.text == binding.secret.text and back.secret.number == 7)
         local shown = wms.bindings()[1]
         assert(shown.text == binding.text and shown.secret == nil and shown.management == false)]])
   end)

   it("that could not be read again are not kept", function()
      local said = script([[
         bind("caller://host")
         local large, many = ("x"):rep(70000), {}
         for i = 1, 200 do
            many["field" .. i] = i
         end
         for _, binding in ipairs{ { list = { 1, 2 } }, { table = { a = 1 } }, { ["a b"] = 1 }, { [("n"):rep(64)] = 1 },
            { ["1a"] = 1 }, { text = large }, many, { secret = "x" }, { secret = { deeper = { a = 1 } } },
            { ["secret.a"] = 1 }, { [""] = 1 } } do
            local _, _, err = save("caller://host", binding)
            print(err.code, err.message)
         end
         assert(load("caller://host").port == 8080)]])
      local count = 0
      for line in said:gmatch("[^\n]+") do
         count = count + 1
         assert.truthy(line:find("^INTERNAL\tcaller://host: the binding cannot be kept: "), line)
      end
      assert.equal(11, count)
   end)

   it("are forgotten", function()
      assert.equal("NOT_BOUND\tcaller://host: this client is not bound to the host yet", script([[
         assert(select(3, wms.unbind("caller://host")).code == "NOT_BOUND")
         assert(#wms.bindings() == 0)
         bind("caller://host")
         local before = wms.call{ server = "caller://host", interface = "I", operation = "count" }.connection
         assert(wms.unbind{ server = "caller://HOST:80" } == true)
         assert(load("caller://host").code == "NOT_BOUND")
         local after = wms.call{ server = "caller://host", interface = "I", operation = "count" }.connection
         assert(after > before, "the connection was used again")
         local ok, message, err = wms.unbind("caller://host")
         assert(ok == nil and err.message == message and err.server == "caller://host" and tostring(err) == message)
         print(err.code, message)]]))
      assert.equal("", shell("ls -A wms/bindings"))
   end)

   it("are replaced: another connection does not go on with the old one", function()
      script([[
         local function count(server)
            return wms.call{ server = server, interface = "I", operation = "count" }.connection
         end
         local one, other = count("caller://host"), count("caller://host:80")
         bind("caller://host")
         assert(count("caller://host") == one)
         assert(count("caller://host:80") > other)]])
   end)

   describe("that others can read are refused, with the command that mends it:", function()
      local function refused(command, words, mended)
         script("bind('caller://host')")
         shell(command)
         local said = script([[
            local function listed()
               local list, _, err = wms.bindings()
               return list and list[1].error or err
            end
            for _, call in ipairs{ load, listed } do
               local err = call("caller://host")
               print(err.code, err.message)
            end]])
         local fix
         for line in said:gmatch("[^\n]+") do
            assert.truthy(line:find("^UNTRUSTED\t"), line)
            assert.truthy(line:find(words, 1, true), line)
            fix = line:match("mend it with: (.*)$")
         end
         assert.truthy(fix, said)
         assert.equal("", shell(fix))
         assert.equal(mended or "8080", script("local b = load('caller://host') print(b.port or b.code)"))
      end

      for _, mode in ipairs{ "640", "604", "666", "610" } do
         it("a file of mode " .. mode, function()
            refused(("chmod %s wms/bindings/*"):format(mode),
               "chmod 600 " .. folder .. "/wms/bindings/caller:__host.binding")
         end)
      end

      for _, mode in ipairs{ "750", "705", "777", "710" } do
         it("a folder of mode " .. mode, function()
            refused(("chmod %s wms/bindings"):format(mode), "chmod 700 " .. folder .. "/wms/bindings")
         end)
      end

      it("a symbolic link", function()
         refused("mv wms/bindings/* other && ln -s ../../other wms/bindings/caller:__host.binding", "symbolic link",
            "NOT_BOUND")
      end)

      it("what is no file", function()
         refused("rm wms/bindings/* && mkfifo -m 600 wms/bindings/caller:__host.binding", "no file", "NOT_BOUND")
      end)

      it("what belongs to another user", function()
         if process.run("id -u"):match("%d+") ~= "0" then
            pending("needs root")
         end
         refused("chown 12345 wms/bindings/*", "chown 0 ")
         refused("chown 12345 wms/bindings", "chown 0 ")
      end)

      it("a path with characters that a shell takes for its own", function()
         local odd = folder .. "/it's $(odd)"
         local environment = ("HOME=/nowhere XDG_CONFIG_HOME=%s"):format(process.quote(odd))
         script("bind('caller://[::1]')", environment)
         process.run("chmod 644 " .. process.quote(odd) .. "/wms/bindings/*")
         local fix = script("print(load('caller://[::1]').message:match('mend it with: (.*)$'))", environment)
         assert.equal("", shell(fix))
         assert.equal("8080", script("print(load('caller://[::1]').port)", environment))
      end)
   end)

   describe("that are none are refused:", function()
      local GOOD = 'wms binding 1\nport natural 80\nend\n'

      local function refused(what, text, why)
         it(what, function()
            script("bind('caller://host')")
            local file = assert(io.open(folder .. "/wms/bindings/caller:__host.binding", "wb"))
            file:write(text)
            file:close()
            local said = script([[
               local err = load("caller://host")
               print(err.code, err.message)
               print(wms.bindings()[1].error.message)]])
            local path = folder .. "/wms/bindings/caller:__host.binding is no binding of wms ("
            assert.truthy(said:find("^INTERNAL\tcaller://host: "), said)
            assert.truthy(said:find(path, 1, true) and said:find("): remove it and bind again", 1, true), said)
            assert.truthy(said:find(why, 1, true), said)
         end)
      end

      refused("nothing", "", "begin")
      refused("something else", "# a file\n", "begin")
      refused("of another version", 'wms binding 2\nend\n', "begin")
      refused("cut off", GOOD:sub(1, -5), "ends before its end")
      refused("cut off in a line", GOOD:sub(1, 20), "line 2")
      refused("more behind its end", GOOD .. "x", "behind its end")
      refused("two fields of one name", 'wms binding 1\na natural 1\na natural 2\nend\n', "line 3: a field that is there")
      refused("two secrets of one name", 'wms binding 1\nsecret.a natural 1\nsecret.a natural 1\nend\n', "there already")
      refused("a field behind the secrets", 'wms binding 1\nsecret.a natural 1\na natural 1\nend\n', "secret")
      refused("a field called secret", 'wms binding 1\nsecret natural 1\nsecret.a natural 1\nend\n', "secret")
      refused("no name", 'wms binding 1\n natural 1\nend\n', "name")
      refused("a name that is none", 'wms binding 1\n1a natural 1\nend\n', "name")
      refused("a long name", 'wms binding 1\n' .. ("n"):rep(64) .. ' natural 1\nend\n', "name")
      refused("an unknown kind", 'wms binding 1\na float 1\nend\n', "kind")
      refused("a kind alone", 'wms binding 1\na natural\nend\n', "value")
      refused("no number", 'wms binding 1\na natural x\nend\n', "no number")
      refused("zeros", 'wms binding 1\na natural 007\nend\n', "no number")
      refused("a sign", 'wms binding 1\na natural +7\nend\n', "no number")
      refused("too large a number", 'wms binding 1\na natural 18446744073709551616\nend\n', "too large")
      refused("too small a number", 'wms binding 1\na integer -9223372036854775809\nend\n', "too large")
      refused("a number that is not below zero", 'wms binding 1\na integer 1\nend\n', "below zero")
      refused("zero below zero", 'wms binding 1\na integer -0\nend\n', "below zero")
      refused("neither true nor false", 'wms binding 1\na boolean maybe\nend\n', "neither")
      refused("no quotes", 'wms binding 1\na string x\nend\n', "quotes")
      refused("a string that does not end", 'wms binding 1\na string "x\nend\n', "code")
      refused("a string at the end", 'wms binding 1\na string "x', "does not end")
      refused("a code that is none", 'wms binding 1\na string "%zz"\nend\n', "code")
      refused("a code in small letters", 'wms binding 1\na string "%0a"\nend\n', "code")
      refused("a code that need not be", 'wms binding 1\na string "%41"\nend\n', "code")
      refused("half a code", 'wms binding 1\na string "%4', "code")
      refused("a byte that is not written as a code", 'wms binding 1\na string "\255"\nend\n', "code")
      refused("a NUL", 'wms binding 1\na string "\0"\nend\n', "code")
      refused("other line ends", 'wms binding 1\r\nend\r\n', "begin")
      refused("blanks at the end", 'wms binding 1\na natural 1 \nend\n', "behind the value")
      refused("empty lines", 'wms binding 1\n\nend\n', "name")
      refused("too large", 'wms binding 1\na string "' .. ("x"):rep(70000) .. '"\nend\n', "too large")
      refused("too many fields", "wms binding 1\n" .. (function()
         local fields = {}
         for i = 1, 129 do
            fields[i] = ("f%d natural 1\n"):format(i)
         end
         return table.concat(fields)
      end)() .. "end\n", "too many")
   end)

   it("of which the numbers may be the largest and the smallest", function()
      script("bind('caller://host')")
      local file = assert(io.open(folder .. "/wms/bindings/caller:__host.binding", "wb"))
      file:write('wms binding 1\na natural 18446744073709551615\nb integer -9223372036854775808\nc integer -1\nend\n')
      file:close()
      local said = script([[
         local binding = load("caller://host")
         print(binding.a, ("%.0f"):format(tonumber(binding.b)), binding.c)]])
      assert.truthy(said:find("^18446744073709551615\t%-9223372036854775808\t%-1"), said)
   end)

   it("that cannot be written end the bind with what is wrong", function()
      shell("touch wms")
      local try = "print(select(2, pcall(bind, 'caller://host')))"
      local said = script(try)
      assert.truthy(said:find("caller://host: cannot", 1, true), said)
      assert.truthy(said:find(folder .. "/wms", 1, true), said)
      shell("rm wms && mkdir -p wms/bindings && chmod 700 wms/bindings && mkdir wms/bindings/caller:__host.binding")
      said = script(try)
      assert.truthy(said:find("caller://host: cannot write", 1, true), said)
      assert.equal("caller:__host.binding", shell("ls -A wms/bindings"))
   end)

   describe("that could not be kept are not asked for: no password is", function()
      --- A bind whose password must not be wanted; returns its code and message.
      local function bind(environment, wrap)
         return script([[
            local _, message, err = wms.bind{ server = "caller://host", user_name = "admin", fingerprint = "AB",
               password = function() print("ASKED") return "right" end }
            print(err and err.code or "bound", message)]], environment, wrap)
      end

      it("without HOME", function()
         local said = bind("env -u HOME -u XDG_CONFIG_HOME")
         assert.truthy(said:find("^ACCESS_DENIED\t.*neither HOME nor XDG_CONFIG_HOME is set; set one of them"), said)
      end)

      it("with a relative HOME", function()
         local said = bind("env -u XDG_CONFIG_HOME HOME=home")
         assert.truthy(said:find("^ACCESS_DENIED\t.*no paths from the root"), said)
      end)

      it("in a folder that is open to others", function()
         shell("mkdir -p wms/bindings && chmod 755 wms/bindings")
         local said = bind()
         assert.truthy(said:find("^UNTRUSTED\t.*chmod 700 "), said)
      end)

      it("where there can be no folder", function()
         local said = bind("HOME=/nowhere XDG_CONFIG_HOME=/proc")
         assert.truthy(said:find("^ACCESS_DENIED\t.*/proc/wms"), said)
      end)

      it("where a folder is in the file's place", function()
         shell("mkdir -p wms/bindings && chmod 700 wms/bindings && mkdir wms/bindings/caller:__host.binding")
         local said = bind()
         assert.truthy(said:find("^ACCESS_DENIED\t.*Is a directory"), said)
      end)

      it("on a disk that is full, or may not be written to", function()
         for options, words in pairs{ ["size=4k"] = "No space left on device", ["ro"] = "Read%-only file system" } do
            local wrap = "unshare -m sh -c " .. process.quote(("mkdir -p %s/wms/bindings && chmod 700 %s/wms/bindings"
               .. " && mount -t tmpfs -o mode=700,%s none %s/wms/bindings && exec \"$0\" \"$@\""):format(folder, folder,
               options, folder))
            if select(2, process.run("unshare -m mount -t tmpfs none /mnt")) ~= 0 then
               pending("needs root, and namespaces")
            end
            local said = bind(nil, wrap)
            assert.truthy(said:find("^ACCESS_DENIED\t.*" .. words), said)
         end
      end)

      it("and nothing is left of the attempt", function()
         script([[
            wms.bind{ server = "caller://host", user_name = "admin", fingerprint = "AB",
               password = function() return nil, "no" end }]])
         assert.equal("", shell("ls -A wms/bindings"))
      end)
   end)

   it("that are junk do not hide the others", function()
      script("bind('caller://a') bind('caller://b') bind('caller://c') bind('caller://d')")
      shell("cd wms/bindings && echo junk > caller:__b.binding && chmod 644 caller:__c.binding")
      assert.equal("caller://a - | caller://b INTERNAL | caller://c UNTRUSTED | caller://d -", script([[
         local said = {}
         for i, binding in ipairs(wms.bindings()) do
            local err = binding.error
            said[i] = binding.server .. " " .. (err and err.code or "-")
            assert(not err == (binding.port == 8080))
            assert(not err or err.message:find(binding.server:match("%w$") .. ".binding", 1, true))
         end
         print(table.concat(said, " | "))]]))
   end)

   it("that another process has made anew are used by the next command", function()
      assert.equal("8080 81 NOT_BOUND 82", script([[
         local said = {}
         local function port() local b = load("caller://host") said[#said + 1] = tostring(b.port or b.code) end
         local path = os.getenv("XDG_CONFIG_HOME") .. "/wms/bindings/caller:__host.binding"
         local function other(port) -- as the other process does it
            local file = io.open(path) local text = file:read("*a") file:close()
            file = io.open(path .. ".new", "w")
            file:write((text:gsub("port natural %d+", "port natural " .. port))) file:close()
            os.execute("chmod 600 '" .. path .. ".new'; mv '" .. path .. "' '" .. path .. ".old' && mv '" .. path
               .. ".new' '" .. path .. "'")
         end
         bind("caller://host") port()
         other(81) port()
         os.rename(path, path .. ".gone") port()
         os.rename(path .. ".gone", path) other(82) port()
         print(table.concat(said, " "))]]))
   end)

   it("that may not be read or written are ACCESS_DENIED", function()
      if process.run("id -u"):match("%d+") ~= "0" then
         pending("needs root")
      end
      process.run(("chmod 755 %s; mkdir -m 700 %s/wms"):format(folder, folder))
      assert.equal("ACCESS_DENIED ACCESS_DENIED ACCESS_DENIED", script([[
         local _, _, err = wms.bindings()
         local _, _, other = wms.unbind("caller://host")
         print(err.code .. " " .. load("caller://host").code .. " " .. other.code)]], nil,
         "setpriv --reuid=12345 --clear-groups"))
   end)

   it("are not disturbed by what else lies in the folder", function()
      script("bind('caller://host') bind('caller://other')")
      shell("cd wms/bindings && touch .new-1-0 .new-1-1 notes README.binding ' a.binding' .binding && mkdir sub")
      assert.equal("caller://host caller://other", script("print(servers())"))
      script("bind('caller://third')")
   end)
end)

describe("a script's own store", function()
   local open, close = kit.providers()
   local store
   setup(open)
   teardown(close)
   before_each(function()
      store = kit.store()
      wms.configure{ store = store }
   end)
   after_each(kit.reset)

   local function bind(server)
      return assert(wms.bind{ server = server, user_name = "admin", fingerprint = "AB", password = "right" })
   end

   local function call(operation, server)
      return wms.call{ server = server or "caller://host", interface = "I", operation = operation }
   end

   it("is told of a bind, and asked before each command", function()
      bind "caller://HOST:80"
      assert.same({ ["caller://host"] = true }, { [next(store.kept)] = true })
      local asked = store.asked["caller://host"]
      assert.equal(8080, call("load").port)
      wms.sessions{ servers = { "caller://host", "memory://nobody", "caller://other" } }
      wms.unlock{ session_ids = { { session_id = 1, server = "caller://host" } } }
      assert.equal(asked + 3, store.asked["caller://host"])
      assert.is_nil(store.asked["memory://nobody"])
      wms.sessions{ servers = { "plain://good", "poor://good" } } -- providers that bind to nothing
      assert.is_nil(store.asked["plain://good"] or store.asked["poor://good"])
      assert.truthy(store.asked["caller://other"])
   end)

   it("may have another binding, or none any more: connections with the old one are not used again", function()
      bind "caller://host"
      local first = call("count").connection
      assert.equal(first, call("count").connection)
      store.kept["caller://host"] = store.kept["caller://host"]:gsub("8080", "8081")
      assert.are_not.equal(first, call("count").connection)
      assert.equal(8081, call("load").port)
      store.kept["caller://host"] = nil
      assert.equal("NOT_BOUND", select(3, call("load")).code)
   end)

   it("lists its bindings, and forgets them", function()
      bind "caller://two"
      bind "caller://one"
      assert.same({ "caller://one", "caller://two" }, kit.pluck(wms.bindings(), "server"))
      store.kept["caller://one"] = nil
      assert.same({ "caller://two" }, kit.pluck(wms.bindings(), "server"))
      assert.is_true(wms.unbind("caller://two"))
      assert.same({}, store.kept)
      assert.same({}, wms.bindings())
      assert.equal("NOT_BOUND", select(3, wms.unbind("caller://two")).code)
   end)

   it("holds any text that it was given", function()
      for _, wrong in ipairs{ "", "wms binding 1\n", "nonsense\0" } do
         store.kept["caller://host"] = wrong
         local ok, message = pcall(call, "load")
         assert.is_false(ok)
         assert.truthy(message:find("store.load for 'caller://host': binding: no text of a binding", 1, true), message)
      end
   end)

   describe("whose function", function()
      for _, name in ipairs{ "load", "save", "remove", "list" } do
         it(name .. " raises: so does the call", function()
            bind "caller://host"
            local raising = kit.store()
            raising.kept = store.kept
            raising.load = store.load
            raising[name] = function() error("no disk", 0) end
            wms.configure{ store = raising }
            local ok, message = pcall(name == "list" and wms.bindings or name == "remove" and wms.unbind or bind,
               "caller://host")
            assert.same({ false, "no disk" }, { ok, message })
         end)
      end

      it("load returns no text", function()
         store.load = function() return 7 end
         wms.configure{ store = store }
         local ok, message = pcall(call, "load")
         assert.is_false(ok)
         assert.truthy(message:find("store.load returned a number", 1, true), message)
      end)

      it("list returns no list", function()
         for _, wrong in ipairs{ 7, { 7 }, { "-x" }, { a = 1 }, { "a\0b" } } do
            store.list = function() return wrong end
            wms.configure{ store = store }
            local ok, message = pcall(wms.bindings)
            assert.is_false(ok)
            assert.truthy(message:find("store.list", 1, true), message)
         end
      end)

      it("calls wms", function()
         local save = store.save
         function store.save(server, text)
            wms.call{ server = "caller://other", interface = "I", operation = "none" }
            save(server, text)
            collectgarbage()
         end
         wms.configure{ store = store }
         bind "caller://host"
         assert.truthy(store.kept["caller://host"])
      end)
   end)

   it("is told of a bind that was started", function()
      local request = wms.start("bind", { server = "caller://host", user_name = "a", fingerprint = "AB",
         password = "right" })
      kit.finish(request)
      request:step()
      assert.truthy(store.kept["caller://host"])
      request:close()
   end)

   it("tells a MultiPoint host on this machine from this machine", function()
      local text = "wms binding 1\nend\n"
      for name, alias in pairs{
         ["multipoint://localhost"] = "multipoint://LOCALHOST", ["localhost:8080"] = "multipoint://localhost:8080",
      } do
         store.kept = { [name] = text }
         assert.same({ name }, kit.pluck(wms.bindings(), "server"))
         assert.is_true(wms.unbind(alias))
         assert.same({}, store.kept)
         assert.same({}, wms.bindings())
      end
   end)

   it("is left: then there are no such bindings", function()
      bind "caller://host"
      local other = kit.store()
      wms.configure{ store = other }
      assert.equal("NOT_BOUND", select(3, call("load")).code)
      assert.same({}, wms.bindings())
   end)

   it("needs all its functions", function()
      for _, name in ipairs{ "load", "save", "remove", "list" } do
         local poor = kit.store()
         poor[name] = nil
         kit.misuse("configure", { "store." .. name, "function" }, function() wms.configure{ store = poor } end)
      end
      for _, wrong in ipairs{ true, 7, "files", print } do
         kit.misuse("configure", { "store", "load, save, remove and list" }, function() wms.configure{ store = wrong } end)
      end
   end)

   it("is asked for what is an address alone", function()
      kit.misuse("unbind", { "server" }, function() wms.unbind() end)
      kit.misuse("unbind", { "server" }, function() wms.unbind{} end)
      kit.misuse("unbind", { "server" }, function() wms.unbind{ server = { "caller://a", "caller://b" } } end)
      kit.misuse("unbind", { "server" }, function() wms.unbind("-x") end)
      kit.misuse("unbind", { "timeout: no such option" }, function() wms.unbind{ server = "caller://a", timeout = 3 } end)
   end)
end)
