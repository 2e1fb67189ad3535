#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Listens on this machine's loopback interface, and passes what comes to 127.0.0.1 in the network of a test host:

    relay.py PID PORT LOG

It prints the port where it listens, and ends with the process PID, which is in that network.  What a gateway was asked to
do is written to the file LOG: host, feature, active."""
import asyncio
import ctypes
import json
import os
import re
import socket
import sys

from http_wire import parse

CLONE_NEWNET = 0x40000000


def active(body):
    """What a command says of a feature."""
    try:
        return str(json.loads(body)["active"]).lower()
    except (ValueError, TypeError, KeyError):
        return "-"


class Listener:
    """Of one connection: which features were set of which hosts."""

    hosts = {}  # of all connections, by uid
    log = None

    def __init__(self):
        self.asked, self.answered, self.host = b"", b"", None

    def next(self):
        """The next request that is whole, and its length; None: there is none, or something else is spoken."""
        try:
            return parse(self.asked)
        except ValueError:
            self.asked = b""
            return None

    def hear_client(self, data):
        self.asked += data
        while found := self.next():
            request, length = found
            self.asked, self.answered, self.host = self.asked[length:], b"", None
            if request.method == "POST":
                self.host = request.path.rpartition("/")[2]
            elif request.method == "PUT":
                host = self.hosts.get(request.headers.get("connection-uid", ""), "-")
                self.log.write(f"{host} {request.path.rpartition('/')[2]} {active(request.body)}\n")

    def hear_gateway(self, data):
        if self.host:
            self.answered += data
            found = re.search(rb'"connection-uid": ?"([^"]+)"', self.answered)
            if found:
                self.hosts[found[1].decode()], self.host = self.host, None


async def pass_on(reader, writer, hear):
    try:
        while data := await reader.read(65536):
            hear(data)
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


async def main(pid, port):
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    with open(f"/proc/{pid}/ns/net", encoding="ascii") as network:
        if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    async def serve(reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            return
        listener = Listener()
        await asyncio.gather(pass_on(reader, far_writer, listener.hear_client),
                             pass_on(far_reader, writer, listener.hear_gateway))
        far_writer.close()
        writer.close()

    await asyncio.start_server(serve, sock=listener)
    print(listener.getsockname()[1], flush=True)
    while os.path.exists(f"/proc/{pid}/ns/net"):
        await asyncio.sleep(0.2)
    os._exit(0)  # with the connections that there are


Listener.log = open(sys.argv[3], "a", buffering=1, encoding="ascii")  # pylint: disable=consider-using-with
asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
