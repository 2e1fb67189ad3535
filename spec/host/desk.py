#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# desk.py - what there is on the bus of a user, for the specs: screen savers and a service of notifications, which can be
# strange.  On the bus at DBUS_SESSION_BUS_ADDRESS.
#
#    desk.py FOLDER
#
# Each line of the FIFO FOLDER/control is a statement of Python, run with the names below; when it has run, the line "done"
# goes into FOLDER/log, where each call stands as well, as MEMBER(NAME).
import os
import sys

import dbus
import dbus.bus
import dbus.lowlevel
import dbus.mainloop.glib
from gi.repository import GLib

folder = sys.argv[1]
log = open(folder + "/log", "a", 1)
ERROR = "org.freedesktop.DBus.Error."
PATHS = {  # by name: its path and its interface
    "org.gnome.Shell.ScreenShield": ("/org/gnome/ScreenSaver", "org.gnome.ScreenSaver"),
    "org.mate.ScreenSaver": ("/org/mate/ScreenSaver", "org.mate.ScreenSaver"),
    "org.cinnamon.ScreenSaver": ("/org/cinnamon/ScreenSaver", "org.cinnamon.ScreenSaver"),
    "org.xfce.ScreenSaver": ("/org/xfce/ScreenSaver", "org.xfce.ScreenSaver"),
    "org.freedesktop.ScreenSaver": ("/ScreenSaver", "org.freedesktop.ScreenSaver"),
}
savers = {}  # by name: True, False, "error", "silent", "text", "flood", "huge"
unanswered = []  # the questions to silent ones
capabilities = ["body", "body-markup"]
notify = "answer"  # or "silent", "text", or an error's name
next_id = 0


def saver(name, active=False):
    name = "org.%s.ScreenSaver" % name if name != "gnome" else "org.gnome.Shell.ScreenShield"
    if name not in savers:
        connection.request_name(name)
    savers[name] = active
    return name


def change(name, active):
    """Locks or unlocks, and tells."""
    name = saver(name, active)
    path, interface = PATHS[name]
    signal = dbus.lowlevel.SignalMessage(path, interface, "ActiveChanged")
    signal.append(active, signature="b")
    connection.send_message(signal)


def answer(name, active):
    """The end of a silence."""
    saver(name, active)
    while unanswered:
        get_active(unanswered.pop(0))


def leave(name):
    name = "org.%s.ScreenSaver" % name if name != "gnome" else "org.gnome.Shell.ScreenShield"
    del savers[name]
    connection.release_name(name)


def shows():
    connection.request_name("org.freedesktop.Notifications")


def reply(message, signature="", *values):
    answer = dbus.lowlevel.MethodReturnMessage(message)
    if signature:
        answer.append(*values, signature=signature)
    connection.send_message(answer)


def refuse(message, name):
    connection.send_message(dbus.lowlevel.ErrorMessage(message, name, "said the desk"))


def flood(message):
    """More than anybody wants to read, none of which was asked for."""
    for _ in range(3000):
        signal = dbus.lowlevel.SignalMessage("/flood", "org.flood", "Flood")
        signal.set_destination(message.get_sender())
        signal.append("x" * 10000, signature="s")
        connection.send_message(signal)
        connection.flush()


def get_active(message):
    state = savers.get(message.get_destination(), "error")
    if state == "error" or message.get_path() != PATHS[message.get_destination()][0]:
        refuse(message, ERROR + "UnknownMethod")
    elif state == "text":
        reply(message, "s", "yes")
    elif state == "huge":
        reply(message, "s", "x" * (8 << 20))
    elif state == "flood":
        flood(message)
    elif state == "silent":
        unanswered.append(message)
    else:
        reply(message, "b", state)


def answer_notify(message):
    global next_id
    app, _, _, summary, body, _, hints, expires = message.get_args_list()
    log.write("Notify(%s)\n" % "|".join([app, summary, body.replace("\n", "~"), str(int(hints["urgency"])), str(int(expires))]))
    if notify == "answer":
        next_id += 1
        reply(message, "u", next_id)
    elif notify == "text":
        reply(message, "s", "yes")
    elif notify != "silent":
        refuse(message, notify)


def on_message(_, message):
    member = message.get_member()
    if message.get_type() != 1 or not (message.get_interface() or "").startswith("org.") or (
            message.get_interface() or "").startswith("org.freedesktop.DBus"):
        return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
    if member == "GetActive":
        log.write("GetActive(%s)\n" % message.get_destination())
        get_active(message)
    elif member == "GetCapabilities":
        log.write("GetCapabilities()\n")
        reply(message, "as", dbus.Array(capabilities, signature="s"))
    elif member == "Notify":
        answer_notify(message)
    else:
        refuse(message, ERROR + "UnknownMethod")
    return dbus.lowlevel.HANDLER_RESULT_HANDLED


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
connection = dbus.bus.BusConnection(os.environ["DBUS_SESSION_BUS_ADDRESS"])
connection.add_message_filter(on_message)
control = os.open(folder + "/control", os.O_RDWR)  # for both, so that it never ends
GLib.io_add_watch(control, GLib.IO_IN, statement)
log.write("ready\n")
GLib.MainLoop().run()
