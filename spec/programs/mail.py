#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows mails to rspamd, as a mail server does that has taken them, and counts how it has answered (see asking.py).

    mail.py COUNT PARALLEL SENDER RECIPIENT [USER]        USER: who has logged on to the mail server
    mail.py COUNT PARALLEL ping

A mail that rspamd wants to be dropped is "done", one that it rejects has "failed"; "ping" asks whether it is there."""
import http.client
import json
import sys

import asking

STATUSES = {"discard": "done", "reject": "failed"}
MAIL = """From: {0}
To: {1}
Date: Mon, 02 Nov 2026 09:00:00 +0000
Message-ID: <1@school.example>
Subject: please

please
"""


def main(count, parallel, sender, recipient="", user=""):
    headers = {"From": sender, "Rcpt": recipient, "IP": "127.0.0.1"}
    if user:
        headers["User"] = user

    def connect():
        def ask():
            connection = http.client.HTTPConnection("127.0.0.1", 11333, timeout=asking.PATIENCE)
            try:
                if sender == "ping":
                    connection.request("GET", "/ping")
                    answer = connection.getresponse()
                    return ("done" if answer.status == 200 else str(answer.status)), answer.read().decode()
                connection.request("POST", "/checkv2", MAIL.format(sender, recipient).replace("\n", "\r\n"), headers)
                result = json.loads(connection.getresponse().read())
                action = result.get("action", "none").replace(" ", "-")
                return STATUSES.get(action, action), result.get("messages", {}).get("smtp_message", "")
            except (OSError, ValueError, http.client.HTTPException) as problem:
                return type(problem).__name__, ""
            finally:
                connection.close()

        return ask

    asking.at_once(count, parallel, connect)


main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
