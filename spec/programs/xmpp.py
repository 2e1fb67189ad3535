#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Speaks with an XMPP server on this machine as somebody who has an account there, and counts how it has answered (see
asking.py).

    xmpp.py USER@HOST PASSWORD ping COUNT
    xmpp.py USER@HOST PASSWORD say COUNT PARALLEL CONTACT TEXT

What a contact has said is "failed" unless it is as the example's contacts say that all went well."""
import base64
import re
import socket
import ssl
import sys
import xml.etree.ElementTree as xml
from xml.sax.saxutils import quoteattr

import asking

PORT = 5222
WELL = re.compile(r"\d+ open")


class Gone(Exception):
    pass


class Client:
    def __init__(self, jid, password):
        self.user, self.host = jid.split("@")
        self.socket = socket.create_connection(("127.0.0.1", PORT), timeout=asking.PATIENCE)
        self.begin()
        self.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        self.stanza()
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE  # the server's is its own
        self.socket = trust.wrap_socket(self.socket, server_hostname=self.host)
        self.begin()
        secret = base64.b64encode(f"\0{self.user}\0{password}".encode()).decode()
        self.send(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{secret}</auth>")
        answer = self.stanza()
        if not answer.tag.endswith("success"):
            raise Gone(f"cannot log on: {xml.tostring(answer, encoding='unicode')}")
        self.begin()
        self.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
        self.stanza()
        self.send("<presence/>")

    def begin(self):
        self.parser, self.depth, self.waiting = xml.XMLPullParser(["start", "end"]), 0, []
        self.send(f"<stream:stream to={quoteattr(self.host)} version='1.0' xmlns='jabber:client' "
                  "xmlns:stream='http://etherx.jabber.org/streams'>")
        self.stanza()  # its features

    def send(self, text):
        self.socket.sendall(text.encode())

    def stanza(self):
        """The next one."""
        while not self.waiting:
            data = self.socket.recv(65536)
            if not data:
                raise Gone("the server is gone")
            self.parser.feed(data)
            for event, element in self.parser.read_events():
                self.depth += 1 if event == "start" else -1
                if event == "end" and self.depth == 1:
                    self.waiting.append(element)
        return self.waiting.pop(0)

    def answer(self, sender):
        """What the next message of this sender says, or the next answer to a ping."""
        while True:
            stanza = self.stanza()
            kind = stanza.get("type")
            if stanza.get("from", "").split("/")[0] != sender or not stanza.tag.endswith(("}message", "}iq")):
                continue
            if kind == "error":
                return "failed", " ".join(filter(None, (part.text for part in stanza.find("{*}error"))))
            text = stanza.findtext("{*}body")
            if stanza.tag.endswith("}iq"):
                return "done", kind
            if text is not None:
                return "done" if WELL.fullmatch(text) else "failed", text


def main(jid, password, action, count, *rest):
    try:
        client = Client(jid, password)
        if action == "ping":
            ping = f"<iq type='get' id='ping' to={quoteattr(client.host)}><ping xmlns='urn:xmpp:ping'/></iq>"
            asking.in_turn(count, 1, lambda: client.send(ping), lambda: client.answer(client.host))
        else:
            parallel, contact, text = int(rest[0]), rest[1], rest[2]
            message = f"<message type='chat' to={quoteattr(contact)}><body>{text}</body></message>"
            asking.in_turn(count, parallel, lambda: client.send(message), lambda: client.answer(contact))
    except (OSError, Gone) as problem:
        print("gone 1")
        print("body gone", problem)


main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), *sys.argv[5:])
