-- SPDX-License-Identifier: MIT
--- `wms veyon-gateway`: Veyon's WebAPI on this machine, for the length of a command, where none runs.
---
--- Each command line that uses it holds a lock (wms.system's guards), and the gateway that one of them has started ends
--- with the last.  One that somebody else has started is used, and never ended.
local exits = require "wms.cli.exits"
local lasting = require "wms.cli.lasting"
local misuse = require "wms.cli.misuse"
local output = require "wms.cli.output"
local service = require "wms.cli.service"
local system = require "wms.system"
local text = require "wms.cli.text"

local gateway = {}

local NAME = "veyon-gateway"
local ADDRESS, PORT = "127.0.0.1", 11080 -- Veyon's own, where nobody has set another port
local READY = 30 -- seconds that it may take
local LOOK = 0.02 -- seconds between two looks whether it is there
local REST = 2 -- seconds between two looks whether it is still there
local COMMAND = { "env", "LC_ALL=C.UTF-8", "veyon-cli", "webapi", "runserver" } -- what it says is English then

-- Prints its port, if one is set, or that there is no such program.
local ASK = "if command -v veyon-cli >/dev/null; then LC_ALL=C.UTF-8 veyon-cli config get WebAPI/HttpServerPort "
   .. "2>/dev/null </dev/null; else echo missing; fi"

--- The port at which it listens; and whether veyon-cli is installed.
local function ask_port()
   local pipe = assert(io.popen(ASK))
   local said = pipe:read("*a")
   pipe:close()
   local port = tonumber(said:match("^%s*(%d+)%s"))
   return port and port > 0 and port < 65536 and port or PORT, said ~= "missing\n"
end

local function fail(format, ...)
   error({ lacking = format:format(...) }, 0)
end

--- Whether there is one that may be given a key.
local function is_there(port)
   local who, number = system.listener(ADDRESS, port)
   if who == "foreign" then
      fail("what listens at port %d belongs to the user with the number %d, and not to root or to you: no key is given to "
         .. "it; end it, or set another port: veyon-cli config set WebAPI/HttpServerPort PORT", port, number)
   elseif who == "unseen" then
      fail("who listens at port %d cannot be seen, since /proc is not there; mount it", port)
   end
   return who == "ours"
end

--- Takes the lock of all who use the gateway at that port.
local function share(port)
   local folder = require("wms.keep.file").folder()
   if not folder then
      fail("there is no folder for its lock; set HOME or XDG_STATE_HOME")
   end
   local lock, why = system.share(("%s/veyon-gateway-%d.lock"):format(folder, port))
   return lock or fail("%s", why)
end

--- What veyon-cli has said of what went wrong.
local function complaint(said)
   local last
   for line in said:gmatch("[^\n]+") do
      last = line:match("%[ERROR%]%s*(.*)") or last
   end
   return text.clean(last or said:match("([^\n]+)\n*$") or "it does not say why")
end

local function guard(lock, words)
   local gone, said = system.guard(lock, words)
   return gone or fail("%s", said), said
end

--- Starts one, and waits until there is one.  Returns a descriptor that tells of its end, and one with what it says; or
--- nil, nil and the exit code for a signal that has come.
local function start(lock, port)
   local gone, said = guard(lock, COMMAND)
   for _ = 1, READY / LOOK do
      local is_over = system.readable(gone)
      if is_there(port) then -- though it may be another one, which was sooner
         return gone, said
      elseif is_over then
         fail("veyon-cli has ended: %s", complaint(system.said(said)))
      end
      local signal = system.await(gone, LOOK)
      if signal then
         return nil, nil, lasting.CODES[signal]
      end
   end
   return fail("veyon-cli does not listen at port %d after %d s; look what it says: veyon-cli webapi runserver", port,
      READY)
end

--- Waits for a signal, or until there is none any more; returns the exit code.  `said`: nil where it was there already.
local function wait(lock, port, gone, said)
   repeat
      if system.readable(gone) then -- that of another one goes on
         gone, said = guard(lock), nil
      end
      service.alive()
      local signal = system.await(gone, math.min(REST, service.pause()))
      if signal then
         return lasting.CODES[signal]
      end
   until not is_there(port)
   return fail("the gateway has ended%s", said and ": " .. complaint(system.said(said)) or "")
end

--- This process becomes the program.
local function become(program)
   output.flush()
   local _, why = system.replace(program)
   io.stderr:write("wms: ", text.clean(why), "\n")
   return exits.NO_PROGRAM
end

--- What is wrong with what was given, or nil.
local function check(given)
   for _, name in ipairs{ "demo", "lua", "config" } do
      if given[name] then
         return ("--%s: it is about this machine's gateway alone; leave it out"):format(name)
      end
   end
   local program = given.program
   if #program > 0 and given.words[#given.words - #program] ~= "--" then
      return ("'%s' is a program's name; give it behind --: wms %s -- %s"):format(program[1], NAME, program[1])
   end
   return nil
end

--- Sees to it that there is one until this process ends, whatever it becomes.  Returns what start() does, without what it
--- says where it was there already.
local function provide(lock, port, is_installed)
   if is_there(port) then
      return (guard(lock))
   elseif not is_installed then
      fail("veyon-cli is not installed; install it (Debian: veyon-service and veyon-plugins)")
   end
   return start(lock, port)
end

--- Carries the command out; returns the exit code.
function gateway.run(given)
   local why = check(given)
   if why then
      misuse.raise(why, NAME)
   end
   local is_alone = #given.program == 0
   local port, is_installed = ask_port()
   local lock = share(port)
   if is_alone then
      system.hold_endings()
   end
   local gone, said, code = provide(lock, port, is_installed)
   if code then
      return code
   elseif not is_alone then
      return become(given.program)
   end
   output.write(("http://%s:%d\n"):format(ADDRESS, port))
   output.flush()
   service.ready()
   return wait(lock, port, gone, said)
end

return gateway
