# SPDX-License-Identifier: MIT
"""Veyon's hosts, as a gateway sees them through connections: what is so, and what is shown of it."""
import asyncio
import time
import uuid

import features

SCREEN = "ccb535a2-1d24-4cc1-a709-8b47d2b2ac79"
INPUT = "e4a77879-e544-4fec-bc18-e534f33b934c"
MESSAGE = "e75ae9c8-ac17-4d00-8f0d-019348346208"
LOGOFF = "7311d43d-ab53-439e-a03a-8cb25f7ed526"
REBOOT = "4f7d98f0-395a-4fff-b968-e49b8d0f748c"
POWER_DOWN = (features.POWER_DOWN, "a88039f2-6716-40d8-b4e1-9f5cd48e91ed",
              "ea2406be-d5c7-42b8-9f04-53469d3cc34c", "352de795-7fc4-4850-bc57-525bcb7033f5")
LOCKS = (SCREEN, INPUT)
TRAY = frozenset((features.TRAY_ICON,))  # Veyon's icon, always there

now = time.monotonic


class History:
    """A value, and what it was a while ago."""

    def __init__(self, value):
        self.entries = [(0.0, value)]

    def set(self, value):
        if self.entries[-1][1] != value:
            self.entries.append((now(), value))
            del self.entries[:-16]

    def get(self, delay=0.0):
        """What it was `delay` seconds ago."""
        then = now() - delay
        for at, value in reversed(self.entries):
            if at <= then:
                return value
        return self.entries[0][1]


class Host:
    """One host.  What a spec may set is in SETTINGS, with the values at first; times are milliseconds."""

    SETTINGS = {
        "user": "alice",  # "": nobody is logged on
        "full_name": "",
        "session_id": 0,
        "computer": "",  # sessionHostName; "": the host's name
        "client_name": "",
        "client_address": "",
        "uptime": 60,  # seconds
        "method": "key",  # or "logon"
        "key_name": "lab",
        "key": "",  # the PEM that fits; "": any does
        "username": "teacher",
        "password": "secret",
        "greeter": 0,  # 1: there is a server when nobody is logged on, too
        "worker": "ok",  # "missing", "hung"
        "disabled": "",  # features that the host has switched off: UUIDs, separated by commas
        "denied": 0,  # 1: the key is accepted, the access rules deny
        "desktop": "desktop",  # the picture of a screen that is not locked; RRGGBB: all of one colour
        "width": 1280,
        "height": 800,
        "picture": 1,  # 0: none, for good
        "picture_delay": 0,  # the picture shows what was so long ago
        "active_delay": 0,  # and so do the features
        "fresh_delay": 0,  # a connection younger than that knows of no active feature
        "flush": 0,  # a command goes to the host so much later, and is lost if its connection is closed before
        "session_gone": 0,  # 1: session is told as if nothing was known, as most of the time
        "settle": 20,  # one younger than that knows nothing
        "login_delay": 0,  # and so much longer not who is logged on
        "authentication_delay": 0,
        "ping": 0,  # 1: without a server, it answers ping
        "deaf": 0,  # 1: takes all commands, does none
    }

    def __init__(self, name):
        self.name = name
        for key, value in self.SETTINGS.items():
            setattr(self, key, value)
        self.cable = True
        self.powered = True
        self.broken = False  # its server was killed: none starts until the service is restarted
        self.poisoned = False  # commands go to the queue of a worker that never was
        self.locks = {}  # by feature: the picture, the newest last
        self.active = History(frozenset())
        self.screen = History(self.desktop)
        self.since = now() - self.uptime
        self.messages, self.queue, self.late = [], [], []
        self.connections = []
        self.changed = asyncio.Event()

    # ---- what is so

    def server(self):
        """Does a veyon-server run there?"""
        return self.powered and not self.broken and bool(self.user or self.greeter)

    def reachable(self):
        return self.cable and self.server()

    def refuses(self):
        """Is the host on, and nobody listens there?"""
        return self.cable and self.powered and not self.server()

    def shown(self):
        """What is on the screen: what has locked it last is on top."""
        top = list(self.locks.values())[-1:]
        return top[0] if top else self.desktop if self.user else "greeter"

    def follow(self):
        """Something has changed: so does what is shown, at once or later."""
        self.screen.set(self.shown())
        self.changed.set()
        self.changed = asyncio.Event()

    def set(self, settings):
        for key, value in settings.items():
            kind = type(self.SETTINGS[key])
            setattr(self, key, kind(value))
        if "uptime" in settings:
            self.since = now() - self.uptime
        if settings.get("worker") == "ok" and self.queue:
            commands, self.queue = self.queue, []
            for command in commands:
                self.command(*command)
        self.follow()

    def unlock_all(self):
        """The workers end, with them the locks."""
        self.locks.clear()
        self.queue.clear()
        self.active.set(frozenset())
        self.poisoned = False

    def log_on(self, user):
        """Of two users the newer one has the server, and the lock of the other's screen is gone."""
        self.unlock_all()
        self.user, self.since = user, now()
        self.follow()

    def log_off(self):
        self.log_on("")

    def restart(self, how):
        """how: "reboot", "off", "on", "server" (killed), "service" (restarted), "worker" (killed)."""
        self.unlock_all()
        if how in ("reboot", "off"):
            for connection in self.connections:
                connection.deaf = True
            self.user, self.broken = "", False
            self.powered = how == "reboot"
        elif how == "on":
            self.powered = True
        elif how == "server":
            self.broken = True
        elif how == "service":
            self.broken = False
            self.since = now()
        self.follow()

    def plug(self, plugged):
        if self.cable == plugged:
            return
        if not plugged:
            for connection in self.connections:
                connection.frozen = connection.view()
        self.cable = plugged
        if plugged:
            for connection in self.connections:
                connection.frozen = None
            late, self.late = self.late, []
            for command in late:
                self.command(*command)
        self.follow()

    # ---- commands

    def command(self, feature, active, arguments):
        """A command that has come to the host; it says nothing of what becomes of it."""
        if self.denied or self.deaf or not self.server() or feature in self.disabled.lower().split(","):
            return
        if not self.user:
            return
        if feature in LOCKS:
            self.lock(feature, active, arguments)
        elif feature == MESSAGE and active:
            self.messages.append((arguments.get("text", ""), arguments.get("icon", 0), SCREEN in self.locks))
        elif feature == LOGOFF and active:
            self.log_off()
        elif feature == REBOOT and active:
            self.restart("reboot")
        elif feature in POWER_DOWN and active:
            self.restart("off")
        self.follow()

    def lock(self, feature, active, arguments):
        if self.worker == "missing":
            if active:  # its start was tried
                self.active.set(self.active.get() | {feature})
                self.poisoned = True
        elif self.poisoned:
            if active:
                self.active.set(self.active.get() | {feature})
        elif self.worker == "hung":
            self.queue.append((feature, active, arguments))
        elif active:
            self.locks.setdefault(feature, "lock" if feature == SCREEN else self.shown())
            self.active.set(self.active.get() | {feature})
        else:
            self.locks.pop(feature, None)
            self.active.set(self.active.get() - {feature})

    def state(self):
        return {
            "locked": int(SCREEN in self.locks), "input_locked": int(INPUT in self.locks), "user": self.user,
            "connections": len(self.connections), "messages": len(self.messages), "powered": int(self.powered),
            "cable": int(self.cable), "server": int(self.server()), "late": len(self.late),
        }


