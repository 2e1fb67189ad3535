# SPDX-License-Identifier: MIT
"""HTTP/1.1 as far as the gateway needs it, and answers that no gateway should give."""
import asyncio
import collections
from http import HTTPStatus

Request = collections.namedtuple("Request", "method path query headers body")
LIMIT = 1 << 20  # bytes of a request


class Answer:
    def __init__(self, body=b"", status=200, kind="application/json"):
        self.body, self.status, self.kind = body, status, kind

    def encode(self, extra=""):
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = "Unknown"
        return (f"HTTP/1.1 {self.status} {phrase}\r\ncontent-type: {self.kind}\r\n{extra}"
                f"content-length: {len(self.body)}\r\n\r\n"
                ).encode() + self.body


def parse(data):
    """The first request of `data`, and what follows it; None while it is not complete.  ValueError: it is none."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        if len(data) > 65536 or data[:1] == b"\x16":
            raise ValueError("an endless head, or TLS")
        return None
    first, *lines = data[:end].decode("latin-1").split("\r\n")
    method, target, version = first.split(" ")
    if version not in ("HTTP/1.1", "HTTP/1.0"):
        raise ValueError("an unknown version")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= LIMIT or "transfer-encoding" in headers:
        raise ValueError("an unknown length")
    start = end + 4
    if len(data) < start + length:
        return None
    path, _, query = target.partition("?")
    return Request(method, path, query, headers, bytes(data[start:start + length])), start + length


class Wire(asyncio.Protocol):
    """One connection from a client; `service` has answer(request, wire), a coroutine, and the sets it is kept in."""

    def __init__(self, service):
        self.service = service
        self.data = bytearray()
        self.task = None
        self.ended = False

    def connection_made(self, transport):
        self.transport = transport
        self.service.wires.add(self)
        self.service.counts["connections"] += 1

    def connection_lost(self, problem):
        self.service.wires.discard(self)
        self.ended = True

    def data_received(self, data):
        self.data += data
        if self.task is None:
            self.advance()

    def advance(self):
        """Takes one request after the other."""
        self.task = None
        if self.ended:
            return
        try:
            parsed = parse(self.data)
        except ValueError:
            self.service.counts["bad"] += 1
            self.transport.write(Answer(b"", 400, "text/plain").encode())
            self.transport.close()
            return
        if parsed:
            request, length = parsed
            del self.data[:length]
            self.task = asyncio.ensure_future(self.serve(request))
            self.task.add_done_callback(self.served)

    def served(self, task):
        if not task.cancelled() and task.exception():
            raise task.exception()
        self.advance()

    async def serve(self, request):
        answer, rule = await self.service.answer(request)
        keep = request.headers.get("connection", "").lower() != "close"
        if rule:
            await self.misbehave(answer, rule)
        else:
            self.transport.write(answer.encode())
        if not keep:
            self.transport.close()

    async def misbehave(self, answer, rule):
        """Answers as `rule` wants it; see `on` in gateway.py."""
        transport = self.transport
        if "never" in rule:
            while not self.ended and not rule.get("cleared"):
                await asyncio.sleep(0.02)
            if self.ended:
                return
        if "drop" in rule:
            transport.abort()
            return
        if "status" in rule:
            answer.status = int(rule["status"])
        if "type" in rule:
            answer.kind = rule["type"]
        if "body" in rule:
            answer.body = rule["body"].encode("utf-8", "surrogateescape")
        if "pad" in rule:
            answer.body += b" " * int(rule["pad"])
        extra = rule["header"] + "\r\n" if "header" in rule else ""
        data = answer.encode(extra)
        if "raw" in rule:
            data = rule["raw"].encode("utf-8", "surrogateescape")
        if "garbage" in rule:
            data = bytes(range(256)) * 8
        if "chunked" in rule:
            head, _, body = data.partition(b"\r\n\r\n")
            head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.startswith(b"content-length"))
            pieces = b"".join(b"1\r\n" + bytes((byte,)) + b"\r\n" for byte in body)
            data = head + b"\r\ntransfer-encoding: chunked\r\n\r\n" + pieces + b"0\r\n\r\n"
        if "half" in rule:
            transport.write(data[:len(data) // 2])
            transport.close()
        elif "slow" in rule:  # milliseconds a byte
            for byte in data:
                if self.ended:
                    break
                transport.write(bytes((byte,)))
                await asyncio.sleep(float(rule["slow"]) / 1000)
        elif "endless" in rule:
            await self.flood(answer, int(rule["endless"]))
        else:
            transport.write(data)
            if "raw" in rule or "garbage" in rule:
                transport.close()

    async def flood(self, answer, length):
        """A body of `length` bytes, as it is said before."""
        head = answer.encode().partition(b"\r\n\r\n")[0].split(b"\r\n")
        head = [line for line in head if not line.startswith(b"content-length")]
        self.transport.write(b"\r\n".join(head) + f"\r\ncontent-length: {length}\r\n\r\n".encode())
        piece = b" " * 65536
        while length > 0 and not self.ended:
            self.transport.write(piece[:length])
            length -= len(piece)
            self.service.counts["flood"] += 1
            while self.transport.get_write_buffer_size() > 1 << 20 and not self.ended:
                await asyncio.sleep(0.005)
