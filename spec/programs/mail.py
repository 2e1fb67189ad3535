#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows mails to rspamd, as a mail server does that has taken them, and counts how it has answered (see asking.py).

    mail.py ping COUNT
    mail.py unlock COUNT PARALLEL ROOM USER LOG PROCESS

A mail that rspamd rejects has "failed"; of others its log tells what has become of the room, as long as the folder PROCESS is
there, which is the worker's in /proc."""
import http.client
import json
import os
import re
import sys
import time

import asking

MAIL = "From: {0}\r\nTo: {1}\r\nDate: Mon, 02 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@school.example>\r\nSubject: please\r\n\r\nplease\r\n"
SAID = re.compile(r"mail (\w+), \w+: (.*)")
WELL = re.compile(r"\d+ open")


def request(method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", 11333, timeout=asking.PATIENCE)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


class Mails:
    def __init__(self, room, user, log, process):
        self.recipient, self.user, self.process = room + "@rooms.school.example", user, process
        self.log = open(log, encoding="utf-8", errors="replace")
        self.log.seek(0, os.SEEK_END)
        self.ids, self.answers, self.rest = set(), [], ""

    def send(self):
        name = f"{os.getpid()}x{len(self.ids)}"
        self.ids.add(name)
        headers = {"From": self.user, "Rcpt": self.recipient, "IP": "127.0.0.1", "Queue-Id": name}
        if self.user:
            headers["User"] = self.user
        _, body = request("POST", "/checkv2", MAIL.format(self.user, self.recipient), headers)
        result = json.loads(body)
        if result.get("action") == "reject":
            self.answers.append(("failed", result.get("messages", {}).get("smtp_message", "")))

    def receive(self):
        while not self.answers:
            text = self.rest + self.log.read()
            *lines, self.rest = text.split("\n")
            for line in lines:
                said = SAID.search(line)
                if said and said[1] in self.ids:
                    self.answers.append(("done" if WELL.fullmatch(said[2]) else "failed", said[2]))
            if not self.answers:
                if not os.path.exists(self.process):
                    return "gone", ""
                time.sleep(0.002)
        return self.answers.pop(0)


def main(action, count, parallel="1", *rest):
    if action == "ping":
        def connect():
            return lambda: ("done" if request("GET", "/ping")[0] == 200 else "failed", "")

        asking.at_once(int(count), 1, connect)
    else:
        mails = Mails(*rest)
        asking.in_turn(int(count), int(parallel), mails.send, mails.receive)


main(*sys.argv[1:])
