-- SPDX-License-Identifier: MIT
--- The commands of `wms` and their options: the one table from which the parser, the help, the completions, the checks and
--- the manual follow.
---
--- An option:
---    flags     its names, as the parser takes them
---    value     what stands for its value in the help; without it the option is a flag
---    kind      what a value is: see wms.cli.values; "text" if it is not given
---    choices   what a value may be; `offered`: what completions offer, where more is taken
---    implied   the value that the flag has without one: then a value is given with `=` alone
---    many      it may be given several times
---    option    the option of the Lua module that it becomes; without it the program itself deals with it
---    group     the heading in the help
---    help      one sentence
---
--- A command:
---    name      and `summary`, one line
---    call      the module's function
---    target    what it acts on: "sessions" (ids, or a choice among all), "servers" (as a whole), "none"
---    listing   its ids may be left out: then it means all sessions
---    ends      it ends sessions or hosts: it wants servers to be named, and asks before it acts on all of them
---    lasts     it goes on until it is ended: the module wms.cli.NAME runs it, and prints as it goes
---    apart     the function that carries it out, as "agent.enroll" of wms.cli.agent: it has what was given, and no file of
---              settings is read
---    actions   the words that stand behind it, of those that are commands of their own
---    runs      its `arguments` are a program's command line, behind `--`: the module wms.cli.NAME runs it
---    arguments what stands without a flag: { name, args, help }
---    options   names of options
---    words     for people: what is `done`, was `before`, is only `asked` for, would be by `plan`
---    about     more about it, for the help
---    fun       of one of MultiPoint's nouns: see wms.cli.nouns
---    item      what it lists, where that is not sessions
---    examples  { command line, what it does }
local commands = {}

commands.groups = { "Hosts and sessions", "Manner", "MultiPoint", "Binding and passwords", "Hosts with an agent", "Output",
   "Everywhere" }

