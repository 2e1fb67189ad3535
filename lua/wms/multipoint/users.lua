-- SPDX-License-Identifier: MIT
--- Local accounts of the host: [MS-RSMC] 3.9.
local Host = require "wms.multipoint.host"
local words = require "wms.multipoint.words"

local NAME = { name = "name", kind = "name", required = true, about = "the account's name" }
local TYPE = { name = "user_type", kind = "word", words = words.user_type, about = "what the user may do" }
local FULL_NAME = { name = "full_name", kind = "text", about = "the user's name for people" }
local DESCRIPTION = { name = "description", kind = "text", about = "what the account is for" }

local function password(about)
   return { name = "password", kind = "text", secret = true, about = about }
end

local function required(field)
   local copy = { required = true }
   for key, value in pairs(field) do
      copy[key] = value
   end
   return copy
end

return {
   {
      name = "users", about = "the host's local accounts", question = true, list = "users", password = "management",
      properties = { "name", "full_name", "description", "user_type", "computer_name" },
      operations = { "UserManager.EnumerateUsers" },
      takes = { { name = "name", kind = "name", about = "that account alone; `NOT_FOUND` when there is none" } },
      run = function(host, given)
         local users, wanted = {}, given.name and given.name:lower()
         for _, user in ipairs(host:ask("UserManager.EnumerateUsers").pprgWmsUsersWs or {}) do
            if not wanted or user.wsName:lower() == wanted then
               users[#users + 1] = {
                  name = user.wsName, full_name = user.wsFullName, description = user.wsDescription,
                  user_type = words.user_type.word(user.UserType), computer_name = host:computer_name(),
               }
            end
         end
         if wanted and #users == 0 then
            Host.throw{ code = "NOT_FOUND", message = "the host has no account of that name", state = "failed" }
         end
         return users
      end,
   },
   {
      name = "add_user", about = "makes a local account", password = "management", operations = { "UserManager.AddUser" },
      takes = { NAME, password("the account's password"), required(TYPE), FULL_NAME, DESCRIPTION },
      run = function(host, given)
         host:ask("UserManager.AddUser", {
            wsName = given.name, wsPassword = given.password, eType = words.user_type.number(given.user_type),
            wsFullName = given.full_name, wsDescription = given.description,
         })
      end,
   },
   {
      name = "set_user", about = "changes a local account; what is not given stays", again = true, password = "management",
      operations = { "UserManager.SetUserInfo" },
      takes = { NAME, password("the account's new password"), TYPE, FULL_NAME, DESCRIPTION },
      check = function(given, refuse)
         if not (given.password or given.user_type or given.full_name or given.description) then
            refuse("password, user_type, full_name, description: missing; give what is to be changed")
         end
      end,
      run = function(host, given)
         host:ask("UserManager.SetUserInfo", {
            peType = given.user_type and words.user_type.number(given.user_type), wsName = given.name,
            wsFullName = given.full_name, wsPassword = given.password, wsDescription = given.description,
         })
      end,
   },
   {
      name = "remove_user", about = "removes a local account", password = "management",
      operations = { "UserManager.RemoveUser" }, takes = { NAME },
      run = function(host, given)
         host:ask("UserManager.RemoveUser", { wsName = given.name })
      end,
   },
}
