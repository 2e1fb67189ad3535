-- SPDX-License-Identifier: MIT
--- Desktops that are shown to others: [MS-RSMC] 3.7.4.  An invitation is Windows Desktop Sharing's: it is carried, never
--- looked into.
local CONTROL, PROJECT = 0, 1
local VIEWERS = 100 -- of a projected desktop; no document has a number

return {
   {
      name = "share", about = "makes a session's desktop one that others can look at, or control", on = "session",
      single = true, gives = "desktop", properties = { "session_id", "is_remote_control", "invitation" },
      password = "ordinary", operations = { "Session.ShareDesktop" },
      takes = {
         { name = "control", kind = "boolean", about = "true: who looks at it may control it, too" },
         { name = "viewers", kind = "whole", least = 1, most = 2147483647,
            about = "how many may look; 1 with `control`, else 100" },
         { name = "teacher", kind = "text", about = "the name of who looks, which the user may be told" },
      },
      run = function(host, given, id)
         local answer = host:ask("Session.ShareDesktop", {
            idSession = id, eMode = given.control and CONTROL or PROJECT,
            iMaxViewers = given.viewers or given.control and 1 or VIEWERS, wsTeacherName = given.teacher,
         })
         return { session_id = id, invitation = answer.pwsInvitation, is_remote_control = given.control or false }
      end,
   },
   {
      name = "view", about = "shows a shared desktop in sessions", on = "session", all = true, password = "ordinary",
      operations = { "Session.ViewDesktop", "Session.EnableProjectToAll" },
      takes = {
         { name = "invitation", kind = "name", required = true, off = "to end it for all",
            about = "as `share` returns it; of `view_all` also false: no longer" },
         { name = "title", kind = "text", about = "what stands above it" },
         { name = "control", kind = "boolean", about = "true: the session's user may control it, if it was shared so" },
      },
      check = function(given, refuse, all)
         if given.invitation == false and not all then
            refuse("invitation: false; give the text that share returns")
         elseif all and (given.title or given.control) then
            refuse("%s: only view has one; leave it out", given.title and "title" or "control")
         end
      end,
      run = function(host, given, id)
         host:ask("Session.ViewDesktop", {
            idSession = id, eMode = given.control and CONTROL or PROJECT, wsInvitation = given.invitation,
            wsTitle = given.title,
         })
      end,
      run_all = function(host, given)
         host:ask("Session.EnableProjectToAll", { wsInvitation = given.invitation or nil })
      end,
   },
   {
      name = "unshare", about = "ends that others look at sessions' desktops", on = "session", again = true,
      password = "ordinary", operations = { "Session.StopShareDesktop" },
      run = function(host, _, id)
         host:ask("Session.StopShareDesktop", { idSession = id })
      end,
   },
}
