#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# logind.py - a logind for the specs, on the bus at DBUS_SYSTEM_BUS_ADDRESS, that can be strange: what a real one does not do
# on demand.
#
#    logind.py FOLDER
#
# Each line of the FIFO FOLDER/control is a statement of Python, run with the names below; when it has run, the line "done N"
# goes into FOLDER/log, where each call stands as well, as MEMBER(ARGUMENTS) or PATH MEMBER(ARGUMENTS).
import os
import sys

import dbus
import dbus.bus
import dbus.lowlevel
import dbus.mainloop.glib
from gi.repository import GLib

folder = sys.argv[1]
log = open(folder + "/log", "w", 1)
NAME, PATH = "org.freedesktop.login1", "/org/freedesktop/login1"
BUS_ERROR = "org.freedesktop.DBus.Error."
ACTIONS = ("LockSession", "UnlockSession", "TerminateSession")
sessions = {}  # by id: the properties, and what begins with "_"
fail = {}  # (member, id or path's id): an error's name; None: no answer
own = NAME + ".NoSessionForPID"  # an error, or a session's id
old = False  # before systemd 243: the name "auto" is not known
obeys = True  # the lockers set LockedHint
hold = None  # (member, id): the next such call is not answered before release()
inhibited = ""  # what programs hold up, such as "shutdown:sleep"
held = []
connection = None


def path_of(id):
    return PATH + "/session/" + "".join(c if c.isalnum() and (i or not c.isdigit()) else "_%02x" % ord(c)
                                        for i, c in enumerate(id))


def struct(signature, *values):
    return dbus.Struct(values, signature=signature)


def add(id, user="alice", uid=1000, **properties):
    """A new session: of a user, unlocked, at a seat of its own."""
    id = str(id)
    sessions[id] = {
        "Id": id, "Name": user, "User": struct("uo", dbus.UInt32(uid), dbus.ObjectPath(PATH + "/user/_%d" % uid)),
        "Seat": struct("so", "seat" + id, dbus.ObjectPath(PATH + "/seat/any")), "Class": "user", "Type": "tty",
        "State": "active", "Active": True, "Remote": False, "RemoteHost": "", "LockedHint": False,
        "Leader": dbus.UInt32(100 + len(sessions)), "Timestamp": dbus.UInt64(1700000000000000 + len(sessions)),
        "_uid": uid,
    }
    sessions[id].update(properties)


def remove(id):
    id = str(id)
    del sessions[id]
    signal(PATH, NAME + ".Manager", "SessionRemoved", "so", id, dbus.ObjectPath(path_of(id)))


def signal(path, interface, member, signature, *values):
    message = dbus.lowlevel.SignalMessage(path, interface, member)
    message.append(*values, signature=signature)
    connection.send_message(message)


def hint(id, locked):
    """What a locker says of itself."""
    sessions[str(id)]["LockedHint"] = locked
    signal(path_of(str(id)), "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as", NAME + ".Session",
           dbus.Dictionary({"LockedHint": locked}, signature="sv"), dbus.Array([], signature="s"))


def reply(message, signature="", *values):
    answer = dbus.lowlevel.MethodReturnMessage(message)
    if signature:
        answer.append(*values, signature=signature)
    connection.send_message(answer)


def refuse(message, name, text="said the mock"):
    if name:
        connection.send_message(dbus.lowlevel.ErrorMessage(message, name, text))


def get_session(message, id):
    if id == "auto" and not old or message.get_member() == "GetSessionByPID":
        if own in sessions:
            reply(message, "o", dbus.ObjectPath(path_of(own)))
        else:
            refuse(message, own, "not yours")
    elif id in sessions:
        reply(message, "o", dbus.ObjectPath(path_of(sessions[id].get("_path", id))))
    else:
        refuse(message, NAME + ".NoSuchSession", "No session '%s' known" % id)


def list_sessions(message):
    reply(message, "a(susso)", dbus.Array(
        [(id, dbus.UInt32(s["_uid"]), str(s.get("Name", "")), "", dbus.ObjectPath(path_of(id))) for id, s in sessions.items()],
        signature="(susso)"))


def act(message, id):
    if id not in sessions:
        refuse(message, NAME + ".NoSuchSession", "No session '%s' known" % id)
        return
    reply(message)
    if message.get_member() == "TerminateSession":
        remove(id)
    elif obeys:
        hint(id, message.get_member() == "LockSession")


def handle(message):
    member, path, arguments = message.get_member(), message.get_path(), [str(a) for a in message.get_args_list()]
    by_path = {path_of(id): id for id in sessions}
    id = by_path.get(path, "?") if member == "GetAll" else arguments[0] if arguments else ""
    if member in ("Reboot", "PowerOff"):
        id = "interactive" if message.get_args_list()[0] else ""
    log.write("%s(%s)\n" % (member, id))
    if (member, id) == hold:
        held.append((message, member, id, path, by_path))
    else:
        answer(message, member, id, path, by_path)


def release():
    global hold
    hold = None
    while held:
        answer(*held.pop())


def answer(message, member, id, path, by_path):
    if (member, id) in fail:
        refuse(message, fail[member, id])
    elif member in ("GetSession", "GetSessionByPID"):
        get_session(message, id)
    elif member == "ListSessions":
        list_sessions(message)
    elif member == "GetAll" and path in by_path:
        reply(message, "a{sv}", dbus.Dictionary({k: v for k, v in sessions[by_path[path]].items() if k[0] != "_"},
                                                signature="sv"))
    elif member == "Get" and path.startswith(PATH + "/user/_"):
        theirs = [struct("so", i, dbus.ObjectPath(path_of(i))) for i, s in sessions.items() if path.endswith("_%d" % s["_uid"])]
        reply(message, "v", dbus.Array(theirs, signature="(so)", variant_level=1))
    elif member == "GetAll":
        refuse(message, BUS_ERROR + "UnknownObject", "Unknown object '%s'." % path)
    elif member in ACTIONS:
        act(message, id)
    elif member in ("Reboot", "PowerOff"):
        reply(message)
    elif member == "Get":
        reply(message, "v", dbus.String(inhibited, variant_level=1))
    else:
        refuse(message, BUS_ERROR + "UnknownMethod")


def on_message(_, message):
    destination = message.get_destination() or ""
    if message.get_type() != 1 or message.get_sender() == "org.freedesktop.DBus" or not destination or (
            message.get_path() or "").startswith("/org/freedesktop/DBus"):
        return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
    handle(message)
    return dbus.lowlevel.HANDLER_RESULT_HANDLED


def start():
    global connection
    connection = dbus.bus.BusConnection(os.environ["DBUS_SYSTEM_BUS_ADDRESS"])
    connection.add_message_filter(on_message)
    connection.request_name(NAME)


def stop():
    connection.flush()
    connection.close()


def restart():
    """Another connection takes the name, as when the process is another one."""
    stop()
    start()


def next_line():
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(control, 1)
    return line.decode().rstrip("\n")


def statement(*_):
    try:
        exec(next_line(), globals())  # the specs' own words
        log.write("done\n")
    except Exception as problem:
        log.write("failed: %r\n" % problem)
    return True


dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
start()
control = os.open(folder + "/control", os.O_RDWR)  # for both, so that it never ends
GLib.io_add_watch(control, GLib.IO_IN, statement)
log.write("ready\n")
GLib.MainLoop().run()
