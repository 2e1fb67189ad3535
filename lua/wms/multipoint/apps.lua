-- SPDX-License-Identifier: MIT
--- Programs that run in sessions: [MS-RSMC] 3.7.4.
return {
   {
      name = "apps", about = "which programs with a window run in sessions", question = true, on = "session", lists = true,
      list = "apps", properties = { "session_id", "name", "process_id", "window_id", "create_time" },
      password = "ordinary", operations = { "Session.GetSessionRunningApps" },
      run = function(host, _, id)
         local apps = {}
         for i, app in ipairs(host:ask("Session.GetSessionRunningApps", { idSession = id }).pprgwsWmsRunningAppWs or {}) do
            apps[i] = {
               name = app.wsName, process_id = app.ProcessId, window_id = app.WindowId, create_time = app.CreateTime,
            }
         end
         return apps
      end,
   },
   {
      name = "close_app", about = "closes a program; takes one as `apps` returns it", on = "session", single = true,
      password = "ordinary", operations = { "Session.CloseSessionApplication" },
      takes = {
         { name = "process_id", kind = "whole", required = true, about = "its process" },
         { name = "window_id", kind = "long", required = true, about = "its window" },
         { name = "create_time", kind = "long", required = true,
            about = "when it began; guards against a process id that another has by now" },
         { name = "name", kind = "text", about = "of a program as `apps` returns it; not looked at" },
      },
      run = function(host, given, id)
         host:ask("Session.CloseSessionApplication", {
            idSession = id, idProcess = given.process_id, ullCreateTime = given.create_time, idWindow = given.window_id,
         })
      end,
   },
   {
      name = "open", about = "opens a program, folder, document or web address in sessions", on = "session", all = true,
      password = "ordinary", operations = { "Session.RunFileSession" },
      takes = { { name = "file", kind = "name", required = true, about = "what is opened, as the session's user" } },
      run = function(host, given, id)
         local result = host:ask("Session.RunFileSession", { idSession = id, wsFileToRun = given.file })
         return { result = result.pdwResult }
      end,
   },
}