commands.options = {
   server = { flags = "-s --server", value = "SERVER", many = true, option = "server", group = 1,
      help = "A host, a node set such as 'lab[01-30]', or @GROUP of the file of settings; several times for several. "
         .. "A '!' before it takes it out. Without it what ends sessions of more than one user, or hosts, is refused; else "
         .. "it means this machine." },
   all = { flags = "-a --all", group = 1, help = "All sessions that the host lets us control." },
   self = { flags = "--self", group = 1, help = "The session that you are in, where the host tells which it is." },
   id = { flags = "--id", value = "ID", many = true, group = 1, help = "The session with this id." },
   user = { flags = "-u --user", value = "NAME", many = true, group = 1,
      help = "The sessions of this user; of several: NAME,NAME." },
   where = { flags = "-w --where", value = "NAME=VALUE", many = true, kind = "condition", group = 1,
      help = "The sessions of which this is so: user=alice, locked=yes, state=Active, seat=seat0, idle=30m (for at least "
         .. "so long); VALUE,VALUE is any of them. Values are compared as they stand, case included." },
   except = { flags = "-x --except", value = "NAME=VALUE", many = true, kind = "condition", group = 1,
      help = "Not the sessions of which this is so." },
   activity = { flags = "--activity", option = "activity", group = 1,
      help = "Ask for idle times also where that is a question for each session (MultiPoint)." },

   message = { flags = "-m --message", value = "TEXT", option = "message", group = 2, help = "What the users read." },
   title = { flags = "--title", value = "TEXT", option = "title", group = 2, help = "What stands above it." },
   warn = { flags = "--warn", value = { "TIME", "TEXT" }, kind = "warning", group = 2,
      help = "First show the text, and wait so long, before those who are still there are logged off." },
   verify = { flags = "--verify", value = "TIME", implied = "5", kind = "wait", option = "verify", group = 2,
      help = "Wait until the host says that it is so, at most 5 s or --verify=TIME." },
   stable = { flags = "--stable", value = "TIME", kind = "wait", option = "stable", group = 2,
      help = "Then watch for so long that it stays so." },
   what_if = { flags = "-n --what-if", option = "what_if", group = 2,
      help = "Only say what would be done." },
   on_error = { flags = "--on-error", value = "HOW", choices = { "continue", "stop" }, option = "on_error", group = 2,
      help = "continue, or stop: one session after the other, and nothing more after the first failure." },
   retries = { flags = "--retries", value = "N", kind = "count", option = "retries", group = 2,
      help = "Try so often again what may pass by itself, such as a host that does not answer." },
   timeout = { flags = "--timeout", value = "TIME", kind = "time", option = "timeout", group = 2,
      help = "How long a host may take to answer; 30 s." },
   deadline = { flags = "--deadline", value = "TIME", kind = "time", option = "deadline", group = 2,
      help = "How long the whole may take; what was not sent by then is skipped." },
   concurrency = { flags = "--concurrency", value = "N", kind = "count", option = "concurrency", group = 2,
      help = "How many hosts at a time; 32." },
   mac = { flags = "--mac", value = "ADDRESS", group = 2,
      help = "The network card of the host, where no file of settings names it." },
   network = { flags = "--network", value = "ADDRESS", group = 2,
      help = "Where its packet is sent: the broadcast address of the host's network." },
   size = { flags = "--size", value = "SIZE", choices = { "small", "medium", "large", "full" }, option = "size", group = 2,
      help = "How large the pictures are to be; medium. How many pixels that is, the host decides." },
   output = { flags = "-o --output", value = "FILE", group = 2,
      help = "Write this file: room.html is a page with everything in it, room.png a picture of it, by chromium." },
   every = { flags = "--every", value = "TIME", kind = "time", group = 2,
      help = "Do it again and again, so often; the page loads itself again." },
   serve = { flags = "--serve", value = "PORT", kind = "count", group = 2,
      help = "Serve a page that also locks, unlocks and sends messages, on loopback alone; 0: any free port." },
   field = { flags = "-m --message", value = "TEXT", group = 2,
      help = "What stands in the field for a message at first, on the page of --serve." },
   yes = { flags = "-y --yes", group = 2, help = "Do not ask whether it is meant." },

   initial = { flags = "--initial", option = "initial", group = 2,
      help = "First tell the sessions that are there, as opened." },
   event = { flags = "--event", value = "KIND", many = true, group = 2,
      choices = { "opened", "closed", "locked", "unlocked", "disconnected", "connected", "ready", "lost", "back",
         "overflow" },
      help = "Only events of this kind; several times for several." },
   count = { flags = "--count", value = "N", kind = "positive", group = 2,
      help = "End after so many events. When the time of --for is over before, that has failed." },
   during = { flags = "--for", value = "TIME", kind = "time", group = 2, help = "End after so long." },

   locked = { flags = "--locked", option = "locked", group = 2, help = "Every session stays locked." },
   unlocked = { flags = "--unlocked", group = 2, help = "Every session stays unlocked." },
   until_time = { flags = "--until", value = "TIME", kind = "moment", option = "until_time", group = 2,
      help = "End at this time of day, tomorrow's if it has gone by, or at a date with it: 11:30, '2026-12-01 11:30'." },
   after = { flags = "--after", value = "TIME", kind = "time", option = "after", group = 2,
      help = "End after so long. Without this and --until it ends when it is stopped." },
   restore = { flags = "--restore", option = "restore", group = 2,
      help = "At the end put back what it has changed, where nobody else has changed it since." },
   grace = { flags = "--grace", value = "TIME", kind = "wait", option = "grace", group = 2,
      help = "How long to wait at the end for hosts that are away; 300 s." },
   limit = { flags = "--limit", value = "N", kind = "positive", option = "limit", group = 2,
      help = "At most so many actions a minute on a session; 30." },
   own = { flags = "--own", option = "own", group = 2, help = "Also the session that you are in." },
   file = { flags = "--file", value = "NAME", option = "file", group = 2,
      help = "Where it is written down what is kept, and what has to be put back: the next one with this file goes on. "
         .. "A name, or a path." },

   admin = { flags = "-u --user", value = "NAME", option = "user_name", group = 4, help = "An administrator of the host." },
   fingerprint = { flags = "--fingerprint", value = "SHA256", option = "fingerprint", group = 4,
      help = "The host's certificate, or that of --gateway. Without it you are shown what a host says, and asked." },
   fingerprints = { flags = "--fingerprints", value = "FILE", group = 4,
      help = "Those of a room: a line with a host and its fingerprint for each." },
   show = { flags = "--show", group = 4, help = "Print what the hosts say, as such a file, and bind nothing." },
   thumbprint = { flags = "--thumbprint", value = "SHA1", option = "thumbprint", group = 4,
      help = "The certificate's SHA-1, as Windows shows it: must fit beside the fingerprint." },
   certificate_name = { flags = "--certificate-name", value = "NAME", option = "certificate_name", group = 4,
      help = "What the certificate is made out to, where that is not the host's name." },
   management = { flags = "--management", option = "management", group = 4,
      help = "Keep the password for management, too, which a few operations need." },
   events = { flags = "--events", value = "NAME:PORT", kind = "endpoint", option = "events", group = 4,
      help = "Where the hosts are to tell of changes while they are watched: this machine's name as they reach it, and a "
         .. "free port; NAME:PORT@ADDRESS listens at that address alone. Implies --management." },
   key_name = { flags = "--key-name", value = "NAME", option = "key_name", group = 4,
      help = "Of Veyon hosts, in place of --user: the name of the authentication key." },
   key_file = { flags = "--key-file", value = "FILE", option = "key_file", group = 4,
      help = "Where its private part is, such as /etc/veyon/keys/private/lab/key. It stays there." },
   gateway = { flags = "--gateway", value = "URL", option = "gateway", group = 4,
      help = "Veyon's WebAPI; http://127.0.0.1:11080. On another machine: https://NAME:PORT, with --fingerprint." },
   password_fd = { flags = "--password-fd", value = "N", kind = "descriptor", group = 4,
      help = "Read the password from this file descriptor, in place of the terminal." },
   credential = { flags = "--credential", value = "NAME", group = 4,
      help = "Read the password from the file $CREDENTIALS_DIRECTORY/NAME, as services of systemd have it." },

   nats = { flags = "--nats", group = 5,
      help = "Write it down on the NATS servers, for hosts with an agent (nats://HOST), and end: each host keeps it by "
         .. "itself, also one that is switched on later." },
   wish_end = { flags = "--end", group = 5, help = "With --nats: take back what was written down there." },
   settings = { flags = "--settings", value = "FILE", group = 5,
      help = "The settings of this host's agent; /etc/wms/agent.lua." },
   host = { flags = "--host", value = "NAME", group = 5, help = "This host's name for others; what it calls itself." },
   nats_servers = { flags = "--servers", value = "URL,...", kind = "names", group = 5,
      help = "Where the NATS servers are, such as tls://nats1.school.example:4222; all of them." },
   ca = { flags = "--ca", value = "FILE", group = 5,
      help = "The certificate of the authority that vouches for the servers; else the system's." },
   allow = { flags = "--allow", value = "WHO=VERB,...", many = true, kind = "allowance", group = 5,
      help = "Who may do what, such as alice=sessions,lock,unlock; '*' is everybody; several times for several." },
   replicas = { flags = "--replicas", value = "N", choices = { "1", "3", "5" }, kind = "count", option = "replicas",
      group = 5,
      help = "On how many of the servers it is kept: 3, where there are three or more; 1." },

   json = { flags = "--json", group = 6, help = "JSON: an object a line, the sum last." },
   csv = { flags = "--csv", group = 6, help = "CSV with a header." },
   quiet = { flags = "-q --quiet", group = 6, help = "Print only what went wrong." },

   demo = { flags = "--demo", group = 7, help = "Play with a made-up room: memory://lab01 to lab03, which is @room1." },
   lua = { flags = "--lua", group = 7, help = "Print the Lua script that does the same, and do nothing." },
   config = { flags = "--config", value = "FILE", group = 7,
      help = "The file of settings; else ~/.config/wms/config.lua, else /etc/wms/config.lua." },
   help = { flags = "-h --help", group = 7, help = "Print this." },
   version = { flags = "--version", group = 7, help = "Print the version." },
   completion = { flags = "--completion", value = "SHELL", choices = { "bash", "zsh", "fish" }, group = 7,
      help = "Print what completes commands and options in this shell." },
}

