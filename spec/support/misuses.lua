-- SPDX-License-Identifier: MIT
--- Wrong arguments of commands: { what, verb, options, words of the message }.  `server` stands in for the test's host.
local nan, inf = 0 / 0, 1 / 0
local HOLE = { 1, nil, 3 } -- luacheck: ignore 241
local function ids(value, ...)
   return { session_ids = value, server = "SERVER" }, { "session_ids", ... }
end

local list = {}

local function add(what, verb, options, words)
   list[#list + 1] = { what = what, verb = verb, options = options, words = words }
end

local function bad_ids(what, value, ...)
   local options, words = ids(value, ...)
   add("ids: " .. what, "unlock", options, words)
end

local RANGE = "0..4294967294"

bad_ids("no session", 4294967295, "4294967295", "no session", RANGE)
bad_ids("no session, in a list", { 1, 4294967295 }, "4294967295", RANGE)
bad_ids("no session, as a string", "4294967295", "4294967295", "no session", RANGE)
bad_ids("below zero", -1, "-1", RANGE)
bad_ids("2^32", 4294967296, "4294967296", RANGE)
bad_ids("2^53", 2 ^ 53, RANGE)
bad_ids("2^53 + 1 in a list", { 2 ^ 53 + 2 }, RANGE)
bad_ids("2^64", 2 ^ 64, RANGE)
bad_ids("digits beyond every integer", "99999999999999999999999", RANGE)
bad_ids("a fraction", 3.5, "3.5", RANGE)
bad_ids("a fraction in a list", { 1, 2, 3.5 }, "3.5", RANGE)
bad_ids("not a number", nan, RANGE)
bad_ids("infinite", inf, RANGE)
bad_ids("infinitely small", -inf, RANGE)
bad_ids("an empty string", "")
bad_ids("an empty string in a list", { 1, "" })
bad_ids("a string with a space", "c 2", "space")
bad_ids("a string with a NUL", "c2\0c3")
bad_ids("a string with a line's end", "c2\n")
bad_ids("a string beyond ASCII", "c\195\169")
bad_ids("a string of 256 bytes", ("c"):rep(256), "255")
bad_ids("an empty list", {}, "empty")
bad_ids("a boolean", true, "boolean")
bad_ids("false", false, "boolean")
bad_ids("a function", print, "function")
bad_ids("a list with a boolean", { 1, true }, "boolean")
bad_ids("a list with false", { false, 1 }, "boolean")
bad_ids("a list with a function", { 1, print }, "function")
bad_ids("a hole", HOLE, "hole")
bad_ids("a hole at the front", { [2] = 1, [3] = 2 }, "hole")
bad_ids("a hole far out", { 1, [1000000] = 2 }, "hole")
bad_ids("a key that is no position", { 1, 2, last = 3 }, "last")
bad_ids("position 0", { [0] = 1, 2 })
bad_ids("a fraction as position", { 1, [1.5] = 2 })

local function bad_object(what, value, ...)
   add("objects: " .. what, "unlock", { session_ids = value }, { "session_ids", ... })
end

bad_object("a list", { { 1, 2 } })
bad_object("an empty table", { {} }, "session_id")
bad_object("an id that is wrong", { { session_id = -1 } }, RANGE)
bad_object("an id that is a table", { { session_id = {} } })

add("ids: none", "unlock", { server = "SERVER" }, { "session_ids", "unlock_all" })
add("ids: none for lock", "lock", { server = "SERVER", message = "m" }, { "session_ids", "lock_all" })
add("ids: none for close", "close", { server = "SERVER" }, { "session_ids", "close_all" })
add("ids: none for disconnect", "disconnect", { server = "SERVER" }, { "session_ids", "disconnect_all" })
add("ids: twice", "unlock", { session_ids = 1, session_id = 1, server = "SERVER" }, { "session_id", "session_ids" })
add("ids: other name, wrong", "unlock", { session_id = -1, server = "SERVER" }, { "session_id", RANGE })
add("ids: in unlock_all", "unlock_all", { session_ids = 1, server = "SERVER" }, { "session_ids", "unlock" })
add("ids: in close_all", "close_all", { session_id = 1, server = "SERVER" }, { "session_id", "close" })
add("all in unlock", "unlock", { all = true, server = "SERVER" }, { "all", "unlock_all" })
add("all in lock", "lock", { all = true, server = "SERVER", message = "m" }, { "all", "lock_all" })
add("all beside ids", "unlock", { all = true, session_ids = 1, server = "SERVER" }, { "all", "unlock_all" })

local OBJECT = { session_id = 1, server = "memory://a" }

add("objects and ids mixed", "unlock", { session_ids = { OBJECT, 2 } }, { "session_ids", "ids", "sessions" })
add("ids and objects mixed", "unlock", { session_ids = { 2, OBJECT } }, { "session_ids", "ids", "sessions" })
add("a server beside objects", "unlock", { session_ids = { OBJECT }, server = "SERVER" }, { "server" })
add("a server beside an object", "unlock", { session_ids = OBJECT, computer_name = "SERVER" }, { "computer_name" })
add("an object's server is wrong", "unlock", { session_ids = { { session_id = 1, server = 7 } } }, { "server" })
add("an object's server is no address", "unlock", { session_ids = { { session_id = 1, server = "-x" } } }, { "server" })

local function bad_server(what, server, ...)
   add("server: " .. what, "unlock", { session_ids = 1, server = server }, { "server", ... })
   add("server, all: " .. what, "unlock_all", { server = server }, { "server", ... })
end

bad_server("empty", "", "empty")
bad_server("with a NUL", "lab\0.example")
bad_server("with a NUL in a URL", "memory://lab\0")
bad_server("with a space", "lab 01", "space")
bad_server("with a line's end", "lab01\n")
bad_server("of 300 characters", ("h"):rep(300), "300", "255")
bad_server("a URL of 300 characters", "memory://" .. ("h"):rep(291), "300", "255")
bad_server("a leading dash", "-oProxyCommand=true", "-")
bad_server("a leading dash in a URL", "logind://-oProxyCommand=true", "-")
bad_server("a leading dash of the user", "logind://-l@host", "-")
bad_server("a leading dash of the host", "logind://user@-host", "-")
bad_server("an unknown scheme", "telnet://lab01", "telnet", "logind")
bad_server("a scheme alone", "memory://", "memory")
bad_server("an empty scheme", "://lab01")
bad_server("a port that is none", "lab01:port", "port")
bad_server("a port too large", "multipoint://lab01:65536", "port", "65535")
bad_server("port 0", "lab01:0", "port", "65535")
bad_server("a number", 7)
bad_server("a boolean", true, "boolean")
bad_server("a function", print, "function")

add("server: twice", "unlock", { session_ids = 1, server = "SERVER", computer_name = "SERVER" },
   { "server", "computer_name" })
add("servers: empty", "unlock_all", { servers = {} }, { "servers", "empty" })
add("servers: a number in it", "unlock_all", { servers = { "SERVER", 3 } }, { "servers" })
add("servers: a hole", "unlock_all", { servers = { "SERVER", nil, "SERVER" } }, { "servers", "hole" }) -- luacheck: ignore
add("servers: one is wrong", "unlock_all", { servers = { "SERVER", "-x" } }, { "servers", "-" })
add("servers: a wrong type", "unlock_all", { servers = true }, { "servers" })
add("servers: beside server", "unlock_all", { servers = { "SERVER" }, server = "SERVER" }, { "servers", "server" })
add("server: of one object", "unlock_all", { server = {} }, { "server" })

local function bad_option(what, option, value, ...)
   add(option .. ": " .. what, "unlock", { session_ids = 1, server = "SERVER", [option] = value }, { option, ... })
end

for _, option in ipairs{ "timeout", "verify", "stable" } do
   bad_option("a string", option, "3", "number")
   bad_option("a boolean", option, true, "number")
   bad_option("a table", option, {}, "number")
   bad_option("not a number", option, nan)
   bad_option("infinite", option, inf)
   bad_option("negative", option, -1)
end
bad_option("zero", "timeout", 0)
bad_option("more than 1e9", "timeout", 1e9 + 1)
for what, value in pairs{ zero = 0, negative = -1, ["too large"] = 65536, ["a fraction"] = 1.5, ["not a number"] = nan,
   infinite = inf, ["a string"] = "4" } do
   bad_option(what, "concurrency", value, "65535")
end
bad_option("unknown", "on_error", "retry", "continue", "stop")
bad_option("a boolean", "on_error", true, "continue", "stop")
bad_option("a number", "what_if", 1, "true", "false")
bad_option("a string", "what_if", "yes", "true", "false")
bad_option("a string", "on_outcome", "print", "function")
bad_option("a table", "on_outcome", {}, "function")
bad_option("not an option", "colour", "red")
bad_option("a slip", "time_out", 3, "timeout")
bad_option("of another command", "message", "hello")
bad_option("of configure", "allow", print)
bad_option("of configure", "log", print)
add("an option that is no word", "unlock", { session_ids = 1, server = "SERVER", [1] = "x" }, { "1" })
add("an option that is no string", "unlock", { session_ids = 1, server = "SERVER", [true] = "x" }, { "true" })
add("stable for close", "close", { session_ids = 1, server = "SERVER", stable = 1 }, { "stable" })
add("stable for close_all", "close_all", { server = "SERVER", stable = 1 }, { "stable" })
add("stable for disconnect", "disconnect", { session_ids = 1, server = "SERVER", stable = 1 }, { "stable" })

local function bad_message(what, value, ...)
   for _, verb in ipairs{ "lock", "message" } do
      local all = verb .. "_all"
      add(verb .. ": a text, " .. what, verb, { session_ids = 1, server = "SERVER", message = value }, { "message:", ... })
      add(all .. ": a text, " .. what, all, { server = "SERVER", message = value }, { "message:", ... })
   end
end

bad_message("none", nil)
bad_message("empty", "", "empty")
bad_message("a number", 7, "string")
bad_message("a boolean", true, "string")
bad_message("with a NUL", "a\0b", "NUL")
bad_message("not UTF-8", "caf\233", "UTF-8")
bad_message("a surrogate", "\237\160\128", "UTF-8")
bad_message("an overlong sequence", "\192\175", "UTF-8")
bad_message("cut off", "\226\130", "UTF-8")
bad_message("beyond Unicode", "\244\144\128\128", "UTF-8")
bad_message("too long", ("m"):rep(65537), "65536")
add("message: in close", "close", { session_ids = 1, server = "SERVER", message = "bye" }, { "message" })
add("message: in unlock_all", "unlock_all", { server = "SERVER", message = "bye" }, { "message" })

local function bad_title(what, value, ...)
   local options = { session_ids = 1, server = "SERVER", message = "m", title = value }
   add("title: " .. what, "message", options, { "title:", ... })
   add("title, all: " .. what, "message_all", { server = "SERVER", message = "m", title = value }, { "title:", ... })
end

bad_title("a number", 7, "string")
bad_title("a table", {}, "string")
bad_title("with a NUL", "a\0b", "NUL")
bad_title("not UTF-8", "caf\233", "UTF-8")
bad_title("too long", ("t"):rep(1025), "1024")
bad_title("too long in UTF-8", "t" .. ("\195\169"):rep(512), "1024")
bad_title("of two lines", "Lab\n1", "control")
bad_title("with a tabulator", "Lab\t1", "control")
bad_title("with DEL", "Lab\1271", "control")
bad_title("with a control character of Latin 1", "Lab\194\1551", "control")
bad_title("with the last of these", "Lab\194\159", "control")
add("title: in lock", "lock", { session_ids = 1, server = "SERVER", message = "m", title = "t" }, { "title" })
add("title: in unlock_all", "unlock_all", { server = "SERVER", title = "t" }, { "title" })
add("ids: none for message", "message", { server = "SERVER", message = "m" }, { "session_ids", "message_all" })
add("ids: in message_all", "message_all", { session_ids = 1, server = "SERVER", message = "m" },
   { "session_ids", "'message'" })
add("all in message", "message", { all = true, server = "SERVER", message = "m" }, { "all", "message_all" })
for _, option in ipairs{ "verify", "stable" } do
   add(option .. " for message", "message", { session_ids = 1, server = "SERVER", message = "m", [option] = 0 },
      { option, "screen" })
   add(option .. " for message_all", "message_all", { server = "SERVER", message = "m", [option] = 3 },
      { option, "screen" })
end

for words, warn in pairs{
   ["warn: a string; give a table"] = "soon",
   ["warn: seconds missing"] = { message = "m" },
   ["warn: message missing"] = { seconds = 60 },
   ["warn: message: a number"] = { message = 5, seconds = 60 },
   ["warn: message: empty"] = { message = "", seconds = 60 },
   ["warn: message: not UTF-8"] = { message = "caf\233", seconds = 60 },
   ["warn: message: longer than 65536 bytes"] = { message = ("m"):rep(65537), seconds = 60 },
   ["warn: seconds: 0; give a number of seconds above 0"] = { message = "m", seconds = 0 },
   ["warn: seconds: infinity"] = { message = "m", seconds = inf },
   ["warn: title: a control character"] = { message = "m", seconds = 60, title = "two\nlines" },
   ["warn: after: no such field; use message, seconds, title"] = { message = "m", seconds = 60, after = 1 },
} do
   add(words, "close_all", { server = "SERVER", warn = warn }, { words })
end
add("a warning of another command", "disconnect_all", { server = "SERVER", warn = { message = "m", seconds = 1 } },
   { "warn: no such option" })

return list
