-- SPDX-License-Identifier: MIT
-- /etc/prosody/conf.d/rooms.cfg.lua
VirtualHost "school.example" -- leave this out where Prosody serves it already

Component "rooms.school.example" "rooms"
   rooms_teachers = { "alice@school.example" }
