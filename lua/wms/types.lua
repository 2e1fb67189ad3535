-- SPDX-License-Identifier: MIT
---@meta wms
---
--- The Lua interface of wms, for editors and for readers.  Nothing loads this file: `require "wms"` is one C module.
---
--- What holds for every function:
---
--- * It takes one table of options.  A string in its place means `{ server = string }`; nothing means this machine.
--- * Fields of the tables that a script gives are read raw: metamethods such as `__index` are not asked.
--- * **Misuse raises**: an unknown option, a wrong type, an id out of range.  The message names the argument and the fix:
---   `bad argument #1 to 'unlock' (timeout: a string; give a number of seconds above 0, at most 1e9)`.
--- * **What goes wrong with a host is returned**: `nil, message, err`, so that `assert(wms.unlock{…})` does what it should.
--- * Times are in seconds, and may have fractions.
--- * Callbacks (`on_outcome`, `allow`, `log`, `where`, `except`, a password's function, a store's functions) run inside calls that the script makes, never at another time: the blocking
---   functions, `request:wait` and `request:step`.  They may raise and may call wms again, also the request that they belong
---   to; they cannot yield.  An error in `allow` refuses the action; an error in any other cancels the request and is raised
---   by the call in which the callback ran.

---@class wms
---@field _VERSION string "0.2.0"
local wms = {}

--------------------------------------------------------------------------------------------------------- what is given

--- A session's id: an integer 0…4294967294 (4294967295 means "no session"), or a string such as `"c2"` where the host has
--- such.  A float with an integral value is accepted, and a string that matches `0|[1-9][0-9]*` is taken as its integer.
---@alias wms.Id integer|string

--- One id or a list of ids; or `"self"`: the caller's own session on that server, `NOT_FOUND` where there is none or the host
--- does not tell; or one session, or a list of sessions, as `wms.sessions` returned them (any table with `session_id` and
--- `server`, so outcomes too): then each brings its own server, and `server` beside them is misuse.  With an `identity` it is
--- that session: `NOT_FOUND` when another one has its id by now.  A failed outcome of a server as a whole (no `session_id`)
--- stands for every session of that server, as in `_all`.  Duplicates are acted on once.  An empty list, a list with holes,
--- ids and sessions mixed: misuse.
---@alias wms.Ids wms.Id|"self"|wms.Id[]|wms.Session|wms.Session[]|wms.Outcome|wms.Outcome[]

--- The address of a server, or a list of addresses (all of them at once; duplicates count once).
---
--- * nothing or `"localhost"`: this machine
--- * `"lab01.school.example"`, `"lab01.school.example:8080"`: a MultiPoint Server, as in the cmdlets
--- * `"memory://lab"`: an embedded host (`wms.memory`)
--- * `"logind://"`: this machine's logind; `"logind://user@host"`: another's, over ssh; `"logind:///path/to/socket"`: that of
---   another system bus on this machine
--- * `"multipoint://host:port"`, `"veyon://host"`, `"wts://host"`
--- * `"lab[01-30]"`: a node set; `"@room1"`: a group of `wms.configure`; `"@room1!lab07"`, `"a,b"`, `"a&b"`, `"a^b"`; and `"!lab07"`
---   in a list takes out of the whole list
---@alias wms.Servers string|string[]

---@alias wms.Verb "unlock"|"lock"|"disconnect"|"close"|"sessions"|"call"|"bind"|"message"|"thumbnail"|"reboot"|"power_off"|"wake"
---@alias wms.Command wms.Verb|"unlock_all"|"lock_all"|"disconnect_all"|"close_all"|"message_all"|"thumbnail_all"

