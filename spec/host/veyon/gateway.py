#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Veyon's WebAPI as one gateway for many hosts, for the specs: what `veyon-cli webapi runserver` answers, on the
loopback interface, and what becomes of hosts that fail.

    gateway.py [--port PORT] [--address ADDRESS] [--uid UID] [--tls FILE]

It prints "control PORT PID GATEWAY-PORT", serves one control channel there, and ends with it.  Commands are a line
each, words apart by blanks, each with %XX for what a word cannot hold; an answer is any number of lines that begin with
a blank, then "ok" or "failed WHY".

    set KEY=VALUE...            of the gateway, see SETTINGS
    host NAME [KEY=VALUE...]    makes a host, or changes one: model.Host.SETTINGS.  NAME: as URLs name it, such as
                                10.0.0.1, or lab01:11101 for the second session of one
    unhost NAME
    logon NAME USER             he is the newest user from now on
    logoff NAME
    plug NAME in|out            its cable
    restart NAME reboot|off|on|server|service|worker
                                off, on: its power; server, worker: killed; service: started anew
    state NAME                  what is so: locked, input_locked, user, connections, messages, powered, cable, server, late
    messages NAME               the text messages that it shows: locked when it came, icon, text
    on OPERATION|* [times=1 host= feature= delay=MS never=1 drop=1 status= type= body= raw= garbage=1 header= pad=BYTES
          half=1 slow=MS endless=BYTES chunked=1 undone=1]
                                what the next calls get: hoststate, methods, authenticate, close, features, feature, set,
                                user, session, framebuffer.  undone: nothing is done (else all is, and the answer spoilt)
    clear                       forgets what `on` told; answers that wait come
    log                         the calls since the last reset: operation, host, feature, active, status
    counts                      requests, bad, connections, keys (bodies that held one), uids, uids_peak, working_peak,
                                silent_peak, flood, and each operation
    reset                       log and counts begin anew
    wait WHAT COUNT [MS]        until a count is so high
    uids                        those that are open: uid, host
    forget [UID]                as if its time was over; all of them
    restarts                    the gateway is started anew: no uid is known any more, no connection is left
    hangup                      ends the clients' connections
    listen yes|no               whether anybody listens at the gateway's port
    quit
