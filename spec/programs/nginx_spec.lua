-- SPDX-License-Identifier: MIT
--- nginx with lua-nginx-module, set up by the README of its example, in front of real hosts.
local assert = require "luassert"
local busted = require "busted"

local it = busted.it

require "spec.programs.http".spec("nginx", {
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
                  ngx.say(collectgarbage "count")
               }
            }
         }
END
      systemctl restart nginx]],

   processes = function(school)
      local list = {}
      for pid in school.machine:run("pgrep", "-f", "nginx: worker process$"):gmatch("%d+") do
         list[#list + 1] = pid
      end
      return list
   end,

   more = function(school)
      it("may be bound by its own account, which gets the password from another one as its input", function()
         local function bind(by)
            local said, code = school().machine:run("sh", "-c", "exec runuser -u www-data -- "
               .. "env XDG_CONFIG_HOME=/var/lib/rooms wms bind @room1 -u Administrator "
               .. "--fingerprints /etc/wms/fingerprints.txt --password-fd " .. by)
            return code, said
         end
         local code, said = bind "3 3< ~/password"
         assert.equal(2, code, said)
         assert.truthy(said:find("--password-fd 3: this account may not open what is behind it", 1, true), said)
         code, said = bind "0 < ~/password"
         assert.equal(0, code, said)
      end)
   end,
})
