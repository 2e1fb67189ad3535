-- SPDX-License-Identifier: MIT
--- A network between the specs' hosts, with sshd on each, and what a client needs to reach them.
--
-- The network is a namespace of its own: what is to be in it is started by `network.enter`.
--
--     local network = require "spec.host.network"
--     local net = network.join(hosts.up("far1", "far2"))
--     wms.configure{ ssh_command = net.ssh }
--     ... wms.sessions{ server = far1.far } ...          "logind://root@10.91.0.11"
local hosts = require "spec.host"

local network = {}

local SSHD = [[
Port 22
HostKey /run/spec-host/ssh_host_key
AuthorizedKeysFile .ssh/authorized_keys
PasswordAuthentication yes
PermitRootLogin prohibit-password
UsePAM %s
UseDNS no
MaxStartups 200
PrintMotd no
Subsystem sftp internal-sftp
]]

local CLIENT = [[
Host *
  IdentityFile %s/key
  IdentitiesOnly yes
  UserKnownHostsFile %s/known_hosts
  GlobalKnownHostsFile /dev/null
  HostKeyAlgorithms ssh-ed25519
]]

local function write(file, text)
   local handle = assert(io.open(file, "w"))
   handle:write(text)
   handle:close()
end

local function read(file)
   local handle = assert(io.open(file))
   local text = handle:read("*a")
   handle:close()
   return text
end

local function sh(text, ...)
   local words = {}
   for i, word in ipairs{ "bash", "-euc", text, "sh", ... } do
      words[i] = "'" .. tostring(word):gsub("'", "'\\''") .. "'"
   end
   local pipe = assert(io.popen(table.concat(words, " ") .. " 2>&1; printf '\\n%d' $?"))
   local output, code = pipe:read("*a"):match("^(.*)\n(%d+)$")
   pipe:close()
   assert(code == "0", output)
   return output
end

local net -- of this run

--- Words before a command that is to run in the network.
function network.enter()
   return "nsenter", ("--net=/proc/%d/ns/net"):format(net.lab)
end

--- Starts sshd on the host, with this host key; returns when it accepts connections.
local function start_sshd(host, key)
   local config = SSHD:format(host.without_pam and "no" or "yes")
   host:put(key, "/run/spec-host/ssh_host_key")
   host:script([[
      chmod 600 /run/spec-host/ssh_host_key
      printf '%s' "$1" > /run/spec-host/sshd_config
      for home in /root /home/alice /home/bob /home/carol; do
         mkdir -p -m 700 "$home/.ssh"
         echo "$2" > "$home/.ssh/authorized_keys"
         chown -R --reference="$home" "$home/.ssh"
      done
      mkdir -p /run/sshd
      systemctl stop spec-sshd 2>/dev/null || :
      systemd-run --quiet --collect --unit=spec-sshd -p KillMode=process /usr/sbin/sshd -D -e -f /run/spec-host/sshd_config
      for try in $(seq 500); do
         (exec 3<> /dev/tcp/127.0.0.1/22) 2>/dev/null && exit 0
         sleep 0.02
      done
      journalctl -u spec-sshd
      exit 1]], config, net.public)
end

local function know(host, key)
   local lines = {}
   for line in read(net.folder .. "/known_hosts"):gmatch("[^\n]+") do
      lines[#lines + 1] = line:match("^(%S+)") ~= host.address and line or nil
   end
   lines[#lines + 1] = ("%s %s"):format(host.address, read(key .. ".pub"):match("^%S+ %S+"))
   write(net.folder .. "/known_hosts", table.concat(lines, "\n") .. "\n")
end

--- Makes another key: a file.
function network.key(name)
   local file = net.folder .. "/" .. name
   sh('[ -e "$1" ] || ssh-keygen -q -t ed25519 -N "" -C spec -f "$1"', file)
   return file
end

--- Connects hosts, starts their sshd (of a host with `without_pam` so that its logind does not know of a connection as a
-- session), and lets the client know their keys.  Returns { folder =, config =, ssh =
-- (a value for ssh_command), lab = }; each host gets `far`, the address of its logind for root.
function network.join(...)
   local folder = hosts.connect(...) .. "/ssh"
   local first = ...
   if not net or net.folder ~= folder then
      net = { folder = folder, config = folder .. "/config" }
      sh('mkdir -m 700 "$1"; : > "$1/known_hosts"', folder)
      net.public = read(network.key("key") .. ".pub")
      write(net.config, CLIENT:format(folder, folder))
   end
   net.lab = first.lab
   net.ssh = { "nsenter", ("--net=/proc/%d/ns/net"):format(net.lab), "ssh", "-F", net.config }
   local key = network.key("host_key")
   for _, host in ipairs{ ... } do
      start_sshd(host, key)
      know(host, key)
      host.far = "logind://root@" .. host.address
   end
   return net
end

--- Ends all ssh connections to the host, from its side; returns when logind over there knows of none any more.
function network.cut(host)
   host:script([[
      pkill -f '^sshd: [a-z]' || :
      for try in $(seq 500); do
         left=$(find /run/systemd/sessions -type f -exec grep -ls '^SERVICE=sshd' {} +) || : # beside FIFOs
         [ -n "$left" ] || exit 0
         sleep 0.02
      done
      echo "$left"
      exit 1]])
end

--- Plugs the host's cable in, or pulls it out.
function network.cable(host, plugged)
   sh('exec nsenter --net="/proc/$1/ns/net" ip link set "$2" $3', host.lab, host.cable,
      plugged and "master bridge up" or "down")
end

--- The host's cable stays plugged in, and nothing passes any more, until network.cable(host, true): it leads to a bridge
-- where nobody else is.
function network.silence(host)
   sh([[exec nsenter --net="/proc/$1/ns/net" bash -euc '
      ip link show quiet >/dev/null 2>&1 || ip link add quiet type bridge
      ip link set "$1" master quiet' silence "$2"]], host.lab, host.cable)
end

--- Gives the host another key, which the client does not know.
function network.change_key(host)
   start_sshd(host, network.key("other_host_key"))
end

--- The same that the client knows.
function network.restore(host)
   start_sshd(host, network.key("host_key"))
   know(host, network.key("host_key"))
end

--- The client forgets its key.
function network.forget(host)
   local text = read(net.folder .. "/known_hosts")
   write(net.folder .. "/known_hosts", (text:gsub(host.address:gsub("%.", "%%.") .. " [^\n]*\n", "")))
end

return network
