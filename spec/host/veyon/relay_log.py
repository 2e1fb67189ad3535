#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""As ../relay.py, between wms and the gateway of a test host:

    relay_log.py PID PORT LOG

What the gateway was asked to do is written to the file LOG: host, feature, active."""
import asyncio
import json
import os
import re
import sys

from http_wire import parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import relay  # pylint: disable=wrong-import-position,wrong-import-order


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


def new_ears():
    listener = Listener()
    return listener.hear_client, listener.hear_gateway


Listener.log = open(sys.argv[3], "a", buffering=1, encoding="ascii")  # pylint: disable=consider-using-with
asyncio.run(relay.main(int(sys.argv[1]), int(sys.argv[2]), new_ears))
