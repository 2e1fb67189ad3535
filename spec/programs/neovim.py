#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Speaks with a Neovim that listens at a socket, and counts how it has answered (see asking.py).

    neovim.py SOCKET unlock COUNT PARALLEL ROOM
    neovim.py SOCKET call COUNT METHOD ARGUMENTS       which are a list in JSON; the text of an answer is JSON, too

The first one gives the command `:Unlock ROOM`, and waits for what Neovim notifies of the room: "done" or, when that is an
error, "failed".  In that Neovim `vim.notify` calls `vim.rpcnotify(0, "said", text, level)`."""
import json
import socket
import struct
import sys

import asking

ERROR = 4  # vim.log.levels.ERROR
REQUEST, RESPONSE, NOTIFICATION = 0, 1, 2


def pack(value):
    """MessagePack, of what is sent here."""
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return b"\xd3" + struct.pack(">q", value)
    if isinstance(value, str):
        text = value.encode()
        return b"\xdb" + struct.pack(">I", len(text)) + text
    if isinstance(value, list):
        return b"\xdd" + struct.pack(">I", len(value)) + b"".join(map(pack, value))
    if isinstance(value, dict):
        items = b"".join(pack(key) + pack(item) for key, item in value.items())
        return b"\xdf" + struct.pack(">I", len(value)) + items
    raise TypeError(f"cannot be packed: {value!r}")


NUMBERS = {0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}
PLAIN = {0xC0: None, 0xC2: False, 0xC3: True}
TEXTS = {0xC4: ">B", 0xC5: ">H", 0xC6: ">I", 0xD9: ">B", 0xDA: ">H", 0xDB: ">I"}
LISTS = {0xDC: ">H", 0xDD: ">I"}
MAPS = {0xDE: ">H", 0xDF: ">I"}
EXTENSIONS = {0xC7: ">B", 0xC8: ">H", 0xC9: ">I"}


def unpack(stream):
    def exactly(count):
        data = stream.read(count)
        if len(data) < count:
            raise EOFError("Neovim is gone")
        return data

    def number(form):
        return struct.unpack(form, exactly(struct.calcsize(form)))[0]

    def items(count):
        return [value() for _ in range(count)]

    def pairs(count):
        return dict((value(), value()) for _ in range(count))

    def value():
        kind = exactly(1)[0]
        if kind < 0x80:
            return kind
        if kind < 0x90:
            return pairs(kind & 0x0F)
        if kind < 0xA0:
            return items(kind & 0x0F)
        if kind < 0xC0:
            return exactly(kind & 0x1F).decode(errors="replace")
        if kind >= 0xE0:
            return kind - 0x100
        if kind in PLAIN:
            return PLAIN[kind]
        if kind in NUMBERS:
            return number(NUMBERS[kind])
        if kind in TEXTS:
            return exactly(number(TEXTS[kind])).decode(errors="replace")
        if kind in LISTS:
            return items(number(LISTS[kind]))
        if kind in MAPS:
            return pairs(number(MAPS[kind]))
        length = number(EXTENSIONS[kind]) if kind in EXTENSIONS else 1 << (kind - 0xD4)
        return exactly(1 + length)[1:].hex()  # such as the number of a buffer

    return value()


class Neovim:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(asking.PATIENCE)
        self.socket.connect(path)
        self.stream = self.socket.makefile("rb")
        self.serial = 0

    def request(self, method, arguments):
        self.serial += 1
        self.socket.sendall(pack([REQUEST, self.serial, method, arguments]))

    def response(self):
        """What the next request of those under way has been answered: a status and a value."""
        while True:
            message = unpack(self.stream)
            if message[0] == RESPONSE:
                return ("done", message[3]) if message[2] is None else ("failed", message[2])

    def notified(self, room):
        while True:
            message = unpack(self.stream)
            if message[0] == RESPONSE and message[2] is not None:
                return "failed", json.dumps(message[2])
            if message[0] == NOTIFICATION and message[2][0].startswith(room + ": "):
                return "failed" if message[2][1] >= ERROR else "done", message[2][0]


def main(path, action, count, *rest):
    try:
        neovim = Neovim(path)
        if action == "unlock":
            parallel, room = int(rest[0]), rest[1]
            neovim.request("nvim_subscribe", ["said"])
            neovim.response()
            asking.in_turn(count, parallel, lambda: neovim.request("nvim_command", ["Unlock " + room]),
                           lambda: neovim.notified(room))
        else:
            method, arguments = rest[0], json.loads(rest[1])

            def receive():
                status, value = neovim.response()
                return status, json.dumps(value, ensure_ascii=False)

            asking.in_turn(count, 1, lambda: neovim.request(method, arguments), receive)
    except (OSError, EOFError) as problem:
        print("gone 1")
        print("body gone", problem)


main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