"""
import argparse
import asyncio
import base64
import collections
import json
import logging
import os
import re
import signal
import ssl
import sys
import time
import uuid
from urllib.parse import parse_qsl, unquote, unquote_to_bytes

import features
import model
import pictures
from http_wire import Answer, Wire

KEY_FILE = "0c69b301-81b4-42d6-8fae-128cdd113314"
LOGON = "63611f7c-b457-42c7-832e-67d0f9281085"
SCREENSHOT = "d5ee3aac-2a87-4d05-b827-0c20344490bd"
NOBODY = "00000000-0000-0000-0000-000000000000"

# Milliseconds, but for the limit.
SETTINGS = {
    "limit": 32,  # uids, and requests in work
    "idle": 60000,
    "authentication": 15000,  # patience with a host that does not answer
    "lifetime": 3 * 3600 * 1000,
    "probe": 3000,  # hoststate's patience
    "refusal": 0,  # what a wrong password takes
}

ERRORS = {
    1: (400, "Invalid data"),
    2: (401, "Invalid connection"),
    3: (400, "Invalid feature"),
    4: (400, "Invalid or incomplete credentials"),
    5: (400, "Authentication method not offered by server"),
    6: (401, "Authentication failed"),
    7: (429, "Limit for maximum number of connections reached"),
    8: (408, "Connection timed out"),
    9: (503, "Unsupported image format"),
    10: (503, "Framebuffer not yet available"),
    11: (500, "Framebuffer encoding error"),
    12: (501, "Protocol mismatch error"),
}


class Refusal(Exception):
    """An error of the WebAPI, by its code."""


def to_json(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def to_uuid(text):
    """As Qt reads one: nothing else is accepted, and what is none counts as the null one."""
    if not isinstance(text, str) or not re.fullmatch(r"\{?[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?", text):
        return NOBODY
    return str(uuid.UUID(text))


def body_of(request):
    try:
        data = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def to_int(text):
    return int(text) if re.fullmatch(r"[+-]?\d{1,9}", text) else 0


def readable(pem):
    """Does that look like a private key?"""
    found = re.fullmatch(r"\s*-----BEGIN ((?:RSA )?PRIVATE KEY)-----\s+([A-Za-z0-9+/=\s]+)-----END \1-----\s*", pem)
    try:
        return bool(found) and len(base64.b64decode("".join(found[2].split()), validate=True)) > 16
    except ValueError:
        return False


class Gateway:
    def __init__(self):
        self.settings = dict(SETTINGS)
        self.hosts, self.uids, self.rules = {}, {}, []
        self.wires, self.working, self.silent = set(), 0, 0
        self.waiting = []
        self.reset()

    def reset(self):
        self.log, self.counts = [], collections.Counter()

    # ---- hosts and uids

    def find(self, name):
        name = unquote(name).lower()
        return self.hosts.get(name) or self.hosts.get(name.removesuffix(":11100"))

    def expire(self):
        now = model.now()
        for uid, connection in list(self.uids.items()):
            if (now - connection.used > self.settings["idle"] / 1000
                    or now - connection.born > self.settings["lifetime"] / 1000):
                self.forget(uid)

    def forget(self, uid):
        self.uids.pop(uid).close()

    def forget_all(self):
        for uid in list(self.uids):
            self.forget(uid)

    def connection(self, request):
        self.expire()
        connection = self.uids.get(to_uuid(request.headers.get("connection-uid")))
        if not connection:
            raise Refusal(2)
        connection.used = model.now()
        return connection

    # ---- the calls

    async def hoststate(self, request, name):
        host = self.find(name)
        if host and host.reachable():
            return Answer(b'{"state":"online"}')
        if host and host.ping and host.cable and host.powered:
            return Answer(b"up", kind="text/plain")
        if host and not host.refuses():
            await asyncio.sleep(self.settings["probe"] / 1000)
        return Answer(b'{"state":"down"}')

    async def reach(self, name):
        """The host, once it answers."""
        host = self.find(name)
        if host and host.reachable():
            return host
        began = model.now()
        self.silent += 1
        self.counts["silent_peak"] = max(self.counts["silent_peak"], self.silent)
        try:
            while True:
                host = self.find(name)
                if host and host.reachable():
                    return host
                left = began + self.settings["authentication"] / 1000 - model.now()
                if left <= 0:
                    raise Refusal(8)
                try:
                    waiting = host.changed.wait() if host else asyncio.sleep(left)
                    await asyncio.wait_for(waiting, left)
                except asyncio.TimeoutError:
                    pass
        finally:
            self.silent -= 1

    def methods_of(self, host):
        return KEY_FILE if host.method == "key" else LOGON

    async def methods(self, request, name):
        host = await self.reach(name)
        return Answer(to_json({"methods": [self.methods_of(host)]}))

    async def authenticate(self, request, name):
        data = body_of(request)
        credentials = data.get("credentials")
        credentials = credentials if isinstance(credentials, dict) else {}
        self.counts["keys"] += "keydata" in credentials
        self.expire()
        if len(self.uids) >= self.settings["limit"]:
            raise Refusal(7)
        method = to_uuid(data.get("method"))
        if method == NOBODY:
            raise Refusal(1)
        host = await self.reach(name)
        if method != self.methods_of(host):
            raise Refusal(5)

        def text(field):
            value = credentials.get(field)
            return value if isinstance(value, str) else ""

        if method == KEY_FILE:
            if not text("keyname") or not readable(text("keydata")):
                raise Refusal(4)
            right = text("keyname") == host.key_name and host.key.strip() in ("", text("keydata").strip())
        else:
            if not text("username") or not text("password"):
                raise Refusal(4)
            right = (text("username"), text("password")) == (host.username, host.password)
        await asyncio.sleep((host.authentication_delay if right else self.settings["refusal"]) / 1000)
        if not right:
            raise Refusal(6)
        connection = model.Connection(host)
        self.uids[connection.uid] = connection
        self.counts["uids_peak"] = max(self.counts["uids_peak"], len(self.uids))
        return Answer(to_json({"connection-uid": connection.uid,
                               "validUntil": int(time.time()) + self.settings["lifetime"] // 1000}))

    async def close(self, request, name):
        self.forget(self.connection(request).uid)
        return Answer(b"{}")

    async def features(self, request):
        active = self.connection(request).view()["active"]
        return Answer(to_json([{"active": uid in active, "name": name, "parentUid": parent, "uid": uid}
                               for name, uid, parent in features.FEATURES]))

    async def feature(self, request, uid):
        return Answer(to_json({"active": to_uuid(uid) in self.connection(request).view()["active"]}))

    async def set(self, request, uid):
        connection = self.connection(request)
        uid = to_uuid(uid)
        if uid not in features.UIDS:
            raise Refusal(3)
        data = body_of(request)
        if "active" not in data:
            raise Refusal(1)
        if uid == SCREENSHOT:
            self.restart()
            return Answer()
        arguments = data.get("arguments")
        connection.command(uid, data["active"] is True, arguments if isinstance(arguments, dict) else {})
        return Answer(b"{}")

    async def user(self, request):
        view = self.connection(request).view()
        return Answer(to_json({"fullName": view["full_name"], "login": view["login"]}))

    async def session(self, request):
        return Answer(to_json(self.connection(request).view()["session"] or {
            "sessionClientAddress": "", "sessionClientName": "", "sessionHostName": "", "sessionId": -1,
            "sessionUptime": -1}))

    async def framebuffer(self, request):
        connection = self.connection(request)
        kind, screen = connection.view()["picture"], (connection.host.width, connection.host.height)
        if not kind:
            raise Refusal(10)
        wanted = dict(parse_qsl(request.query, keep_blank_values=True))
        form = wanted.get("format") or "png"
        if form not in pictures.FORMATS:
            raise Refusal(9)
        width, height = to_int(wanted.get("width", "")), to_int(wanted.get("height", ""))
        if width <= 0 and height <= 0:
            width, height = screen
        width = width if width > 0 else height * screen[0] // screen[1]
        height = height if height > 0 else width * screen[1] // screen[0]
        if width * height > 1 << 24:
            raise Refusal(11)
        return Answer(pictures.encoded(kind, width, height, form, screen), kind=f"image/{form}")

    # ---- which call it is

    CALLS = [  # operation, method, path below /api/v1/
        ("hoststate", "GET", r"hoststate/([^/]+)"),
        ("methods", "GET", r"authentication/([^/]+)"),
        ("authenticate", "POST", r"authentication/([^/]+)"),
        ("close", "DELETE", r"authentication/([^/]+)"),
        ("features", "GET", r"feature"),
        ("feature", "GET", r"feature/([^/]+)"),
        ("set", "PUT", r"feature/([^/]+)"),
        ("user", "GET", r"user"),
        ("session", "GET", r"session"),
        ("framebuffer", "GET", r"framebuffer"),
    ]
    CALLS = [(operation, method, re.compile("/api/v1/" + path)) for operation, method, path in CALLS]

    async def answer(self, request):
        """The answer, and the rule that spoils it."""
        self.counts["requests"] += 1
        for operation, method, pattern in self.CALLS:
            found = pattern.fullmatch(request.path)
            if found and method == request.method:
                break
        else:
            return Answer(b"Invalid command or non-matching HTTP method", 404, "text/plain"), None
        self.counts[operation] += 1
        host = self.host_of(operation, request, found)
        rule = self.rule(operation, request, host, found)
        self.working += 1
        self.counts["working_peak"] = max(self.counts["working_peak"], self.working)
        try:
            if self.working > self.settings["limit"]:
                raise Refusal(7)
            if rule and "delay" in rule:
                await asyncio.sleep(float(rule["delay"]) / 1000)
            answer = Answer(b"{}") if rule and "undone" in rule else \
                await getattr(self, operation)(request, *found.groups())
        except Refusal as refusal:
            code = refusal.args[0]
            status, message = ERRORS[code]
            answer = Answer(to_json({"error": {"code": code, "message": message}}), status)
        finally:
            self.working -= 1
        feature = found[1].lower() if operation in ("feature", "set") else "-"
        active = str(body_of(request).get("active", "-")).lower() if operation == "set" else "-"
        self.log.append((operation, host or "-", feature, active, answer.status))
        for check in list(self.waiting):
            check()
        return answer, rule

    def host_of(self, operation, request, found):
        if operation in ("hoststate", "methods", "authenticate"):
            return unquote(found[1])
        connection = self.uids.get(to_uuid(request.headers.get("connection-uid")))
        return connection.host.name if connection else None

    def rule(self, operation, request, host, found):
        for rule in self.rules:
            if (rule["operation"] in ("*", operation) and rule.get("host", host) == host
                    and (not rule.get("feature") or found.groups() and found[1].lower() == rule["feature"].lower())):
                if rule["times"]:
                    rule["times"] -= 1
                    if not rule["times"]:
                        self.rules.remove(rule)
                return rule
        return None

    def restart(self):
        """As if its process had been started anew."""
        self.forget_all()
        self.hangup()

    def hangup(self):
        for wire in list(self.wires):
            wire.transport.abort()


class Control:
    """Commands of the spec; each is a method."""

    def __init__(self, gateway, server, options):
        self.gateway, self.server, self.options = gateway, server, options
        self.told = []  # all rules that were given

    def find(self, name):
        host = self.gateway.hosts.get(name.lower())
        if not host:
            raise ValueError("no such host")
        return host

    @staticmethod
    def settings(words, known):
        settings = {}
        for word in words:
            key, sign, value = word.partition("=")
            if not sign or key not in known:
                raise ValueError(f"no such setting: {key}")
            settings[key] = type(known[key])(value)
        return settings

    async def do_set(self, *words):
        self.gateway.settings.update(self.settings(words, SETTINGS))

    async def do_host(self, name, *words):
        settings = self.settings(words, model.Host.SETTINGS)
        host = self.gateway.hosts.setdefault(name.lower(), None) or model.Host(name)
        self.gateway.hosts[name.lower()] = host
        host.set(settings)

    async def do_unhost(self, name):
        host = self.find(name)
        for connection in list(host.connections):
            self.gateway.forget(connection.uid)
        del self.gateway.hosts[name.lower()]

    async def do_logon(self, name, user):
        self.find(name).log_on(user)

    async def do_logoff(self, name):
        self.find(name).log_off()

    async def do_plug(self, name, how):
        self.find(name).plug(how == "in")

    async def do_restart(self, name, how):
        if how not in ("reboot", "off", "on", "server", "service", "worker"):
            raise ValueError("no such restart")
        self.find(name).restart(how)

    async def do_state(self, name):
        return [f"{key} {quoted(value)}" for key, value in self.find(name).state().items()]

    async def do_messages(self, name):
        return [f"{int(locked)} {quoted(icon)} {quoted(text)}" for text, icon, locked in self.find(name).messages]

    RULE = ("times", "host", "feature", "delay", "never", "drop", "status", "type", "body", "raw", "garbage", "header",
            "pad", "half", "slow", "endless", "chunked", "undone")

    async def do_on(self, operation, *words):
        if operation != "*" and operation not in (call[0] for call in Gateway.CALLS):
            raise ValueError("no such operation")
        rule = self.settings(words, dict.fromkeys(self.RULE, ""))
        rule.update(operation=operation, times=int(rule.get("times", "1")))
        self.gateway.rules.append(rule)
        self.told.append(rule)

    async def do_clear(self):
        self.gateway.rules.clear()
        for rule in self.told:
            rule["cleared"] = True
        self.told.clear()

    async def do_log(self):
        return [" ".join(quoted(word) for word in entry) for entry in self.gateway.log]

    def counts(self):
        self.gateway.expire()
        return {**self.gateway.counts, "uids": len(self.gateway.uids), "open": len(self.gateway.wires),
                "working": self.gateway.working}

    async def do_counts(self):
        return [f"{key} {value}" for key, value in self.counts().items()]

    async def do_reset(self):
        self.gateway.reset()

    async def do_wait(self, what, count, patience="20000"):
        end = model.now() + int(patience) / 1000
        while self.counts().get(what, 0) < int(count):
            if model.now() > end:
                raise ValueError("waited in vain")
            await asyncio.sleep(0.005)

    async def do_uids(self):
        return [f"{uid} {quoted(connection.host.name)}" for uid, connection in self.gateway.uids.items()]

    async def do_forget(self, uid=None):
        if uid:
            self.gateway.forget(uid)
        else:
            self.gateway.forget_all()

    async def do_restarts(self):
        self.gateway.restart()

    async def do_hangup(self):
        self.gateway.hangup()

    async def do_listen(self, how):
        if how == "no":
            self.server.close()
            await self.server.wait_closed()
            self.gateway.hangup()
        else:
            self.server = await listen(self.gateway, self.options)

    async def run(self, line):
        words = [unquote(word, errors="surrogateescape") for word in line.split()]
        command = getattr(self, "do_" + words[0], None)
        if not command:
            return ["failed no such command"]
        try:
            return [" " + said for said in await command(*words[1:]) or []] + ["ok"]
        except (ValueError, TypeError, KeyError) as problem:
            return ["failed " + str(problem).replace("\n", " ")]


def quoted(value):
    """A word of an answer."""
    text = str(value).encode("utf-8", "surrogateescape")
    return re.sub(rb"[^A-Za-z0-9._:/+*-]", lambda c: b"%%%02X" % c[0][0], text).decode() or "%"


def secured(path):
    """By the certificate and key of that file; as a TLS proxy in front of the gateway would be."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


async def listen(gateway, options):
    return await asyncio.get_running_loop().create_server(
        lambda: Wire(gateway), options.address, options.port, reuse_address=True, backlog=1024,
        ssl=secured(options.tls) if options.tls else None)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--uid", type=int)
    parser.add_argument("--tls")
    options = parser.parse_args()
    if options.uid is not None:
        os.setgroups([])
        os.setgid(options.uid)
        os.setuid(options.uid)
    gateway = Gateway()
    server = await listen(gateway, options)
    options.port = server.sockets[0].getsockname()[1]
    ended = asyncio.Event()
    came = []

    async def serve(reader, writer):
        came.append(True)
        control = Control(gateway, server, options)
        while line := await reader.readline():
            text = line.decode().strip()
            if text == "quit":
                writer.write(b"ok\n")
                break
            writer.write(("\n".join(await control.run(text)) + "\n").encode())
            await writer.drain()
        writer.close()
        ended.set()

    channel = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 24)
    print("control", channel.sockets[0].getsockname()[1], os.getpid(), options.port, flush=True)
    asyncio.get_running_loop().call_later(20, lambda: came or ended.set())
    await ended.wait()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # clients that are gone
    asyncio.run(main())
    sys.stdout.flush()
    os._exit(0)
