#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A MultiPoint host that means ill, for the specs: bytes that no library would send.

    hostile.py FOLDER [OPERATION ANSWER SIZE]...

Certificates go into the folder.  Prints "PLAIN-PORT TLS-PORT FINGERPRINT", serves until its standard input ends, and answers
as a good host would, but for the operations that are named: ANSWER is a function below, SIZE its argument.  An operation that
is named several times is answered so one after the other, and then as usual.  Instead of an operation, `TLS` names what a TLS
connection begins with; the last one is that of all others.
"""
import hashlib
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
import zlib

sys.dont_write_bytecode = True
import hostile_tls # pylint: disable=wrong-import-position

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://www.w3.org/2005/08/addressing"
HEAD = b"HTTP/1.1 200 OK\r\n"


# ---- bodies: what stands in the operation's element, or in place of the whole text -------------------------------------

def envelope(request, inside, tag=""):
    return ('<s:Envelope xmlns:s="%s" xmlns:a="%s"><s:Header><a:Action>%sResponse</a:Action><a:RelatesTo>%s</a:RelatesTo>'
            '</s:Header><s:Body%s><%sResponse xmlns="http://MultiPoint">%s</%sResponse></s:Body></s:Envelope>') % (
                SOAP, ADDRESSING, request.action, request.id, tag, request.operation, inside, request.operation)


def refusal(request, inside):
    text = envelope(request, "")
    begin, end = text.index("<s:Body>") + len("<s:Body>"), text.index("</s:Body>")
    return text[:begin] + "<s:Fault>" + inside + "</s:Fault>" + text[end:]


def whole(text, headers=b""):
    data = text if isinstance(text, bytes) else text.encode()
    return [HEAD + headers + b"Content-Length: %d\r\n\r\n" % len(data) + data]


def fill(size, piece, around=400):
    """As many pieces as fit; `piece` may be a function of the number."""
    if not callable(piece):
        return piece * ((size - around) // len(piece))
    parts, used, number = [], 0, 0
    while used < size - around - 64:
        parts.append(piece(number))
        used += len(parts[-1])
        number += 1
    return "".join(parts)


def attributes(request, size):
    """One tag with as many attributes as fit."""
    return whole(envelope(request, "", " " + fill(size, lambda i: 'a%x="" ' % i, 600)))


def attributes_of_many(request, size):
    """64 attributes, each of another name, in each of many tags."""
    return whole(envelope(request, fill(size, lambda i: "<x %s/>" % " ".join('a%x=""' % (64 * i + j) for j in range(64)), 800)))


def namespaces(request, size):
    """Prefixes, declared on each level, and used at the innermost."""
    levels = "".join("<x%d %s>" % (i, " ".join('xmlns:p%d="u:%d"' % (60 * i + j, 60 * i + j) for j in range(60)))
                     for i in range(25))
    return whole(envelope(request, levels + fill(size - len(levels) * 2, "<p0:y p1:z='1' p2:z='1' p3:z='1'/>")
                          + "".join("</x%d>" % i for i in range(24, -1, -1))))


def depth(request, size):
    return whole(envelope(request, fill(size // 2, "<x>") + fill(size // 2, "</x>")))


def elements(request, size):
    return whole(envelope(request, fill(size, "<x/>")))


def names(request, size):
    """Elements of which each has a name of its own, long enough to be allowed."""
    return whole(envelope(request, fill(size, lambda i: "<%s%07x/>" % ("n" * 102, i))))


def strings(request, size):
    """A list of as many strings as an answer may hold."""
    item = "<prgData>%s</prgData>" % ("x" * 93)
    return whole(envelope(request, "<prgwsServerList>" + fill(size, item) + "</prgwsServerList>"))


def references(request, size):
    return whole(envelope(request, "<pwsVersion>" + fill(size, "&amp;&#65;") + "</pwsVersion>"))


def entities(request, size):
    laughs = "".join('<!ENTITY l%d "%s">' % (i, "&l%d;" % (i - 1) * 10) for i in range(1, 30))
    return whole('<!DOCTYPE x [<!ENTITY l0 "%s">%s]>' % ("l" * (size // 8), laughs) + envelope(request, "&l29;"))


def comment(request, size):
    return whole(envelope(request, "<!--" + "x" * size + "-->"))


def section(request, size):
    return whole(envelope(request, "<![CDATA[" + "x" * size + "]]>"))


def instruction(request, size):
    return whole(envelope(request, "<?x " + "x" * size + "?>"))


def text(request, size):
    return whole(envelope(request, "<pwsVersion>" + fill(size, "\u00e4b\u2603d]]") + "</pwsVersion>"))


def picture(request, size):
    return whole(envelope(request, "<ppbDataBits>" + fill(size // 4 * 4, "AAEC") + "</ppbDataBits>"))


def sessions(request, size):
    row = ("<prgWmsSessionInfoWs><id>%d</id><state>0</state><wsUserName>u</wsUserName><wsDomain>d</wsDomain><wsWinStation>w"
           "</wsWinStation><fIsRail>0</fIsRail></prgWmsSessionInfoWs>")
    return whole(envelope(request, "<pcSessionInfo>%d</pcSessionInfo><pprgWmsSessionInfoWs>%s</pprgWmsSessionInfoWs>" % (
        size, "".join(row % i for i in range(size)))))


def ids(request, size):
    """Ids as long as the whole answer."""
    return whole(envelope(request, "<pcSessionInfo>1</pcSessionInfo><pprgWmsSessionInfoWs><prgWmsSessionInfoWs><id>%s</id>"
                          "<state>0</state><wsUserName/><wsDomain/><wsWinStation/><fIsRail>0</fIsRail></prgWmsSessionInfoWs>"
                          "</pprgWmsSessionInfoWs>" % ("9" * size)))


def fault(request, size):
    return whole(refusal(request, fill(size, "<hr>x</hr>")))


# ---- what is around a body ---------------------------------------------------------------------------------------------

def lines(line, size):
    block = line * (60000 // len(line) + 1)
    for _ in range(size // len(block) + 1):
        yield block


def headers(request, size):
    yield HEAD
    yield from lines(b"a:b\r\n", size)


def one_header(request, size):
    yield HEAD + b"a: "
    yield from lines(b"z", size)


def status_line(request, size):
    yield b"HTTP/1.1 200 "
    yield from lines(b"z", size)


def cookies(request, size):
    yield HEAD
    yield from lines(b"Set-Cookie: " + b"c" * 60 + b"=d; Max-Age=9999999; Path=/\r\n", size)


def challenges(request, size):
    yield b"HTTP/1.1 401 No\r\n"
    yield from lines(b'WWW-Authenticate: Digest realm="' + b"r" * 60 + b'", nonce="n", qop="auth"\r\n', size)


def interim(request, size):
    yield from lines(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", size)


def trailers(request, size):
    yield HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"
    yield from lines(b"a:b\r\n", size)


def extensions(request, size):
    """A chunk whose extension never ends."""
    yield HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;"
    yield from lines(b"x=y;", size)


def bomb(encoding, size):
    packer = zlib.compressobj(9, wbits=31)
    data = packer.compress(b"\0" * (size << 6)) + packer.flush()
    yield HEAD + encoding + b": gzip\r\nContent-Length: %d\r\n\r\n" % len(data)
    yield data


def content_bomb(request, size):
    return bomb(b"Content-Encoding", size)


def transfer_bomb(request, size):
    return bomb(b"Transfer-Encoding", size)


def trickle(request, size):
    """A byte at a time, for longer than anybody waits."""
    yield HEAD + b"Content-Length: %d\r\n\r\n" % size
    for _ in range(size):
        yield b" "
        time.sleep(0.02)


def trickle_headers(request, size):
    yield HEAD
    for _ in range(size):
        yield b"a:b\r\n"
        time.sleep(0.02)


def tickets(request, size):
    """New TLS sessions before, and then within, an answer."""
    yield lambda client: client.tickets(size)
    yield HEAD + b"Content-Length: 100\r\n\r\n "
    yield lambda client: client.tickets(size)


def key_updates(request, size):
    yield HEAD + b"Content-Length: 100\r\n\r\n "
    yield lambda client: client.key_updates(size)


def hello_requests(request, size):
    yield HEAD + b"Content-Length: 100\r\n\r\n "
    yield lambda client: client.hello_requests(size)


def renegotiation(request, size):
    """The handshake again, and the answer."""
    yield lambda client: client.renegotiate()
    yield from whole(envelope(request, ""))


def some_tickets(request, size):
    """As many as are usual, and the answer."""
    yield lambda client: client.tickets(size)
    yield from whole(envelope(request, ""))
    yield lambda client: client.tickets(size)


def nothing(request, size):
    raise OSError("it hangs up")


# ---- what a TLS connection begins with ---------------------------------------------------------------------------------

def tls_13(host, client, size):
    return hostile_tls.Connection(client, host.crt, host.key)


def tls_12(host, client, size):
    return hostile_tls.Connection(client, host.crt, host.key, version=hostile_tls.ONE_OF_12)


def only(ciphers, rsa):
    """One way to agree on a key, by TLS 1.2."""
    def begin(host, client, size):
        return hostile_tls.Connection(client, host.crt, host.key, version=hostile_tls.ONE_OF_12, ciphers=ciphers)
    begin.rsa = rsa # the host's certificate
    return begin


def only_group(name):
    return lambda host, client, size: hostile_tls.Connection(client, host.crt, host.key, groups=name)


rsa_DHE, rsa_kRSA, rsa_ECDHE, ec_ECDHE = only("DHE", True), only("kRSA", True), only("ECDHE", True), only("ECDHE", False)
only_X25519, only_P_256, only_P_384, only_P_521, only_ffdhe = (
    only_group(name) for name in ("X25519", "P-256", "P-384", "P-521", "ffdhe8192"))


def chain(host, client, size):
    """The certificate, and others behind it: as many bytes as that."""
    with open(host.crt, encoding="ascii") as file:
        pem = file.read()
    with open(host.crt + ".chain", "w", encoding="ascii") as file:
        file.write(pem * (size // len(host.der) + 1))
    return hostile_tls.Connection(client, host.crt, host.key, chain=host.crt + ".chain")


def begin_again(host, client, size):
    hostile_tls.plain_hello_requests(client, size)
    raise OSError("it has gone on")


# ---- the host ----------------------------------------------------------------------------------------------------------

class Request:
    def __init__(self, text):
        def find(pattern):
            found = re.search(pattern, text)
            return found.group(1) if found else ""
        self.id = find("MessageID>([^<]*)<")
        self.action = find("Action[^>]*>([^<]*)<")
        self.operation = self.action.rsplit("/", 1)[-1]


class Host:
    def __init__(self, folder, rules):
        key, crt = folder + "/key", folder + "/crt"
        rsa = any(getattr(begin, "rsa", False) for begin, _ in rules.get("TLS", []))
        kind = ["rsa:2048"] if rsa else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        subprocess.run(["openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-keyout", key, "-out", crt, "-days", "30",
                        "-subj", "/CN=127.0.0.1", "-addext", "extendedKeyUsage=serverAuth"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(crt, encoding="ascii") as file:
            self.der = ssl.PEM_cert_to_DER_cert(file.read())
        self.key, self.crt = key, crt
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(crt, key)
        self.rules = rules
        self.ports = [self.listen(secure) for secure in (False, True)]

    def listen(self, secure):
        listener = socket.socket()
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        threading.Thread(target=self.accept, args=(listener, secure), daemon=True).start()
        return listener.getsockname()[1]

    def accept(self, listener, secure):
        while True:
            client = listener.accept()[0]
            threading.Thread(target=self.serve, args=(client, secure), daemon=True).start()

    def serve(self, client, secure):
        try:
            client = self.secured(client) if secure else client
            data = b""
            while True:
                part = client.recv(65536)
                if not part:
                    return
                data += part
                if b"Envelope>" in data:
                    request, data = Request(data.decode()), b""
                    for part in self.answer(request):
                        client.sendall(part)
        except OSError:
            pass # it has hung up: what else
        finally:
            client.close()

    def secured(self, client):
        rules = self.rules.get("TLS")
        if rules:
            begin, size = rules.pop(0) if len(rules) > 1 else rules[0]
            return begin(self, client, size)
        return self.context.wrap_socket(client, server_side=True)

    def answer(self, request):
        rules = self.rules.get(request.operation)
        if rules:
            answer, size = rules.pop(0)
            return answer(request, size)
        inside = {
            "RequestSslCertificate": self.certificate,
            "RequestWmsControlCredentials": lambda: ("<pwsWmsControlPassword>c</pwsWmsControlPassword>"
                                                      "<pwsWmsManagementPassword>m</pwsWmsManagementPassword>"),
            "GetSessionFlags": lambda: "<pgrfSession>36</pgrfSession>",
        }.get(request.operation, lambda: "")()
        none = request.operation == "GetStationInformation" # the number of not found
        return whole(refusal(request, "<hr>2147943568</hr>") if none else envelope(request, inside))

    def certificate(self):
        return "<pSslPort>%d</pSslPort><pwsSslCertificateThumbprint>%s</pwsSslCertificateThumbprint><ppSslCertificate>%s" \
            "</ppSslCertificate>" % (self.ports[1], hashlib.sha1(self.der).hexdigest().upper(),
                                     "".join("<prgData>%d</prgData>" % byte for byte in self.der))


def main():
    folder, words, rules = sys.argv[1], sys.argv[2:], {}
    for i in range(0, len(words), 3):
        rules.setdefault(words[i], []).append((globals()[words[i + 1]], int(words[i + 2])))
    host = Host(folder, rules)
    print(host.ports[0], host.ports[1], hashlib.sha256(host.der).hexdigest(), flush=True)
    sys.stdin.read()


main()
