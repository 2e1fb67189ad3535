-- /etc/prosody/conf.d/rooms.cfg.lua
Component "rooms.school.example" "rooms"
   rooms_teachers = { "alice@school.example" }
