-- SPDX-License-Identifier: MIT
--- nginx with lua-nginx-module, set up by the README of its example, in front of real hosts.
require "spec.programs.http".spec("nginx", {
   url = "http://127.0.0.1:8080",
   unit = "nginx",
   token = "/etc/nginx/rooms/token",
   refused = 403,

   prepare = [[
      sed -i 's/^worker_processes .*/worker_processes 1;/' /etc/nginx/nginx.conf
      cat > /etc/nginx/conf.d/spec.conf <<'END'
         server {
            listen 127.0.0.1:8089;
            location = /careless {
               content_by_lua_block {
                  local _, _, err = require "wms.loop.nginx".call("close_all", { server = "@room1" })
                  ngx.say(err.code)
               }
            }
            location = /collect {
               content_by_lua_block {
                  collectgarbage()
                  collectgarbage()
                  ngx.say "collected"
               }
            }
         }
END
      systemctl restart nginx]],
   second = "http://127.0.0.1:8089",

   workers = function(school)
      local list = {}
      for pid in school.machine:run("pgrep", "-f", "nginx: worker process$"):gmatch("%d+") do
         list[#list + 1] = pid
      end
      return list
   end,
})
