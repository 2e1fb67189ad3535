#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Calls a method of the example's service on a bus, and counts how it has answered (see asking.py).

    bus.py SOCKET COUNT PARALLEL DESTINATION PATH INTERFACE METHOD [TEXT]
    bus.py SOCKET hear INTERFACE TEXT

A call that is answered is "done", its text that of the answer; one that an error answers has "failed".  The second one prints
"listening", and ends when a signal of the interface holds the text."""
import os
import socket
import struct
import sys

import asking

CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
PATH_FIELD, INTERFACE_FIELD, MEMBER_FIELD, REPLY_FIELD, DESTINATION_FIELD, SIGNATURE_FIELD = 1, 2, 3, 5, 6, 8


def padded(data, to):
    return data + bytes(-len(data) % to)


def text(value):
    data = value.encode()
    return struct.pack("<I", len(data)) + data + b"\0"


def signature(value):
    return bytes([len(value)]) + value.encode() + b"\0"


class Bus:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(asking.PATIENCE)
        self.socket.connect(path)
        self.stream = self.socket.makefile("rb")
        self.socket.sendall(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
        if not self.stream.readline().startswith(b"OK"):
            raise OSError("the bus does not let us in")
        self.socket.sendall(b"BEGIN\r\n")
        self.serial, self.waiting = 0, set()
        self.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello")
        self.answer()

    def call(self, destination, path, interface, method, argument=None):
        self.serial += 1
        self.waiting.add(self.serial)
        body = b"" if argument is None else text(argument)
        fields = [(PATH_FIELD, "o", path), (INTERFACE_FIELD, "s", interface), (MEMBER_FIELD, "s", method),
                  (DESTINATION_FIELD, "s", destination)]
        data = b""
        for code, kind, value in fields:
            data = padded(data, 8) + bytes([code]) + signature(kind) + text(value)
        if argument is not None:
            data = padded(data, 8) + bytes([SIGNATURE_FIELD]) + signature("g") + signature("s")
        header = struct.pack("<cBBBIII", b"l", CALL, 0, 1, len(body), self.serial, len(data)) + data
        self.socket.sendall(padded(header, 8) + body)

    def message(self):
        """Its kind, the serial that it answers, and its body."""
        fixed = self.stream.read(16)
        if len(fixed) < 16:
            raise EOFError("the bus is gone")
        _, kind, _, _, size, _, length = struct.unpack("<cBBBIII", fixed)
        fields = self.stream.read(length + -length % 8)[:length]
        body = self.stream.read(size)
        at, answers = 0, None
        while at < length:
            at += -at % 8
            code, form = fields[at], chr(fields[at + 2])
            at += 4
            if form == "u":
                at += -at % 4
                value, = struct.unpack_from("<I", fields, at)
                at += 4
                answers = value if code == REPLY_FIELD else answers
            elif form == "g":
                at += fields[at] + 2
            else:
                at += -at % 4
                at += 4 + struct.unpack_from("<I", fields, at)[0] + 1
        return kind, answers, body

    def answer(self):
        while True:
            kind, answers, body = self.message()
            if kind in (RETURN, ERROR) and answers in self.waiting:
                self.waiting.remove(answers)
                size = struct.unpack_from("<I", body)[0] if len(body) > 4 else 0
                return "done" if kind == RETURN else "failed", body[4:4 + size].decode(errors="replace")

    def hear(self, interface, wanted):
        self.call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch",
                  f"type='signal',interface='{interface}'")
        self.answer()
        print("listening", flush=True)
        while True:
            kind, _, body = self.message()
            if kind == SIGNAL and wanted.encode() in body:
                return


def main(path, *words):
    if words[0] == "hear":
        Bus(path).hear(*words[1:])
        return

    def connect():  # each a bus of its own, which lets nobody wait for more than 128 answers
        bus = Bus(path)

        def ask():
            bus.call(*words[2:])
            return bus.answer()

        return ask

    asking.at_once(int(words[0]), int(words[1]), connect)


main(*sys.argv[1:])