--- What the program takes before a command, and with it.
commands.everywhere = { "demo", "lua", "config", "help" }
commands.root = { "version", "completion" }

--- What cannot be given together.
commands.exclusive = {
   { "json", "csv" }, { "all", "self" }, { "id", "self" }, { "fingerprint", "fingerprints", "show" }, { "show", "json" },
   { "show", "csv" }, { "password_fd", "credential" }, { "quiet", "json" }, { "quiet", "csv" }, { "demo", "config" },
   { "lua", "json" }, { "lua", "csv" }, { "lua", "quiet" }, { "lua", "show" }, { "locked", "unlocked" },
   { "until_time", "after" },
   { "output", "serve" }, { "wish_end", "locked" }, { "wish_end", "unlocked" }, { "wish_end", "message" },
   { "wish_end", "until_time" }, { "wish_end", "after" }, { "wish_end", "restore" }, { "nats", "file" },
   { "nats", "where" }, { "nats", "except" }, { "nats", "user" }, { "nats", "own" }, { "nats", "grace" },
   { "nats", "limit" }, { "nats", "demo" },
}

local CHOOSE = { "server", "all", "self", "user", "where", "except" }
local SERVE = { "timeout", "deadline", "concurrency" }
local CONNECT = { "timeout", "concurrency" }
local PRINT = { "json", "csv", "quiet" }
local IDS = { { name = "ids", value = "ID", args = "*", help = "Ids of sessions, as 'wms list' shows them." } }
local SERVERS = { { name = "servers", value = "SERVER", args = "*", help = "The same as -s SERVER." } }

