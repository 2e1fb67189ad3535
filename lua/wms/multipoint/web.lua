-- SPDX-License-Identifier: MIT
--- Web limiting: [MS-RSMC] 3.6.4 and 3.7.4.  What is configured (the lists, and which one is in use), whether it is on for
--- all, and whether it is on for a session are three things.
local WEB_LIMITED = 16 -- of a session's flags

-- Each list is one text; no document says what separates its sites.  None of these can be in a site's name.
local SEPARATORS = ";,|%s"

local function sites_of(text)
   local sites = {}
   for site in (text or ""):gmatch("[^" .. SEPARATORS .. "]+") do
      sites[#sites + 1] = site
   end
   return sites
end

--- The separator that the host's lists have; where they have none, a semicolon, as in Windows' own lists of sites.
local function separator_of(...)
   for _, text in ipairs{ ... } do
      local found = text:match("[^" .. SEPARATORS .. "]([" .. SEPARATORS .. "]+)[^" .. SEPARATORS .. "]")
      if found then
         return found
      end
   end
   return ";"
end

local function limits_of(answer)
   local allowed, blocked = sites_of(answer.pwsAllowList), sites_of(answer.pwsBlockList)
   return {
      sites = answer.pfIsAllowList and allowed or blocked, is_in_limiting = answer.pfIsInLimiting,
      is_allow_list = answer.pfIsAllowList, allow_list = allowed, block_list = blocked,
   }
end

local function check_sites(given, refuse)
   if given.allow and given.block then
      refuse("block: there is allow already; leave one of them out")
   elseif not given.allow and not given.block then
      refuse("allow, block: missing; give one of them, a list of sites")
   end
   for _, site in ipairs(given.allow or given.block) do
      if site:find("[" .. SEPARATORS .. "]") then
         refuse("%s: %q is no site; give one such as \"contoso.com\"", given.allow and "allow" or "block", site)
      end
   end
end

local function switch(name, about, on)
   return {
      name = name, about = about, on = "session", all = true, again = true, password = "ordinary",
      operations = { "Session.ConfigureWebLimiting", "Session.EnableWebLimitingAll" },
      run = function(host, _, id)
         host:ask("Session.ConfigureWebLimiting", { idSession = id, fIsInLimiting = on })
      end,
      run_all = function(host)
         host:ask("Session.EnableWebLimitingAll", { fIsInLimiting = on })
      end,
   }
end

return {
   {
      name = "web_limits", about = "how web limiting is configured, and whether it is on", question = true, on = "session",
      ids_optional = true, gives = "limits",
      properties = { "session_id", "is_in_limiting", "is_allow_list", "sites", "allow_list", "block_list" },
      password = "ordinary",
      operations = { "Server.GetWmsWebLimiting", "Session.GetSessionFlags" },
      run = function(host, _, id)
         local limits = limits_of(host:ask("Server.GetWmsWebLimiting"))
         if id then
            local flags = host:ask("Session.GetSessionFlags", { idSession = id }).pgrfSession
            limits.is_in_limiting = flags and flags % (2 * WEB_LIMITED) >= WEB_LIMITED
         end
         return limits
      end,
   },
   {
      name = "set_web_limits", about = "configures web limiting: the sites that are allowed, or those that are blocked",
      again = true, password = "ordinary", check = check_sites,
      operations = { "Server.GetWmsWebLimiting", "Session.ConfigureWebLimitingAll" },
      takes = {
         { name = "allow", kind = "names", about = "these sites alone can be visited" },
         { name = "block", kind = "names", about = "these sites cannot be visited" },
      },
      run = function(host, given)
         local now = host:ask("Server.GetWmsWebLimiting")
         local allowed, blocked = now.pwsAllowList or "", now.pwsBlockList or ""
         local separator = separator_of(allowed, blocked)
         host:ask("Session.ConfigureWebLimitingAll", {
            wsAllowList = given.allow and table.concat(given.allow, separator) or allowed,
            wsBlockList = given.block and table.concat(given.block, separator) or blocked,
            fIsAllowedList = given.allow ~= nil,
         })
      end,
   },
   switch("limit_web", "switches web limiting on for sessions", true),
   switch("unlimit_web", "switches web limiting off for sessions", false),
}
