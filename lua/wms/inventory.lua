-- SPDX-License-Identifier: MIT
--- Groups of servers from what a school has already: lists of hosts, and Ansible's inventories.
---
---     local inventory = require "wms.inventory"
---     local groups = assert(inventory.ansible(io.popen("ansible-inventory --list"):read("a")))
---     groups.room2 = assert(inventory.load_hosts("room2.txt"))
---     wms.configure{ groups = groups }
local wms = require "wms"
local files = require "wms.files"

local inventory = {}

--- Reads a list of hosts: an address, a node set or a group a line; `#` begins a comment.
---@param text string
---@param name? string for messages; "hosts" if it is not given
---@return string[]? servers what the option `servers` and a group may be
---@return string? message the line, and what is wrong with it
function inventory.hosts(text, name)
   local servers = {}
   local message = files.each_line(text, name or "hosts", function(line)
      -- What a line takes out, or a group, depends on others.
      local fine, fault = true, nil
      if not line:find("[@!&^]") then
         fine, fault = pcall(wms.servers, line)
      end
      servers[#servers + 1] = line
      return not fine and (fault:match("%(servers: (.*)%)$") or fault) or nil
   end)
   if message then
      return nil, message
   end
   return servers
end

--- Reads the list of hosts in a file.
---@param path string
---@return string[]? servers
---@return string? message
function inventory.load_hosts(path)
   local text, why = files.read(path)
   if not text then
      return nil, why
   end
   return inventory.hosts(text, path)
end

--- JSON is read by a library: lua-cjson or dkjson.
local function decoder()
   local found, library = pcall(require, "cjson.safe")
   if found then
      return function(text)
         local value, why = library.decode(text)
         return value ~= library.null and value or nil, why
      end
   end
   found, library = pcall(require, "dkjson")
   if found then
      return function(text)
         local value, _, why = library.decode(text, 1, nil)
         return value, why
      end
   end
   return nil
end

--- The address that wms has for one of Ansible's hosts: by ssh to a Linux host, unless its variables say that it is this
--- machine (`ansible_connection = local`) or a Windows host (winrm, psrp).
---@param name string
---@param vars table its variables
---@return string?
function inventory.address(name, vars)
   local host = tostring(vars.ansible_host or name)
   local connection = vars.ansible_connection
   if connection == "local" then
      return "localhost"
   end
   if host:find(":", 1, true) then
      host = "[" .. host .. "]" -- IPv6
   end
   if connection == "winrm" or connection == "psrp" then
      return host -- MultiPoint; the port of its variables is WinRM's
   end
   local user, port = vars.ansible_user or vars.ansible_ssh_user, vars.ansible_port or vars.ansible_ssh_port
   return ("logind://%s%s%s"):format(user and user .. "@" or "", host, port and (":%d"):format(port) or "")
end

local function is_list(value)
   return value == nil or (type(value) == "table" and (#value > 0 or next(value) == nil))
end

--- Reads what `ansible-inventory --list` prints: each of its groups becomes one of the same name, `all` and `ungrouped`
--- too.
---@param text string JSON
---@param address? fun(name: string, vars: table): string? the address of a host, or nil: leave it out; `inventory.address`
---if it is not given
---@return table<string, string[]>? groups for `wms.configure{ groups = }`
---@return string? message
function inventory.ansible(text, address)
   address = address or inventory.address
   if type(text) ~= "string" or type(address) ~= "function" then
      error("bad argument to 'ansible': give the text of an inventory, and perhaps a function", 2)
   end
   local decode = decoder()
   if not decode then
      return nil, "no library for JSON is there: install lua-cjson or dkjson"
   end
   local data, why = decode(text)
   if type(data) ~= "table" then
      return nil, "no inventory in JSON, as `ansible-inventory --list` prints it" .. (why and ": " .. tostring(why) or "")
   end
   local meta = type(data._meta) == "table" and data._meta or {}
   local hostvars = type(meta.hostvars) == "table" and meta.hostvars or {}
   local groups = {}
   for name, group in pairs(data) do
      if name ~= "_meta" then
         -- The old form of a group is a mere list of hosts.
         local hosts = type(group) == "table" and (group.hosts or (group.children == nil and #group > 0 and group)) or nil
         local children = type(group) == "table" and group.children or nil
         if type(name) ~= "string" or type(group) ~= "table" or not is_list(hosts or nil) or not is_list(children) then
            return nil, ("group %s: no lists of hosts and children; give what `ansible-inventory --list` prints"):format(
               tostring(name))
         end
         local members = {}
         for _, host in ipairs(hosts or {}) do
            local vars = hostvars[host]
            local where = address(tostring(host), type(vars) == "table" and vars or {})
            if where ~= nil and type(where) ~= "string" then
               return nil, ("group %s: the address of %s is a %s; return a string, or nil"):format(name, tostring(host),
                  type(where))
            elseif where ~= nil then
               members[#members + 1] = where
            end
         end
         for _, child in ipairs(children or {}) do
            members[#members + 1] = "@" .. tostring(child)
         end
         groups[name] = members
      end
   end
   local named = {} -- a group without hosts and children may be named, and stand nowhere
   for _, members in pairs(groups) do
      for _, member in ipairs(members) do
         named[#named + 1] = member:match("^@(.*)$")
      end
   end
   for _, name in ipairs(named) do
      groups[name] = groups[name] or {}
   end
   return groups
end

return inventory
