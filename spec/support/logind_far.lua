-- SPDX-License-Identifier: MIT
--- The contract's adapter for Linux hosts over ssh: those of spec.support.logind, each reached from the network.  Their
-- sshd tells logind nothing of connections, so that a host has the sessions that a spec has made, and no other.
local logind = require "spec.support.logind"
local network = require "spec.host.network"
local wms = require "wms"

local adapter = setmetatable({ name = "logind over ssh" }, { __index = logind })
local joined, net = {}, nil

local function join(machine)
   if not joined[machine] then
      machine.without_pam = true
      net = network.join(machine)
      joined[machine] = true
   end
end

function adapter.host(options)
   local host = logind.host(options)
   local machine = host.machine
   join(machine)
   wms.configure{ ssh_command = net.ssh }
   host.server = machine.far
   return host
end

--- After turn_off(): it has the address that it had.
function adapter.turn_on(host)
   logind.turn_on(host)
   join(host.machine)
   host.server = host.machine.far
end

--- The network's own end, where nobody listens.
function adapter.unreachable()
   return "logind://root@10.91.0.1"
end

--- The program that reaches them, for `ssh_command`; there has to be one.
function adapter.ssh()
   return net.ssh
end

function adapter.missing()
   local why = logind.missing()
   if why then
      return why
   end
   local process = require "spec.support.process"
   local _, code = process.run("command -v ssh ssh-keygen ip nsenter")
   return code ~= 0 and "needs ssh, ssh-keygen, ip and nsenter" or nil
end

function adapter.down()
   joined = {}
   logind.down()
end

return adapter