--- Options of every command.
---@class wms.Options
---@field server? wms.Servers
---@field computer_name? wms.Servers Another name of `server`; both at once are misuse.
---@field servers? wms.Servers Another name of `server`.
---@field timeout? number Seconds for a server to be reached, and then for each next answer of it: above 0, at most 1e9; 30.
---@field deadline? number|false Seconds for the whole command, above 0, at most 1e9: what was not sent by then is `skipped` with the code `TIMEOUT`, what was sent without an answer is `unknown`, what is not verified yet fails with `UNVERIFIED`.  False: none, whatever the defaults say.
---@field on_error? "continue"|"stop" `"continue"` (the default): try every session, report at the end.  `"stop"`: one session at a time, across servers too, and nothing more after the first failure.
---@field what_if? boolean Ask the host what there is, say what would be done (`state = "planned"`), do nothing.
---@field verify? number|false Wait up to this many seconds, once the host has answered, until it reports the state asked for; else that outcome fails with `UNVERIFIED`.  Misuse with message (there a client's default is ignored).
---@field stable? number|false Then watch for this many seconds, and fail with `REVERTED` when the state turns back.  Implies `verify`, of 3 seconds if it is not given.  For lock and unlock; misuse with close, disconnect and message (there a client's default is ignored).
---@field retries? integer How often what has failed with `UNREACHABLE`, `TIMEOUT`, `BUSY`, `UNVERIFIED` or `REVERTED` is tried again, after pauses of 0.5 s, 1 s and so on, up to 30 s: 0…1000; 0.  Misuse with close and disconnect (there a client's default is ignored).
---@field concurrency? integer How many servers at a time: 1…65535; 32.  (Hosts on NATS are all asked at once, but for pictures.)
---@field on_outcome? fun(outcome: wms.Outcome, done: integer, total?: integer) Is told of every outcome when it is there: which, how many so far, how many there will be (nil until every server has told its sessions).

--- Properties of a session, all of which it must have; a list means any of them.  Or a function that says whether it is meant.
---@alias wms.Where table<string, string|number|boolean|string[]|number[]|boolean[]>|(fun(session: wms.Session): boolean?)

--- Options of a command on all sessions.
---@class wms.AllOptions: wms.Options
---@field where? wms.Where These alone; the others are in no outcome.  On MultiPoint hosts the *Block All* message is left alone then.
---@field except? wms.Where Not these; they are in no outcome.
---@field activity? boolean Ask also for `idle_since` where that costs a question a session (MultiPoint); with `where` or `except`.

--- Options of a command on chosen sessions.
---@class wms.SelectOptions: wms.Options
---@field session_ids? wms.Ids Required but for `wms.sessions`.
---@field session_id? wms.Ids Another name of `session_ids`; both at once are misuse.

---@class wms.SessionsOptions: wms.SelectOptions
---@field where? wms.Where As in `wms.AllOptions`; not beside `session_ids`.
---@field except? wms.Where
---@field activity? boolean As in `wms.AllOptions`, also without the two above.

---@class wms.LockOptions: wms.SelectOptions
---@field message string What the users see: UTF-8, not empty, no zero byte, at most 65536 bytes.

---@class wms.LockAllOptions: wms.AllOptions
---@field message string

---@class wms.MessageOptions: wms.SelectOptions
---@field message string What the users see: UTF-8, not empty, no zero byte, at most 65536 bytes.
---@field title? string What stands above it: UTF-8 without control characters, at most 1024 bytes.  Without one it is the host's own, or none.

---@class wms.MessageAllOptions: wms.AllOptions
---@field message string
---@field title? string

---@class wms.ThumbnailOptions: wms.SelectOptions
---@field size? "small"|"medium"|"large"|"full" How large the pictures are to be; medium.  How many pixels that is, the host decides.

---@class wms.ThumbnailAllOptions: wms.AllOptions
---@field size? "small"|"medium"|"large"|"full"

--- What a call is given: a boolean, a whole number, a string (any bytes), a list, or a table of these by their names; tables
--- lie at most 8 deep in each other.  A number that Lua has not exactly is given as a string of its digits.
---@alias wms.Argument boolean|integer|string|wms.Argument[]|table<string, wms.Argument>

--- A message to each user before his session is closed.
---@class wms.Warning
---@field message string What the users see, as in `wms.message`.
---@field title? string What stands above it.
---@field seconds number How long each session is left alone then, before it is closed: above 0, at most 1e9.

---@class wms.CloseOptions: wms.SelectOptions
---@field warn? wms.Warning Who is still there after that time is logged off; who has left meanwhile is `gone`.  A warning that cannot be shown is told by the outcome's note, and its session is closed all the same.

---@class wms.CloseAllOptions: wms.AllOptions
---@field warn? wms.Warning

--- Options of a command on servers as a whole.
---@class wms.WholeOptions
---@field server wms.Servers
---@field computer_name? wms.Servers Another name of `server`.
---@field servers? wms.Servers Another name of `server`.
---@field concurrency? integer As in `wms.Options`, as the next two.
---@field on_error? "continue"|"stop"
---@field on_outcome? fun(outcome: wms.Outcome, done: integer, total: integer)

--- Options of commands on servers as a whole that can be planned.
---@class wms.ServerOptions: wms.WholeOptions
---@field timeout? number As in `wms.Options`, as all below.
---@field deadline? number|false
---@field what_if? boolean

---@class wms.WakeOptions: wms.ServerOptions
---@field verify? number Wait up to this many seconds until the host answers; else `UNVERIFIED`.

--- The network card of a host that can be woken.
---@class wms.Card
---@field mac string Its address: `"00:11:22:33:44:55"`, or with `-`.
---@field network string Where the packet is sent, a numeric address: the broadcast address of the host's network, or `"ff02::1%eth0"`.
---@field port? integer UDP: 1…65535; 9.

---@class wms.CallOptions: wms.WholeOptions
---@field deadline? number|false As in `wms.Options`.
---@field interface string The name of an interface of the host's protocol.
---@field operation string The name of one of its operations.
---@field arguments? table<string, wms.Argument> By the protocol's names.
---@field management? boolean Use the password for management, also where the ordinary one would do.
---@field timeout? number As in `wms.Options`.

---@class wms.BindOptions: wms.WholeOptions
---@field user_name? string The name of an administrator of the host; required, but for Veyon hosts.
---@field key_name? string Of Veyon hosts, in place of a user: the name of the authentication key.
---@field key_file? string The path of the private key, which stays there, and is read each time it is needed.
---@field gateway? string Where Veyon's WebAPI is: "http://127.0.0.1:11080" at first.  On another machine: "https://name:port".
---@field password? string|(fun(server: string, user_name: string): string?, string?) The password; or a function that asks for it, when the host's certificate is found to be the expected one: it returns the password, or nil and the reason (`CANCELLED`).  No timeout runs meanwhile.  Required with `fingerprint`, but for Veyon hosts.  The engine wipes its copies; what Lua has of a string stays until Lua needs the memory.
---@field fingerprint? string SHA-256 of the certificate that is expected, in hex.  Without it the bind ends as `UNTRUSTED`, and `err.fingerprint` is that of the certificate that was shown.  Of Veyon hosts: that of the gateway's, by HTTPS; without it an authority has to vouch for it.
---@field fingerprints? table<string, string> Those of single hosts, by their addresses, in place of `fingerprint`: see `wms.fingerprints`.  Of hosts that are not bound now they are ignored.
---@field management? boolean Keep the password for management, too.
---@field deadline? number|false As in `wms.Options`.
---@field certificate_name? string What the certificate must be made out to, where that is not the name in the address.
---@field thumbprint? string SHA-1 of the certificate, as Windows shows it: must fit beside `fingerprint`, and never replaces it.
---@field events? wms.EventsOption Where the host is to tell of changes while it is watched; implies `management`.
---@field timeout? number As in `wms.Options`.

---@class wms.EventsOption
---@field host_name string This machine's name, as the host reaches it, or its IPv4 address.
---@field port integer Where programs on this machine listen while they watch.
---@field address? string A numeric address of this machine to listen at; default: all that it has.

--------------------------------------------------------------------------------------------------------- what comes back

--- Stable words: what is meant, not how it is worded.
---
--- * `NOT_FOUND`: the host has no such session
--- * `ACCESS_DENIED`: the host, or a guard of this program (`allow`), refuses the action
--- * `UNREACHABLE`: the host cannot be reached, or the connection broke
--- * `TIMEOUT`: the host did not answer in time
--- * `UNSUPPORTED`: this kind of host cannot do that
--- * `NOT_BOUND`: this client is not bound to the host yet
--- * `UNTRUSTED`: the host's identity is not confirmed
--- * `PROTOCOL`: the host's answer breaks its protocol
--- * `UNVERIFIED`: the host took the request, but did not reach the state that was asked for
--- * `REVERTED`: the session reached the state that was asked for, and turned back
--- * `CANCELLED`: the command was cancelled, or stopped after a failure
--- * `BUSY`: the host has too much to do, or the call is made from a place where it cannot be carried out
--- * `FORKED`: the request belongs to the parent process
--- * `NO_PROVIDER`: the provider for this kind of host is not installed, or cannot be loaded
--- * `NO_MEMORY`: out of memory
--- * `INTERNAL`: a fault in wms itself, or no descriptor left
---@alias wms.Code "NOT_FOUND"|"ACCESS_DENIED"|"UNREACHABLE"|"TIMEOUT"|"UNSUPPORTED"|"NOT_BOUND"|"UNTRUSTED"|"PROTOCOL"|"UNVERIFIED"|"REVERTED"|"CANCELLED"|"BUSY"|"FORKED"|"NO_PROVIDER"|"NO_MEMORY"|"INTERNAL"

--- * `requested`: the host took the request (it need not have happened: see `verify`)
--- * `verified`: the host says that it is so
--- * `planned`: would be done (`what_if`)
--- * `failed`: refused, or not reached
--- * `unknown`: sent, and no answer came: it may still be carried out
--- * `skipped`: not sent, after a stop, a cancel or the command's deadline; or, without an error, spared: the note tells why
--- * `gone`: under `_all`, the session ended by itself meanwhile; no failure (for close that is `verified`)
---@alias wms.State "requested"|"verified"|"planned"|"failed"|"unknown"|"skipped"|"gone"

--- What happened to one session.
---@class wms.Outcome
---@field server string As the caller gave it; `"localhost"` if none was given.
---@field session_id? wms.Id Nil: the server as a whole, for example because it could not be asked for its sessions.
---@field user_name? string Where it is known without asking again.
---@field state wms.State
---@field changed? boolean Only when verified: true if the transition was seen, false if the host said so already; nil if it could not be seen how it was before.
---@field error? { code: wms.Code, message: string } Nil when it is as asked.
---@field note? string What the caller should know although nothing failed.
---@field partial? boolean Of a whole server that failed: it does not stand for all of its sessions, so it is no target.
---@field value? table What a `wms.call` or `wms.bind` has returned from this server, also one that failed.
---@field picture? string Of `wms.thumbnail`: the bytes of a JPEG.  Nil: the session has none now, or an `on_outcome` has had it.
---@field width? integer Its pixels, as the JPEG says.
---@field height? integer
---@field time? number When it came, in seconds since 1970.
---@field identity? string Of the session, where it is known: another try with this outcome is for no other session.

--- Why not everything is as asked.  `tostring(err)` is its message.
---@class wms.Error
---@field code wms.Code Of the first outcome that failed.
---@field message string One line for a person, with server and session, how many failed, and how many were skipped.
---@field server? string
---@field session_id? wms.Id
---@field outcomes? wms.Outcome[] All of them, in the order asked.  (Nil from `wms.load`, `wms.bindings`, `wms.unbind`, `request:pollfd` and the embedded host.)
---@field sessions? wms.Session[] Of `wms.sessions`: what the reachable servers said.
---@field fingerprint? string Of `wms.bind`: SHA-256 of the certificate that the host has shown.
---@field thumbprint? string Of `wms.bind`: its SHA-1.

--- A session.  Nil where the host does not say.
---@class wms.Session
---@field session_id wms.Id
---@field server string
---@field state? string For example `"ConnectedToStation"`, `"RemoteConnection"`; on Linux logind's word.
---@field user_name? string
---@field domain_name? string
---@field computer_name? string
---@field client_name? string
---@field station_id? integer
---@field is_orchestratable? boolean False: the commands of everybody (`unlock_all` …) leave it out.
---@field is_admin? boolean
---@field is_mog_user? boolean A member of the MultiPoint Operators Group.
---@field is_rail? boolean
---@field is_standard? boolean A standard user's; MultiPoint only, as the next three.
---@field is_web_limited? boolean
---@field is_private? boolean The host counts its screen as private.
---@field is_broadcasting? boolean Its desktop is shown to others, perhaps for them to control it.
---@field is_own? boolean The caller's own session.
---@field locked? boolean Nil where nobody tells, as with some screen lockers of Linux.
---@field seat? string
---@field type? string
---@field class? string
---@field win_station? string
---@field remote_host? string
---@field identity? string what the host tells this session apart by from another one that gets the same id later
---@field logon_time? number Since when the user is logged on, in seconds since 1970.
---@field idle_since? number Since when he has done nothing, likewise.
---@field spared? string why `close_all` and `disconnect_all` leave it alone although it may be named (of embedded hosts; of far Linux hosts, the session of the ssh connection)

------------------------------------------------------------------------------------------------------------- commands

--- Unlocks sessions: `wms.unlock{ session_ids = {3, 4}, server = "lab01.school.example" }`.
---
--- Returns the outcomes in the order asked, or `nil, message, err` if any is not as asked.  Raises misuse, and the errors of
--- `on_outcome` and `log`.
---@param options wms.SelectOptions
---@return wms.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function wms.unlock(options) end

--- Unlocks every session that the host lets us control: not those of administrators and operators where it exempts them.
---@param options? wms.AllOptions|string
---@return wms.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function wms.unlock_all(options) end

--- Locks sessions; their users see `message`, which is required.
---@param options wms.LockOptions
---@return wms.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function wms.lock(options) end

---@param options wms.LockAllOptions
---@return wms.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function wms.lock_all(options) end

--- Disconnects sessions: they go on without a screen.  The caller's own is refused with `ACCESS_DENIED`.
---@param options wms.SelectOptions
---@return wms.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function wms.disconnect(options) end

--- Disconnects every session but the caller's own.  Needs a server, `"localhost"` too.
---@param options wms.AllOptions|string
---@return wms.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function wms.disconnect_all(options) end

--- Ends sessions: logs their users off.  The caller's own is refused with `ACCESS_DENIED`.
---@param options wms.CloseOptions
---@return wms.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function wms.close(options) end

--- Ends every session but the caller's own.  Needs a server, `"localhost"` too.
---@param options wms.CloseAllOptions|string
---@return wms.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function wms.close_all(options) end

--- Shows a text on sessions' screens, without locking them:
--- `wms.message{ session_ids = {3, 4}, title = "Lab 1", message = "Ten minutes left", server = "lab01" }`.
---
--- Hosts that cannot do that answer `UNSUPPORTED`: embedded hosts can, and perhaps `wts://`.  No host tells what is on a screen, so the
--- outcome is `"requested"`, and `verify` and `stable` are misuse.
---@param options wms.MessageOptions
---@return wms.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function wms.message(options) end

--- Shows it on every screen that the host lets us control; the caller's own is one of them.
---@param options wms.MessageAllOptions
---@return wms.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function wms.message_all(options) end

--- Takes pictures of sessions' screens: `wms.thumbnail{ session_ids = {3, 4}, size = "large", server = "lab01" }`.
---
--- The outcomes are `verified`, and have `picture`, `width`, `height` and `time`; a session without a picture now has none of
--- these, which is no failure.  A host is asked about one session after the other.  With an `on_outcome` the pictures are
--- handed over by it, and the list has them no more: so no more than one of each host is in memory.  MultiPoint and embedded
--- hosts have pictures, others answer `UNSUPPORTED`.  Nothing is changed, so there is nothing to verify.
---@param options wms.ThumbnailOptions
---@return wms.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function wms.thumbnail(options) end

--- Takes one of every session that the host lets us control.
---@param options? wms.ThumbnailAllOptions|string
---@return wms.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function wms.thumbnail_all(options) end

--- Reboots hosts: `wms.reboot{ servers = { "lab01", "lab02" } }`.  All their sessions end.  Needs a server, `"localhost"` too.
---
--- The outcomes have no `session_id`.  `what_if` asks each host for its sessions, and notes how many there are.  It is never
--- sent twice; a host that goes before it has answered is `unknown`.
---@param options wms.ServerOptions|string
---@return wms.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function wms.reboot(options) end

--- Powers hosts off, likewise.
---@param options wms.ServerOptions|string
---@return wms.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function wms.power_off(options) end

--- Wakes hosts by a packet to their network card, which `wms.configure{ wake = }` names (else `NOT_FOUND`).
---
--- With `verify` it waits until the host answers the question for its sessions, and sends another packet from time to time;
--- `changed` is false when it has answered at once.
---@param options wms.WakeOptions|string
---@return wms.Outcome[]? outcomes
---@return string? message
---@return wms.Error? err
function wms.wake(options) end

--- Which sessions there are: all of them, or those asked for by id.  Returns them in one list, by server in the order asked;
--- or `nil, message, err`, with `err.sessions` from the servers that answered.  `on_outcome` is told of each with the state
--- `"verified"`.  `what_if`, `verify` and `stable` have nothing to do here.
--- A list of sessions or outcomes means just those.
---@param options? wms.SessionsOptions|wms.Session[]|wms.Outcome[]|string
---@return wms.Session[]? sessions
---@return string? message
---@return wms.Error? err
function wms.sessions(options) end

--- Calls an operation of the host's protocol: `wms.call{ server = "lab01", interface = "…", operation = "…", arguments = {…} }`.
---
--- Returns a table of what the host has returned, or `nil, message, err`.  In it whole numbers that Lua has not exactly are
--- strings of digits, and what the host leaves out is nil.  A call is never sent twice: one that was sent and got no answer
--- has an outcome with the state `"unknown"`.  Raises misuse.
--- Of a list of servers, a node set or a group it returns the outcomes, each with a `value`.
---@param options wms.CallOptions
---@return table|wms.Outcome[]? result
---@return string? message
---@return wms.Error? err
function wms.call(options) end

------------------------------------------------------------------------------------------------------------- bindings

--- What `wms.bind` has brought home, without its secrets.
---@class wms.Binding
---@field server string The server's name: one for all the ways to write its address.
---@field fingerprint? string SHA-256 of the host's certificate, or of that of a Veyon host's gateway.
---@field management? boolean Whether the password for management is there.
---@field port? integer
---@field key_name? string Of a Veyon host, as are the next two: the key's name.
---@field key_file? string Where it is.
---@field gateway? string Whom it is given.
---@field events? { host_name: string, port: integer, address?: string, expires: integer } Where the host tells of changes; `expires` (seconds since 1970) is the end of the certificate that it knows.
---@field error? { code: wms.Code, message: string } Of a binding that cannot be read: why; it has nothing but `server` beside.

--- Binds this client to a host that wants that, as an administrator of it: what the client needs from then on is kept.
---
--- `wms.bind{ server = "lab01", user_name = "Administrator" }` fails with `UNTRUSTED`, and `err.fingerprint` (SHA-256) and
--- `err.thumbprint` (SHA-1) are those of the host's certificate, to be compared with what the host itself shows.  With that
--- `fingerprint` and a `password` it binds.
---
--- Returns the binding, as the host and its provider tell it; or `nil, message, err`.  Raises misuse, and the errors of the
--- password's function.
--- Of a list of servers, a node set or a group it returns the outcomes, each with a binding as its `value`; of one that fails
--- with `UNTRUSTED`, `value` has the `fingerprint` and `thumbprint`.  One password is asked for once, for all of them.
---@param options wms.BindOptions
---@return wms.Binding|wms.Outcome[]? binding
---@return string? message
---@return wms.Error? err
function wms.bind(options) end

--- All bindings, ordered by server; or `nil, message, err` with `UNTRUSTED` (a file or folder that others can read; the message
--- says how to mend it), `ACCESS_DENIED` or `INTERNAL`.
---@return wms.Binding[]? bindings
---@return string? message
---@return wms.Error? err
function wms.bindings() end

--- Forgets the binding of a server.  Returns true; or `nil, message, err`, with `NOT_BOUND` if there is none.  Raises misuse.
---@param options string|{ server: string }
---@return true? ok
---@return string? message
---@return wms.Error? err
function wms.unbind(options) end

------------------------------------------------------------------------------------------------------------- servers

--- The addresses that a list of servers means, each once, in their order.  Raises misuse; a list that leaves none is.
---@param list wms.Servers
---@return string[] addresses
function wms.servers(list) end

------------------------------------------------------------------------------------------------------ without blocking

--- Starts a command and returns at once.  `wms.start("unlock", { session_ids = 3, server = "lab01" })`.
---
--- The options are those of the command.  `allow` is that of this moment.  Returns the request; `nil, message, err` (with
--- `NO_MEMORY`) when there is none.  Raises misuse.
---@param command wms.Command
---@param options? wms.SelectOptions|wms.LockOptions|wms.MessageOptions|wms.CloseOptions|wms.ServerOptions|wms.WakeOptions|wms.CallOptions|wms.BindOptions|string
---@return wms.Request? request
---@return string? message
---@return wms.Error? err
function wms.start(command, options) end

--- A command under way.  It speaks the protocol of cqueues' pollables.  Once it is closed every method but `close` raises
--- "the request is closed".  When it is collected, it is closed.  On Lua 5.4: `local request <close> = wms.start(…)`.
---@class wms.Request
local request = {}

--- A descriptor of this request alone, readable when there is something to do: then call `step`.  Its timers are inside it.
--- It stays the same, and belongs to the request: take it out of your loop before `close`.
---@return integer? fd
---@return string? message
---@return wms.Error? err `FORKED`, `NO_MEMORY`, `INTERNAL` (no descriptor left)
function request:pollfd() end

--- What `pollfd` is to be polled for: always `"r"`.
---@return "r"
function request:events() end

--- Seconds until `step` is due whatever the descriptor says: always nil, never.
---@return nil
function request:timeout() end

--- Does what can be done without waiting, and runs the callbacks that are due.  Raises their errors, other than those of
--- `allow`.  Returns whether the request is done.  A request of the parent process counts as done, and so does one that its
--- own callback closed.
---@return boolean done
function request:step() end

--- Whether every outcome is there, and `on_outcome` has been told of every one.
---@return boolean done
function request:done() end

--- Runs the request until it is done (true), or `seconds` have passed (false); without them there is no limit.  Runs the
--- callbacks that are due and raises their errors, other than those of `allow`.  Inside the request's own `allow` it returns
--- false at once, since nothing can go on before that has answered.  `nil, message, err`: it could not wait (`BUSY`,
--- `NO_MEMORY`, `INTERNAL`).
---@param seconds? number from 0
---@return boolean? done
---@return string? message
---@return wms.Error? err
function request:wait(seconds) end

--- What the blocking function would have returned, every time anew.  A request that is not done has
--- `nil, message, err` with `err.code == "BUSY"`; one of the parent process (after a fork) `"FORKED"`.
---@return wms.Outcome[]|wms.Session[]|table|nil result
---@return string? message
---@return wms.Error? err
function request:result() end

--- Ends the request now: what was not sent is `skipped`, what was sent without an answer is `unknown`.  Nothing happens to
--- one that is done.  `on_outcome` is told by the next `step` or `wait`.
function request:cancel() end

--- Cancels what is not done, and gives everything back, the descriptor too.  A second time, nothing happens.
function request:close() end

---------------------------------------------------------------------------------------------------------------- watching

---@alias wms.EventKind "opened"|"closed"|"locked"|"unlocked"|"disconnected"|"connected"|"ready"|"lost"|"back"|"overflow"

---@class wms.Event
---@field kind wms.EventKind
---@field time number When it was noticed: seconds since 1970.
---@field server? string As it was given; nil: `overflow`, which is about all.
---@field session? wms.Session Of the first six kinds: as it was then; of `closed` as it was last.
---@field initial? boolean Of `opened`: it was there when the watch began.
---@field error? { code: wms.Code, message: string } Of `lost`.
---@field dropped? integer Of `overflow`: how many events at least.
---@field sessions? wms.Session[] Of `overflow`: all sessions of all servers, as they are now.

---@class wms.WatchOptions
---@field server? wms.Servers
---@field computer_name? wms.Servers Another name of `server`; both at once are misuse.
---@field servers? wms.Servers Another name of `server`.
---@field timeout? number Seconds for a server to be reached, and then for each next answer of it: above 0, at most 1e9; 30.
---@field concurrency? integer How many servers are being reached at a time: 1…65535; 32.
---@field where? wms.Where Events of these sessions alone, as the event tells them.
---@field except? wms.Where No events of these.
---@field initial? boolean Tell the sessions that a server has at first, too.
---@field queue? integer How many events may wait to be read: 1…10000000; 10000.
---@field on_event? fun(event: wms.Event) Is called by `step` and `wait` with each event.

--- Watches servers, and tells what happens to their sessions.  Returns at once.  Raises misuse.  `nil, message, err`:
--- `NO_MEMORY`, `INTERNAL` (no descriptor left).
---@param options? wms.WatchOptions|string
---@return wms.Watch? watch
---@return string? message
---@return wms.Error? err
function wms.watch(options) end

--- It speaks the protocol of cqueues' pollables.  Once it is closed every method but `close` and `done` raises "the watch is
--- closed".  When it is collected, it is closed.  On Lua 5.4: `local watch <close> = wms.watch(…)`.
---@class wms.Watch
local watch = {}

--- The next event; waits for it, at most `seconds`; without them there is no limit.  Nil: there was none.  Raises errors of
--- `where` and `except`.  `nil, message, err`: `FORKED`, `BUSY`, `INTERNAL`.
---@param seconds? number from 0
---@return wms.Event? event
---@return string? message
---@return wms.Error? err
function watch:next(seconds) end

--- For a loop of `for` over events, which ends when the watch is closed.
---@return fun(watch: wms.Watch): wms.Event?
---@return wms.Watch
function watch:each() end

--- All sessions as far as is known now, by server; of a server that is lost, what was known last.
---@return wms.Session[]
function watch:sessions() end

--- How each server is, in the order asked.
---@return { server: string, state: "connecting"|"watched"|"lost", error?: { code: wms.Code, message: string } }[]
function watch:servers() end

--- A descriptor of this watch alone, readable when there is something to do or to read: then call `step`, or `next(0)` until
--- it returns nil.
---@return integer? fd
---@return string? message
---@return wms.Error? err `FORKED`, `NO_MEMORY`, `INTERNAL` (no descriptor left)
function watch:pollfd() end

--- What `pollfd` is to be polled for: always `"r"`.
---@return "r"
function watch:events() end

--- Seconds until `step` is due whatever the descriptor says: always nil, never.
---@return nil
function watch:timeout() end

--- Does what can be done without waiting, and calls `on_event` with each event.  Raises its errors.  Returns whether the watch
--- is closed; one of the parent process counts as closed.
---@return boolean? done
---@return string? message
---@return wms.Error? err
function watch:step() end

--- Calls `on_event` with each event until the watch is closed (true), or `seconds` have passed (false); without them there is
--- no limit.  Raises its errors.
---@param seconds? number from 0
---@return boolean? done
---@return string? message
---@return wms.Error? err
function watch:wait(seconds) end

--- Whether it is closed.
---@return boolean done
function watch:done() end

--- Ends it, and gives everything back.  A second time, nothing happens.
function watch:close() end

---------------------------------------------------------------------------------------------------------------- driver

--- What `require "wms.loop.NAME"` is, for `luv` (Neovim too), `cqueues`, `glib`, `nginx`, `haproxy`, `prosody`, `knot`,
--- `coroutines`, and `poll` for any other loop: docs/embedding.md.  Each waits its program's own way.  What waits has to be called
--- where the program can: in a coroutine, or a request of nginx; elsewhere it raises.
---@class wms.Loop
local loop = {}

--- Carries out a command, or a function of wms.multipoint (`"multipoint.stations"`), and returns what the blocking function
--- would; raises misuse, and what one of its callbacks has raised.
---@param command string
---@param options? table|string
---@return wms.Outcome[]|wms.Session[]|table|nil result
---@return string? message
---@return wms.Error? err
function loop.call(command, options) end

--- The same for a request that is there, which is closed then.  `request:cancel()` makes it return; it must not be closed
--- meanwhile, and nobody else may wait for it.
---@param started wms.Request
---@return wms.Outcome[]|wms.Session[]|table|nil result
---@return string? message
---@return wms.Error? err
function loop.wait(started) end

--- Starts a command and returns its request at once.  `on_done` is called once, perhaps before this returns, with what the
--- blocking function would have returned; the request is closed then.  What a callback of the command has raised: `nil,
--- message`.  Not in `coroutines`.
---@param command string
---@param options table|string|nil
---@param on_done fun(result: table?, message: string?, err: wms.Error?)
---@return wms.Request? request
---@return string? message
---@return wms.Error? err `NO_MEMORY`, `INTERNAL` (no descriptor left), `CANCELLED` (the program is about to end)
function loop.start(command, options, on_done) end

--- Watches servers.  With `on_event` (not in `coroutines`) that is called; an error of it ends the watch, and is the program's.
---@param options wms.WatchOptions|string
---@return wms.LoopWatch? watch
---@return string? message
---@return wms.Error? err
function loop.watch(options) end

--- Keeps rooms.  `on_done` is called with the keeper's result when it is over.  Not in `coroutines`.
---@param options wms.KeepOptions
---@param on_done? fun(summary: wms.KeepSummary?, message: string?, err: wms.Error?)
---@return wms.Keeper? keeper
---@return string? message
---@return wms.Error? err
function loop.keep(options, on_done) end

--- Ends all that is under way here, for a program that is about to end: commands return (`CANCELLED`), watches and keepers are
--- closed.  Then what an `on_done` has raised, if any did, is raised.
function loop.stop() end

--- How many commands, watches and keepers are under way.  Not in programs that sleep.
---@return integer count
function loop.pending() end

--- A watch of a loop's helper.  It is closed by `close`, by `loop.stop`, by an error of `on_event`, and at the end of a program
--- that tells of it; by the collector only in a program that sleeps, and without `on_event`.
---@class wms.LoopWatch
local loop_watch = {}

--- The next event, for which it waits the program's own way; nil: there was none in that time, or it is closed.
---@param seconds? number from 0
---@return wms.Event? event
---@return string? message
---@return wms.Error? err
function loop_watch:next(seconds) end

--- For a loop of `for` over events, which ends when the watch is closed.  Not on Lua 5.1, which cannot yield in there.
---@return fun(): wms.Event?
function loop_watch:each() end

--- As those of wms.Watch, as the next two.
---@return wms.Session[]
function loop_watch:sessions() end

---@return { server: string, state: "connecting"|"watched"|"lost", error?: { code: wms.Code, message: string } }[]
function loop_watch:servers() end

---@return boolean done
function loop_watch:done() end

--- Ends it; whoever waits for its next event gets nil.  A second time, nothing happens.
function loop_watch:close() end

--- For `wms.loop.poll`, which has these beside the functions of every helper.
---@class wms.PollLoop: wms.Loop
---@field pollfd fun(): integer?, string?, wms.Error? The descriptor that is readable when `turn` has something to do.
---@field turn fun(): boolean?, string?, wms.Error? Does what can be done without waiting.
---@field wait fun(seconds?: number): boolean?, string?, wms.Error? Waits until something has happened, at most so long.
---@field run fun(): boolean?, string?, wms.Error? Waits until nothing is pending.

--- Drives every request of this Lua state from one descriptor, for an event loop that has many requests at once.  There is
--- one for each Lua state.  The helpers are made with it, and are what a program uses.
---@class wms.Driver
local driver = {}

---@return wms.Driver
function wms.driver() end

--- The descriptor, which is readable when `step` has something to do; the same until the process forks.  It belongs to wms:
--- never close it.  `nil, message, err`: `NO_MEMORY`, `INTERNAL` (no descriptor left).
---@return integer? fd
---@return string? message
---@return wms.Error? err
function driver:pollfd() end

---@return "r"
function driver:events() end

--- Always nil: the timers are inside the descriptor.
---@return nil
function driver:timeout() end

--- Does what can be done without waiting, for all requests.  Runs no callbacks: a request's `step` does.  Returns true, or
--- `nil, message, err`.
---@return boolean? stepped
---@return string? message
---@return wms.Error? err
function driver:step() end

--- The same until a request has news (true), or `seconds` have passed (false); without them there is no limit.
---@param seconds? number from 0
---@return boolean? news
---@return string? message
---@return wms.Error? err
function driver:wait(seconds) end

--- `news` tells of this request or watch from now on.  It is not collected until it is forgotten.
---@param one wms.Request|wms.Watch
function driver:watch(one) end

--- To be called before a watch is closed.
---@param one wms.Request|wms.Watch
function driver:forget(one) end

--- Makes the descriptor readable after so many seconds, and again and again from then on, until it is called anew.  Nil: not
--- any more.  There is one alarm for each Lua state, and the helpers and keepers use it.  Returns true, or `nil, message, err`:
--- `NO_MEMORY`, `INTERNAL` (no descriptor left).
---@param seconds? number from 0
---@return boolean? set
---@return string? message
---@return wms.Error? err
function driver:alarm(seconds) end

--- Seconds of a clock that only goes forward, also while the machine sleeps; and seconds since 1970, with fractions.
---@return number forward
---@return number time
function driver:clock() end

--- The next request among those that are watched which has news: it is done, or one of its callbacks is due.  Its `step` takes
--- the news.  Or a watch that has an event to read; all of them should be read then.
--- `for request in driver.news, driver do … end`
---@return wms.Request|wms.Watch|nil request
function driver:news() end

--------------------------------------------------------------------------------------------------------------- clients

--- Options of a client: the defaults of its calls.
---@class wms.ClientOptions: wms.Options
---@field allow? (fun(action: wms.Action): boolean?, string?)|false As in `wms.configure`, in place of that; false: none.

--- Makes a client: the same commands as methods, with these options as defaults.  What a call gives wins over them, and they
--- win over `wms.configure`.  `client:unlock{ session_ids = 3 }`, `client:unlock_all()`, `client:start("unlock", {…})`.
--- `call` and `bind` take from it what they have.  Sessions in `session_ids` keep their own servers.
---
--- There is nothing to close: `client:close{…}` is the command.  Raises misuse.
---@param options? wms.ClientOptions|string
---@return wms.Client
function wms.new(options) end

---@class wms.Client
---@field unlock fun(self: wms.Client, options: wms.SelectOptions): wms.Outcome[]?, string?, wms.Error?
---@field unlock_all fun(self: wms.Client, options?: wms.Options|string): wms.Outcome[]?, string?, wms.Error?
---@field lock fun(self: wms.Client, options: wms.LockOptions): wms.Outcome[]?, string?, wms.Error?
---@field lock_all fun(self: wms.Client, options: wms.LockAllOptions): wms.Outcome[]?, string?, wms.Error?
---@field disconnect fun(self: wms.Client, options: wms.SelectOptions): wms.Outcome[]?, string?, wms.Error?
---@field disconnect_all fun(self: wms.Client, options?: wms.Options|string): wms.Outcome[]?, string?, wms.Error?
---@field close fun(self: wms.Client, options: wms.SelectOptions): wms.Outcome[]?, string?, wms.Error?
---@field close_all fun(self: wms.Client, options?: wms.Options|string): wms.Outcome[]?, string?, wms.Error?
---@field message fun(self: wms.Client, options: wms.MessageOptions): wms.Outcome[]?, string?, wms.Error?
---@field message_all fun(self: wms.Client, options: wms.MessageAllOptions): wms.Outcome[]?, string?, wms.Error?
---@field sessions fun(self: wms.Client, options?: wms.SelectOptions|string): wms.Session[]?, string?, wms.Error?
---@field call fun(self: wms.Client, options: wms.CallOptions): table?, string?, wms.Error?
---@field bind fun(self: wms.Client, options: wms.BindOptions): wms.Binding?, string?, wms.Error?
---@field watch fun(self: wms.Client, options?: wms.WatchOptions|string): wms.Watch?, string?, wms.Error?
---@field start fun(self: wms.Client, command: wms.Command, options?: wms.SelectOptions|wms.LockOptions|wms.MessageOptions|wms.CallOptions|wms.BindOptions|string): wms.Request?, string?, wms.Error?

----------------------------------------------------------------------------------------------------- the state's settings

--- Something that is about to be sent.
---@class wms.Action
---@field verb wms.Verb
---@field server string
---@field session_id? wms.Id Nil: the server as a whole: a call, a bind, or before it is asked which sessions it has.
---@field interface? string Of a call.
---@field operation? string Of a call.

--- A script's own store for bindings, in place of files.  `server` is a name as in `wms.Binding`, `text` a string that holds
--- secrets (and of which Lua keeps copies).  All four functions are required.  Their errors are raised by the call in which
--- they run.
---@class wms.Store
---@field load fun(server: string): string? What `save` was given for that server, or nil.  Is asked before every command to a server that has a binding.
---@field save fun(server: string, text: string) Is told after a bind.
---@field remove fun(server: string) Is told by `wms.unbind`.
---@field list fun(): string[] The servers that it has something for; for `wms.bindings`.

--- Where the NATS servers are, and who connects to them.  Files are read when a connection is made.
---@class wms.Nats
---@field servers string|string[] `"nats://HOST:PORT"` or `"tls://HOST:PORT"`; without TLS only if each is this machine.
---@field name? string Who asks: letters, digits, `-` and `_`; `"anonymous"`.
---@field nkey? string A file with a user's seed: see `wms.nkeys`.
---@field credentials? string A `.creds` file.
---@field user_name? string With `password_file`.
---@field password_file? string The password is in its first line.
---@field tls? { ca?: string, certificate?: string, key?: string } Files, PEM.  `ca`: who vouches for the servers, beside the system's authorities.

---@class wms.Configuration
---@field timeout? number The default of `timeout`.
---@field deadline? number|false The default of `deadline`.
---@field concurrency? integer The default of `concurrency`.
---@field log? fun(level: "debug"|"info"|"warning", text: string)|false Is told what the engine does: connections, retries, refusals; never a secret.  Lines are kept (the first 1000 of them; a last line counts the others) until a blocking call, `wait` or `step` delivers them.  False: no log.
---@field allow? (fun(action: wms.Action): boolean?, string?)|false Is asked before anything is sent: true permits; anything else, or an error, refuses, and the outcome is `ACCESS_DENIED` with the second value, or the error's text, as the reason.  It can only narrow what the program's own guard permits.  False: no question.
---@field groups? table<string, string|string[]> Groups of servers by name, in place of all that there are: `{ room1 = "lab[01-30]", school = { "@room1", "!lab07" } }`.  A name has at most 64 letters, digits, `.`, `_` and `-`.
---@field store? wms.Store|false Where bindings are kept.  False: in files of mode 0600, in `$XDG_CONFIG_HOME/wms/bindings` or `~/.config/wms/bindings`.
---@field connections? integer At most so many to one host at a time: 1…64; 4.
---@field answer_size? integer An answer of more bytes is refused: 1024…1000000000; 8000000.
---@field proxy? string|false A URL; `"environment"`: what the environment says; false: none, whatever it says.  For connections that are made from now on, as are the two above.
---@field ssh_command? string|string[]|false The program that reaches far Linux hosts in the place of `ssh`, or a list of it and its first arguments; looked for in PATH unless it has a slash.  False: `ssh`.  For connections that are made from now on.
---@field nats? wms.Nats|false The NATS servers, for `nats://` hosts.  For connections that are made from now on.  False: there are none.
---@field wake? table<string, wms.Card>|false The network cards of all hosts that can be woken, by their addresses; in place of those that were given before.  False: none.

--- Sets the defaults of this Lua state.  What is not given stays as it is.  Raises misuse, and changes nothing then.
---@param options wms.Configuration
function wms.configure(options) end

--- Loads providers before they are needed, for programs that chroot or drop rights after their start: `wms.load "logind"`,
--- `wms.load{ "logind", "multipoint" }`.  Modules are found as `require` finds `wms.logind`: along `package.cpath`.  (The
--- commands do the same when they meet a server that needs it.)
---
--- Returns true; or `nil, message, err` with `NO_PROVIDER` and where it was looked for.  Raises misuse.
---@param names string|string[]
---@return true? ok
---@return string? message
---@return wms.Error? err
function wms.load(names) end

---------------------------------------------------------------------------------------------------------------- keeping

---@class wms.KeepOptions
---@field server? wms.Servers
---@field computer_name? wms.Servers Another name of `server`; both at once are misuse.
---@field servers? wms.Servers Another name of `server`.
---@field locked? boolean True: everything stays locked; false: unlocked.  Required, unless a `file` has it.
---@field message? string What the users see while they are locked.  Required with `locked = true`, and with `restore`.
---@field where? wms.Where These sessions alone; not by `locked`.
---@field except? wms.Where Not these.
---@field until_time? number|string When it ends: seconds since 1970, or a time of day such as `"11:30"`.
---@field after? number After how many seconds it ends: above 0, at most 1e9.
---@field restore? boolean At the end it puts back what it has changed.
---@field own? boolean Also the session that it runs in; false.
---@field grace? number Seconds that it waits at the end for hosts that are away: 300.
---@field limit? integer Actions in a minute on one session, at most: 1…1000; 30.
---@field file? string Where its state outlives the script: a path, or a name without a slash, for one in `$XDG_STATE_HOME/wms`.
---@field verify? number|false Seconds in which a host has to say that it is so: 3.
---@field timeout? number As in `wms.Options`.
---@field concurrency? integer As in `wms.Options`.
---@field on_report? fun(report: wms.Report) Is told of everything, by whoever runs the keeper.

---@class wms.Report
---@field kind "ready"|"back"|"lost"|"unwatched"|"acted"|"fight"|"resumed"|"file"|"waiting"|"left"|"ended"
---@field time number Seconds since 1970.
---@field message string One line for a person.
---@field server? string
---@field session_id? wms.Id
---@field user_name? string
---@field verb? "lock"|"unlock" Of `acted`, as the next one.
---@field outcome? wms.Outcome
---@field reason? "found"|"opened"|"changed"|"again"|"restore"|"time"|"stopped" Of `acted`: why; of `ended`: by what.
---@field error? { code: wms.Code, message: string } Of `lost`, `unwatched`, `file`, `waiting`, and of an action that failed.
---@field actions? integer Of `fight`: in the last minute; of `ended`: in all.
---@field pause? number Of `fight` and `unwatched`: seconds until it goes on; of `waiting`: how long it is waited for.
---@field file? string Of `resumed` and `file`: the path; of `ended`: there is something in it that was not put back.
---@field changed? integer Of `resumed`: how many sessions were changed.
---@field over? boolean Of `resumed`: its time has passed.
---@field restored? integer Of `ended`, as the next two: how many sessions.
---@field left? integer
---@field not_restored? integer

---@class wms.KeepSummary
---@field reason "time"|"stopped"|"closed"
---@field actions integer
---@field fights integer
---@field restored integer
---@field left integer

--- What `require "wms.agent"` is: docs/hosts-nats.md.
---@class wms.AgentModule
---@field serve fun(options: wms.AgentOptions): wms.Agent?, string?, wms.Error? Begins to serve, and returns at once.  Raises misuse.
---@field wish fun(options: wms.WishOptions): wms.Outcome[]?, string?, wms.Error? Wishes how hosts are to be, whatever was wished before.
---@field end_wish fun(options: wms.Servers|{ server: wms.Servers, timeout?: number, concurrency?: integer }): wms.Outcome[]?, string?, wms.Error?
---@field status fun(options: wms.Servers|{ server: wms.Servers, timeout?: number, concurrency?: integer }): wms.RoomRow[]?, string?, wms.Error?
---@field prepare fun(options?: { replicas?: integer, timeout?: number }): true?, string?, wms.Error? Makes the store on the servers.

---@class wms.AgentOptions
---@field policy table<string, string[]> Who may do what: verbs by the name of who asks; `"*"` is everybody.
---@field host? string The name of this host for others; what it calls itself.
---@field server? string Whose sessions it serves: `"logind://"`.
---@field beat? integer Seconds between two signs of presence: 10.
---@field file? string Where the state of what it keeps outlives it, as of `wms.KeepOptions`.
---@field on_report? fun(report: wms.AgentReport)

---@class wms.AgentReport
---@field kind string `"serving"`, `"away"`, `"connected"`, `"wish"`, `"failed"`, `"stopped"`, or a keeper's: `wms.Report`.
---@field time number Seconds since 1970.
---@field message string One line for a person.
---@field host? string
---@field error? { code: wms.Code, message: string }
---@field state? "locked"|"unlocked" Of `wish`, as the next ones.
---@field left? integer Seconds until it ends; nil: when it is taken back.
---@field who? string
---@field revision? integer
---@field over? boolean

--- It goes on until it is stopped or has failed, also when nobody has it in a variable.  A pollable, as requests are.
---@class wms.Agent
---@field run fun(self: wms.Agent): true?, string?, wms.Error? Serves until it is done.
---@field wait fun(self: wms.Agent, seconds?: number): boolean?, string?, wms.Error?
---@field step fun(self: wms.Agent): boolean?, string?, wms.Error?
---@field done fun(self: wms.Agent): boolean
---@field serving fun(self: wms.Agent): boolean Whether it has been connected.
---@field result fun(self: wms.Agent): true?, string?, wms.Error?
---@field stop fun(self: wms.Agent) Ends it in order; go on until it is done.
---@field close fun(self: wms.Agent) Gives everything back at once.
---@field pollfd fun(self: wms.Agent): integer?, string?, wms.Error?
---@field events fun(self: wms.Agent): "r"
---@field timeout fun(self: wms.Agent): nil

---@class wms.WishOptions
---@field server wms.Servers Hosts with an agent.
---@field locked boolean
---@field message? string Required with `locked = true`, and with `restore`.
---@field until_time? number|string As of `wms.KeepOptions`.
---@field after? number
---@field restore? boolean
---@field timeout? number
---@field deadline? number
---@field concurrency? integer
---@field on_outcome? fun(outcome: wms.Outcome, index: integer, total: integer?)

---@class wms.RoomRow
---@field server string
---@field wish? { locked: boolean, ends?: number, message?: string, restore: boolean, who?: string, revision: integer }
---@field sessions? integer How many there are, without those that are exempt; nil: not known.
---@field locked? integer
---@field unknown? integer Of which the host does not tell it.
---@field exempt? integer
---@field as_wished? boolean Nil: nothing is wished, or it is not known.
---@field offline boolean
---@field error? { code: wms.Code, message: string } Why the sessions are not known.
---@field wish_error? { code: wms.Code, message: string } Why the wish is not known.

--- What `require "wms.nkeys"` is: keys of NATS' users.
---@class wms.Nkeys
---@field make fun(path: string): string?, string? A new file with a seed; returns the public key, or nil and what is wrong.
---@field public fun(path: string): string?, string? That of a file.
---@field is_public fun(text: any): boolean

--- What `require "wms.screens"` is: docs/screens.md.
---@class wms.Screens
---@field take fun(options: string|wms.ScreensOptions): wms.Sheet A room as it is now.  Raises misuse.
---@field html fun(sheet: wms.Sheet, every?: number): string One page; `every`: it loads itself again after so many seconds.
---@field png fun(sheet: wms.Sheet): string?, string? A picture of the page, by chromium; or nil and what is missing.
---@field write fun(sheet: wms.Sheet, path: string, every?: number): boolean?, string? As the file's name says: true, or nil and why not.
---@field serve fun(options: wms.ServeOptions): wms.ServedScreens?, string? A page on loopback; or nil and why not.

---@class wms.ScreensOptions: wms.Options
---@field where? wms.Where
---@field except? wms.Where
---@field activity? boolean
---@field size? "small"|"medium"|"large"|"full" How large the pictures are to be; "medium".
---@field title? string
---@field retries? integer

---@class wms.Sheet
---@field title string
---@field time integer Seconds since 1970.
---@field stations wms.SheetStation[]
---@field off { server: string, error: { code: wms.Code, message: string } }[] Hosts that did not tell their sessions.
---@field failures wms.Outcome[] What went wrong.

---@class wms.SheetStation
---@field server string
---@field session_id wms.Id
---@field user_name? string
---@field state? string
---@field locked? boolean
---@field exempt boolean It is not looked at.
---@field picture? string A JPEG.
---@field width? integer
---@field height? integer
---@field time? number Seconds since 1970.
---@field error? { code: wms.Code, message: string } Why there is no picture.
---@field session wms.Session

---@class wms.ServeOptions
---@field options? string|wms.ScreensOptions
---@field port? integer 0, which is usual: any that is free.
---@field every? number Seconds after which the page is made anew; 5.
---@field message? string What stands in its field for a message at first.
---@field client? table Defaults, as `wms.new` takes them.

---@class wms.ServedScreens
---@field url string Its address, which has the secret.
---@field port integer
---@field run fun(self: wms.ServedScreens): integer? Serves until a signal comes (its exit code), or `stop`.
---@field stop fun(self: wms.ServedScreens)
---@field close fun(self: wms.ServedScreens) A second call does nothing.

--- What `require "wms.keep"` is: a table to be called with options.  It begins to keep, and returns at once.  Raises misuse.
--- `nil, message, err`: `BUSY` (the file is another keeper's, or keeps another room), `UNTRUSTED`, `ACCESS_DENIED`, `INTERNAL`
--- (of the file), `NO_MEMORY`.
---@alias wms.keep fun(options: wms.KeepOptions): wms.Keeper?, string?, wms.Error?

--- It goes on until it is over, also when nobody has it in a variable.  A pollable, as requests are.
---@class wms.Keeper
local keeper = {}

--- Runs it until it is over.  `nil, message, err`: something was not put back (`err.outcomes`, `err.summary`), `FORKED`, or
--- it could not wait.
---@return wms.KeepSummary? summary
---@return string? message
---@return wms.Error? err
function keeper:run() end

--- Runs it until it is over (true), or `seconds` have passed (false); without them there is no limit.
---@param seconds? number from 0
---@return boolean? over
---@return string? message
---@return wms.Error? err
function keeper:wait(seconds) end

--- Does what can be done without waiting.
---@return boolean? over
---@return string? message
---@return wms.Error? err
function keeper:step() end

---@return boolean over
function keeper:done() end

--- What `run` returns; `BUSY` before it is over.
---@return wms.KeepSummary? summary
---@return string? message
---@return wms.Error? err
function keeper:result() end

--- Ends it: what has to be put back is put back by `run`, `wait` or `step`.
function keeper:stop() end

--- Gives everything back at once, and puts nothing back.  A file stays.
function keeper:close() end

---@return integer? fd that of the driver
---@return string? message
---@return wms.Error? err
function keeper:pollfd() end

---@return "r"
function keeper:events() end

---@return nil
function keeper:timeout() end

------------------------------------------------------------------------------------------------------ the embedded host

--- A session of an embedded host: any property of a session object, and `relock_after`.  `session_id` is required.  What a
--- session object has in `server` is ignored.
---@class wms.MemorySession: wms.Session
---@field relock_after? number Seconds after which the host's manager locks this session again when it is unlocked.

---@class wms.MemoryOptions
---@field sessions? wms.MemorySession[]
---@field latency? number Seconds that an answer takes; 0.
---@field relock_after? number Seconds after which its manager, in *Block All*, locks an unlocked session again; nil: never.
---@field admin_orchestration? boolean Administrators and operators are not exempt.

--- Makes the host `memory://NAME` in this process, for scripts to be written and tested against.  It serves until it is
--- closed or the Lua state ends, also when nobody keeps the handle.  Raises misuse: a name that is none or is taken, a
--- property that no session has, an id twice.
---@param name string
---@param options? wms.MemoryOptions
---@return wms.MemoryHost
function wms.memory(name, options) end

--- Plays the host's part.  Methods return true, or `nil, message, err` with `NOT_FOUND` for an id that the host does not
--- have.  Once it is closed every method but `close` raises "the host is closed".
---@class wms.MemoryHost
local host = {}

--- A session begins.  An id that is there already is misuse.
---@param session wms.MemorySession
---@return true
function host:open(session) end

--- The host's own manager locks a session …
---@param session_id wms.Id
---@param message? string
---@return true? ok
---@return string? message
---@return wms.Error? err
function host:lock(session_id, message) end

--- … and unlocks it.
---@param session_id wms.Id
---@return true? ok
---@return string? message
---@return wms.Error? err
function host:unlock(session_id) end

--- A session ends.
---@param session_id wms.Id
---@return true? ok
---@return string? message
---@return wms.Error? err
function host:drop(session_id) end

--- What `wms.thumbnail` gets of a session from now on: these bytes, a JPEG or not; false: it has no picture; nil: one that
--- the host makes up, as at first.
---@param id wms.Id
---@param picture? string|false
---@return true? done
---@return string? message
---@return wms.Error? err
function host:picture(id, picture) end

--- From now on every request of this kind is answered with `code`; without one, as usual again.  `"UNREACHABLE"`: the
--- connection breaks after the request was taken.  `"TIMEOUT"`: no answer comes.
---@param verb wms.Verb
---@param code? wms.Code
---@return true
function host:fail(verb, code) end

--- From now on nobody reaches the host, for this reason; without one, everybody does again.
---@param code? wms.Code
---@return true
function host:refuse(code) end

--- What the host was asked to do, oldest first (the last 65536 requests). `code` is what it answered, nil when it went
--- well.  `message` is a lock's, or what was shown, with its `title`.
---@return { verb: wms.Verb, session_id?: wms.Id, message?: string, title?: string, code?: wms.Code }[]
function host:log() end

--- A session as the host sees it, with the `message` of its lock (what `wms.message` shows stands in the log).
---@param session_id wms.Id
---@return (wms.MemorySession|{ message?: string })? session
---@return string? message
---@return wms.Error? err
function host:session(session_id) end

--- The host shuts down: nobody reaches it, its name is free again.  A second time, nothing happens.
function host:close() end

return wms
