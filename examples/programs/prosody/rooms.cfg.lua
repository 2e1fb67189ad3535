-- /etc/prosody/conf.d/rooms.cfg.lua
VirtualHost "school.example" -- leave this out where Prosody serves it already
   ssl = { certificate = "certs/localhost.crt", key = "certs/localhost.key" }

Component "rooms.school.example" "rooms"
   rooms_teachers = { "alice@school.example" }