NOTHING = {"login": "", "full_name": "", "session": None, "active": frozenset(), "picture": None}


class Connection:
    """What a connection-uid stands for."""

    def __init__(self, host):
        self.uid = str(uuid.uuid4())
        self.host = host
        self.born = self.used = now()
        self.closed = False
        self.deaf = False  # the host has been started anew
        self.frozen = None  # what was shown when the cable was pulled out
        host.connections.append(self)

    def close(self):
        self.closed = True
        self.host.connections.remove(self)

    def view(self):
        """What the gateway knows of the host through it."""
        host, age = self.host, now() - self.born
        if self.frozen:
            return self.frozen
        if self.deaf or host.denied or not host.reachable() or age < host.settle / 1000:
            return NOTHING
        fresh = age < host.fresh_delay / 1000
        login = host.user if age >= (host.settle + host.login_delay) / 1000 else ""
        return {
            "login": login,
            "full_name": host.full_name if login else "",
            "session": None if host.session_gone else {
                "sessionClientAddress": host.client_address, "sessionClientName": host.client_name,
                "sessionHostName": host.computer or host.name, "sessionId": host.session_id,
                "sessionUptime": int(now() - host.since),
            },
            "active": frozenset() if fresh else host.active.get(host.active_delay / 1000) | TRAY,
            "picture": host.screen.get(host.picture_delay / 1000) if host.picture else None,
        }

    def command(self, feature, active, arguments):
        """Takes a command, which is carried out or not."""
        if self.host.flush:
            asyncio.get_running_loop().call_later(self.host.flush / 1000, self.send, feature, active, arguments)
        else:
            self.send(feature, active, arguments)

    def send(self, feature, active, arguments):
        if self.closed:
            return
        if self.frozen:
            self.host.late.append((feature, active, arguments))
        elif not self.deaf and self.host.reachable():
            self.host.command(feature, active, arguments)