local SPARES = "When nobody is as an --except says, that is told: in the question, or with --yes afterwards; when only the "
   .. "case of letters differs, nothing is done."

local function join(...)
   local all = {}
   for _, list in ipairs{ ... } do
      for _, name in ipairs(list) do
         all[#all + 1] = name
      end
   end
   return all
end

commands.list = {
   { name = "list", summary = "list the sessions", call = "sessions", target = "sessions", listing = true,
      arguments = SERVERS,
      options = join({ "server", "id", "self", "user", "where", "except", "activity", "retries" }, SERVE, PRINT),
      words = { done = "listed" },
      about = "Notes: 'you' is your own session; 'exempt' an administrator's, which neither --all nor a user's name "
         .. "commands.",
      examples = {
         { "wms list @room1", "who is where" },
         { "wms list lab01 --where locked=yes", "the locked ones" },
         { "wms list @room1 --where idle=30m --json", "who has done nothing for half an hour" },
      } },
   { name = "unlock", summary = "unlock sessions", call = "unlock", target = "sessions", arguments = IDS,
      options = join(CHOOSE, { "verify", "stable", "what_if", "on_error", "retries" }, SERVE, PRINT),
      words = { done = "unlocked", plan = "would be unlocked", before = "already unlocked" },
      examples = {
         { "wms unlock -s lab01 3 4", "two sessions of a host" },
         { "wms unlock --all -s @room1 --except user=teacher --verify", "a room, but for the teacher; the hosts say so" },
      } },
   { name = "lock", summary = "lock sessions, with a message", call = "lock", target = "sessions", arguments = IDS,
      options = join(CHOOSE, { "message", "verify", "stable", "what_if", "on_error", "retries" }, SERVE, PRINT),
      required = { "message" },
      words = { done = "locked", plan = "would be locked", before = "already locked" },
      examples = {
         { "wms lock --all -s 'lab[01-30]' -m \"Eyes on the teacher, please\"", "thirty hosts" },
         { "wms lock --all -s @room1 -m Exam --stable 5", "and nobody unlocks them within 5 s" },
      } },
   { name = "message", summary = "show a text in sessions", call = "message", target = "sessions", arguments = IDS,
      options = join(CHOOSE, { "message", "title", "what_if", "on_error", "retries" }, SERVE, PRINT),
      required = { "message" },
      words = { done = "shown", asked = "sent", plan = "would be sent" },
      examples = { { "wms message --all -s @room1 -m \"Ten minutes left\" --title \"Lab 1\"", "a room" } } },
   { name = "disconnect", summary = "take sessions off their screens", call = "disconnect",
      target = "sessions", ends = true, arguments = IDS,
      options = join(CHOOSE, { "verify", "what_if", "on_error" }, SERVE, PRINT, { "yes" }), about = SPARES,
      words = { done = "disconnected", plan = "would be disconnected", before = "already disconnected" },
      question = "This disconnects",
      examples = { { "wms disconnect -s lab01 3", "session 3 goes on without a screen" } } },
   { name = "close", summary = "log users off", call = "close", target = "sessions", ends = true, arguments = IDS,
      options = join(CHOOSE, { "warn", "verify", "what_if", "on_error" }, SERVE, PRINT, { "yes" }), about = SPARES,
      words = { done = "logged off", plan = "would be logged off", before = "already logged off" },
      question = "This logs off",
      examples = {
         { "wms close -s lab01 3", "one" },
         { "wms close --all -s @room1 --warn 5m \"The lab closes at six\" --yes", "all of a room, after five minutes" },
      } },
   { name = "watch", summary = "tell what happens to sessions", call = "watch", target = "sessions", listing = true,
      lasts = true, arguments = SERVERS,
      options = join({ "server", "user", "where", "except", "initial", "event", "count", "during" }, CONNECT, PRINT),
      about = "A line an event, until Ctrl-C. A host that is lost is tried again.",
      examples = {
         { "wms watch @room1", "who logs on and off, locks and unlocks, and which hosts are lost" },
         { "wms watch @room1 --event opened --json", "who logs on, for a program" },
         { "wms watch lab01 -u alice --event closed --count 1 --for 2h", "waits until alice has logged off" },
      } },
   { name = "keep", summary = "keep sessions locked, or unlocked", call = "keep", target = "sessions", listing = true,
      lasts = true, arguments = SERVERS,
      options = join({ "server", "user", "where", "except", "locked", "unlocked", "message", "until_time", "after",
         "restore", "grace", "limit", "own", "file", "nats", "wish_end" }, CONNECT, PRINT),
      about = "Whoever logs on is locked, too, and who unlocks a screen is locked again, until its time is over, or "
         .. "Ctrl-C. That ends it in order: with --restore it puts back what it has changed. A second one ends it at once.",
      examples = {
         { "wms keep @room1 --locked -m Exam --until 11:30 --restore --file exam", "locked until half past eleven" },
         { "wms keep --file exam", "goes on after a power cut" },
         { "wms keep @room1 --unlocked --after 45m", "whoever locks it again" },
         { "wms keep --nats -s @room1 --locked -m Exam --until 11:30 --restore", "by the agents of its hosts" },
         { "wms keep --nats -s @room1 --end", "and no longer" },
      } },
   { name = "screens", summary = "show a room: who is where, what is locked, and what is on the screens", call = "screens",
      target = "sessions", listing = true, arguments = SERVERS,
      options = join({ "server", "user", "where", "except", "output", "serve", "every", "size", "title", "field",
         "retries" }, SERVE),
      words = { done = "shown" },
      about = "Pictures come from MultiPoint hosts; sessions of other hosts are shown without. Who is looked at has to "
         .. "know it: see docs/screens.md.",
      examples = {
         { "wms screens -s @room1 -o room.html", "one page, with the pictures in it" },
         { "wms screens -s @room1 -o room.html --every 5s", "which is written anew, and loads itself again" },
         { "wms screens -s @room1 --serve 8080", "a page that locks, unlocks and sends messages" },
      } },
   { name = "hosts", item = "host", summary = "tell which hosts a name means", call = "servers", target = "none",
      arguments = SERVERS, options = { "server", "json", "csv" }, words = { done = "named" },
      examples = { { "wms hosts @room1 '!lab07'", "a group without one" }, { "wms hosts", "all groups" } } },
   { name = "wake", summary = "wake hosts by their network cards", call = "wake", target = "servers",
      arguments = SERVERS,
      options = join({ "server", "mac", "network", "verify", "what_if", "on_error" }, SERVE, PRINT),
      required = { "server" },
      words = { done = "awake", asked = "packet sent", plan = "would be woken", before = "already awake" },
      examples = { { "wms wake @room1 --verify=2m", "and wait until they answer" } } },
   { name = "reboot", summary = "restart hosts", call = "reboot", target = "servers", ends = true,
      arguments = SERVERS,
      options = join({ "server", "what_if", "on_error" }, SERVE, PRINT, { "yes" }),
      words = { done = "restarting", asked = "restarting", plan = "would be restarted" },
      question = "This restarts",
      examples = { { "wms reboot lab01 --what-if", "only tell how many sessions would end" } } },
   { name = "power-off", summary = "switch hosts off", call = "power_off", target = "servers", ends = true,
      arguments = SERVERS,
      options = join({ "server", "what_if", "on_error" }, SERVE, PRINT, { "yes" }),
      words = { done = "switching off", asked = "switching off", plan = "would be switched off" },
      question = "This switches off",
      examples = { { "wms power-off @room1 --yes", "a room, without a question" } } },
   { name = "bind", summary = "bind this account to MultiPoint or Veyon hosts, once", call = "bind", target = "servers",
      arguments = SERVERS,
      options = join({ "server", "admin", "fingerprint", "fingerprints", "show", "thumbprint", "certificate_name",
         "management", "events", "key_name", "key_file", "gateway", "password_fd", "credential", "on_error" }, SERVE,
         PRINT),
      required = { "server", "admin" }, instead = { admin = "key_name" }, words = { done = "bound", asked = "bound" },
      examples = {
         { "wms bind lab01.school.example -u Administrator", "shows the fingerprint, asks, and asks for the password" },
         { "wms bind @room1 -u Administrator --show > room1.txt", "the fingerprints of a room, to be compared" },
         { "wms bind @room1 -u Administrator --fingerprints room1.txt", "one password for all" },
         { "wms bind 'veyon://lab[01-30]' --key-name lab --key-file ~/.config/lab.key",
            "a room with Veyon" },
         { "wms bind lab01 -u Administrator --events console.school.example:8443",
            "and 'wms watch' here learns at once what happens there" },
      } },
   { name = "unbind", item = "host", summary = "forget hosts", call = "unbind", target = "none",
      arguments = SERVERS, options = { "server", "json", "csv", "quiet" }, required = { "server" },
      words = { done = "forgotten" }, examples = { { "wms unbind lab01.school.example", "one" } } },
   { name = "bindings", item = "binding", summary = "list the hosts that this account is bound to", call = "bindings",
      target = "none", options = { "json", "csv" }, words = { done = "listed" },
      examples = { { "wms bindings --json", "for a script" } } },
   { name = "veyon-gateway", summary = "have Veyon's WebAPI on this machine for as long as a program runs", target = "none",
      runs = true, options = {},
      arguments = { { name = "program", value = "PROGRAM", args = "*",
         help = "A program and its arguments, behind '--'. Without one it goes on until Ctrl-C, and its address is printed "
            .. "when it is there." } },
      about = "Where none runs, veyon-cli starts one, and it is ended with the last program that needs it. One that "
         .. "somebody else has started is used, and never ended. The exit code is the program's.",
      examples = {
         { "wms veyon-gateway -- wms lock --all -s 'veyon://lab[01-30]' -m Exam", "a room, from a timer" },
         { "wms veyon-gateway -- ./lesson.sh", "several commands" },
      } },
   { name = "room", item = "host", summary = "tell how rooms are wished to be, and how they are", call = "status",
      target = "none", actions = { "status" },
      arguments = { { name = "ids", value = "@GROUP", args = "*", help = "The same as -s @GROUP." } },
      options = join({ "server" }, CONNECT, PRINT), words = { done = "looked at" },
      about = "'wms room status' is the same.",
      examples = { { "wms room @room1", "host by host" } } },
   { name = "room status", item = "host", summary = "tell how rooms are wished to be, and how they are", call = "status",
      target = "none", arguments = SERVERS, options = join({ "server" }, CONNECT, PRINT), words = { done = "looked at" },
      about = "What is wished is what 'wms keep --nats' has written down. The exit code is 1 when a host is not as it is "
         .. "wished, is offline, or does not tell.",
      examples = { { "wms room status @room1", "host by host" }, { "wms room status @room1 --json", "for a script" } } },
   { name = "agent", summary = "serve this host's sessions on NATS", target = "none", apart = "agent.run",
      actions = { "enroll", "prepare" }, options = { "settings", "file", "quiet" },
      about = "It goes on until it is ended, does what its settings allow to whom, and keeps the host as it is wished by "
         .. "'wms keep --nats'. Each action is said on the error stream, with who has asked for it.",
      examples = { { "wms agent", "as the service wms-agent does" },
         { "wms agent --settings ./agent.lua", "with other settings" } } },
   { name = "agent enroll", summary = "make the key of this host, and settings of its agent", target = "none",
      apart = "agent.enroll", options = { "nats_servers", "ca", "host", "allow", "settings" },
      about = "It prints a line with the host's name and its public key, which the servers have to be given. What is there "
         .. "already is left as it is.",
      examples = {
         { "wms agent enroll --servers tls://nats1:4222 --allow '*=sessions,lock,unlock'", "as root, on the host" },
      } },
   { name = "agent prepare", summary = "make the store for presence and wishes on the NATS servers, once", call = "prepare",
      target = "none", options = { "replicas", "timeout", "quiet" }, words = { done = "made" },
      about = "It wants an administrator's rights, and leaves what is there already as it is.",
      examples = { { "wms agent prepare --replicas 3", "three servers have it" } } },
   { name = "call", summary = "call any operation of a host's protocol", call = "call", target = "servers",
      arguments = {
         { name = "interface", value = "INTERFACE", args = 1, help = "The name of an interface of the protocol." },
         { name = "operation", value = "OPERATION", args = 1, help = "The name of one of its operations." },
         { name = "values", value = "NAME=VALUE", args = "*", kind = "argument",
            help = "Its arguments; true and false are such, digits are a number, NAME='[1, 2]' is JSON." },
      },
      options = join({ "server", "on_error" }, SERVE, PRINT), required = { "server" },
      words = { done = "answered", asked = "answered" },
      examples = {
         { "wms call -s lab01 IMultiPointSession GetScreenState idSession=3", "whether its screen is private" },
      } },
}

-- ---- nouns ------------------------------------------------------------------------------------------------------------

--- The words that stand behind a noun.
local function words_behind(noun, rows)
   local words = {}
   for _, row in ipairs(rows) do
      words[#words + 1] = row.name:match("^" .. noun:gsub("%-", "%%-") .. " (.*)$")
   end
   return words
end

-- What such a command takes stands in the tables of wms.multipoint, which most command lines need not wait for.
local Lazy = {}

function Lazy.__index(row, key)
   setmetatable(row, nil)
   require("wms.cli.multipoint.rows").fill(row, commands.options, words_behind(row.name, require("wms.cli.nouns")))
   return row[key]
end

for _, row in ipairs(require "wms.cli.nouns") do
   commands.list[#commands.list + 1] = setmetatable(row, Lazy)
end

--- The commands that stand behind the same noun: the noun itself, and those with a word; nil for others.
function commands.behind(name)
   local list = {}
   for _, command in ipairs(commands.list) do
      if command.name == name or command.name:sub(1, #name + 1) == name .. " " then
         list[#list + 1] = command
      end
   end
   return #list > 1 and list or nil
end

--- The command of that name, or nil.
function commands.find(name)
   for _, command in ipairs(commands.list) do
      if rawget(command, "name") == name then
         return command
      end
   end
   return nil
end

--- Where the command stands among words: behind the options of the whole program, and `help`; nil: nowhere.
local function place_of_command(words)
   local at = 1
   while words[at] do
      if words[at] == "--config" then
         at = at + 1
      elseif words[at] ~= "help" and words[at]:sub(1, 1) ~= "-" then
         return at
      end
      at = at + 1
   end
   return nil
end

--- Words in which a noun and the word behind it are one, as commands are named.
function commands.joined(words)
   local at = place_of_command(words)
   local name = at and words[at + 1] and words[at] .. " " .. words[at + 1]
   if not (name and commands.find(name)) then
      return words
   end
   local list = {}
   for i, word in ipairs(words) do
      list[#list + 1] = i == at and name or i ~= at + 1 and word or nil
   end
   return list
end

--- The option of a command that means all of a host's sessions or stations; nil: it has none.
function commands.option_for_all(command)
   for _, name in ipairs(command.options) do
      if commands.options[name].flags == "-a --all" then
         return name
      end
   end
   return nil
end

--- Whether a command has an option.
function commands.has(command, wanted)
   for _, name in ipairs(command.options) do
      if name == wanted then
         return true
      end
   end
   return false
end

return commands
