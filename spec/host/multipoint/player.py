# SPDX-License-Identifier: MIT
"""A host that is not ours, for the sinks of events: it posts every event, right and wrong, and says how it was answered.

    player.py WSDL ADDRESS PORT NAME PEM PART [ARGUMENT...] <the passwords WmsControl and WmsManagement, a line each

The sink is at ADDRESS and PORT; NAME is what its certificate (in the file PEM, which is all that is trusted) has to be of.
Messages are zeep's, from the WSDL; answers are judged by its schema.  Prints a line a case: "name: STATUS VERDICT", where
VERDICT is "ok" (of 200 alone: all of the answer is as it has to be), the code of a fault, "-" (an answer without a body), or
what is wrong; instead of both "closed" (without an answer) or "silent" (nothing within SECONDS).

    right         every event with each password, and all that a host may do
    wrong         all that it may not, and what nobody should
    huge          bodies and headers without end
    idle SECONDS  connections of all kinds that do nothing
    slow          others are answered while many connections do nothing, or little
    broken        what is no TLS
    post OPERATION [ARGUMENT=VALUE...]    one event
    storm COUNT   good and bad ones in turn, each bad one on a connection of its own
"""
import http.client
import io
import select
import socket
import ssl
import sys
import threading
import time
import warnings

warnings.simplefilter("ignore")
sys.dont_write_bytecode = True
import zeep # pylint: disable=wrong-import-position
from lxml import etree # pylint: disable=wrong-import-position
from zeep.cache import InMemoryCache # pylint: disable=wrong-import-position
from zeep.transports import Transport # pylint: disable=wrong-import-position
import zeep_client # pylint: disable=wrong-import-position

SOAP = "{http://www.w3.org/2003/05/soap-envelope}"
SOAP11 = "{http://schemas.xmlsoap.org/soap/envelope/}"
WSA = "{http://www.w3.org/2005/08/addressing}"
WSSE = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
WSU = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}"
ROOT = "http://MultiPoint/RemoteManagement/"
CORE, ONLINE = "IMultiPointCoreEventSink", "IMultiPointSystemOnlineEventSink"
TYPE = "application/soap+xml; charset=utf-8"
SECONDS = 20 # that an answer may take
SAMPLES = {"unsignedInt": 3, "boolean": True, "string": " <a> & \"b\" ☃ ]]> "}


# ---- answers -----------------------------------------------------------------------------------------------------------

class Answer:
    """What came back; `response` is http.client's, or a word."""

    def __init__(self, response):
        self.word = response if isinstance(response, str) else None
        if not self.word:
            self.status, self.headers, self.body = response.status, response.headers, response.read()
            self.closes = response.will_close

    def fault(self, root):
        """The code of a fault that is a whole one, or what is wrong with it."""
        for soap, where in ((SOAP, "Body/Fault/Code/Subcode/Value"), (SOAP, "Body/Fault/Code/Value"),
                            (SOAP11, "Body/Fault")):
            found = root.find("/".join(soap + name for name in where.split("/")))
            if found is not None:
                text = found.findtext("faultcode") if soap is SOAP11 else found.text
                detail = root.find(".//" + SOAP + "Detail")
                return "detail" if detail is not None or root.find(".//detail") is not None else text.split(":")[-1]
        return "no fault"

    def judge(self, player, message=None):
        if self.word:
            return self.word
        if not self.body:
            return "%d -" % self.status
        kind = self.headers.get("Content-Type", "")
        try:
            root = etree.fromstring(self.body)
        except etree.XMLSyntaxError:
            return "%d no XML" % self.status
        soap = root.tag[:-len("Envelope")]
        verdict = "ok" if self.status == 200 else self.fault(root)
        if soap not in (SOAP, SOAP11):
            verdict = "no envelope"
        elif not kind.startswith("application/soap+xml" if soap is not SOAP11 and soap == SOAP else "text/xml"):
            verdict = "type " + kind
        elif self.status == 200:
            verdict = player.judge(root, soap, message)
        return "%d %s" % (self.status, verdict)


# ---- connections -------------------------------------------------------------------------------------------------------

class Player:
    def __init__(self, wsdl, address, port, name, pem, passwords):
        self.address, self.port, self.name, self.pem = address, int(port), name, pem
        self.control, self.management = passwords
        self.connection = None
        self.context = ssl.create_default_context(cafile=pem)
        self.context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        self.schema = etree.XMLSchema(etree.parse(wsdl).find(".//{http://www.w3.org/2001/XMLSchema}schema"))
        with zeep_client.readable(wsdl) as file:
            self.zeep = zeep.Client(file.name, transport=Transport(cache=InMemoryCache()),
                                    plugins=[zeep_client.Addressing()])
        self.services, self.operations = {}, {}
        for interface in (CORE, ONLINE):
            self.services[interface] = self.zeep.create_service(
                "{http://MultiPoint}MultiPointRemoting_" + interface, self.uri(interface))
            for operation in self.services[interface]._binding.all().values():
                self.operations[operation.name] = interface, operation.input.body.type.elements

    def uri(self, interface):
        return "https://%s:%d/MultiPoint/%s" % (self.name, self.port, interface)

    def judge(self, root, soap, message):
        action = root.findtext("%sHeader/%sAction" % (soap, WSA))
        body = root.find(soap + "Body")
        wanted = message.action + ("" if message.interface == ONLINE else "Response")
        return ("other RelatesTo" if root.findtext("%sHeader/%sRelatesTo" % (soap, WSA)) != message.id
                else "other Action" if action != wanted
                else "other body" if len(body) != 1 or body[0].tag != "{http://MultiPoint}%sResponse" % message.operation
                else "schema" if not self.schema.validate(body[0]) else "ok")

    def plain(self, source=None):
        connection = socket.create_connection((self.address, self.port), SECONDS, source and (source, 0))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def connect(self, source=None):
        return self.context.wrap_socket(self.plain(source), server_hostname=self.name)

    def receive(self, connection, method="POST"):
        try:
            response = http.client.HTTPResponse(connection, method=method)
            response.begin()
            return Answer(response)
        except socket.timeout:
            return Answer("silent")
        except (OSError, http.client.HTTPException):
            return Answer("closed")

    def send(self, pieces, source=None, connection=None):
        """Bytes that are sent one after the other; what comes back."""
        kept, connection = connection, connection or self.connect(source)
        try:
            for piece in [pieces] if isinstance(pieces, bytes) else pieces:
                connection.sendall(piece)
        except OSError:
            pass # it may have answered
        answer = self.receive(connection)
        if not kept:
            connection.close()
        return answer

    def kept(self):
        """A connection that is used again and again; a new one where the sink has closed it."""
        if self.connection:
            try:
                self.connection.setblocking(False)
                self.connection.recv(1)
                self.connection = None
            except ssl.SSLWantReadError:
                self.connection.settimeout(SECONDS)
            except OSError:
                self.connection = None
        self.connection = self.connection or self.connect()
        return self.connection


class Message:
    """An event, as bytes that a test may change before they are sent."""

    def __init__(self, player, operation, user=None, password=None, change=None, **arguments):
        self.player, self.operation = player, operation
        self.interface, elements = player.operations[operation]
        self.action = ROOT + self.interface + "/" + operation
        given = {}
        for name, element in elements:
            kind = element.type.name
            given[name] = arguments.get(name, {"prgData": list(b"\x30\x03\x02\x01\x00")} if kind == "ArrayOfBytes"
                                        else SAMPLES[kind])
        player.zeep.wsse = zeep_client.Token(player.name if user is None else user,
                                             player.management if password is None else password,
                                             timestamp_token=zeep_client.timestamp())
        self.root = player.zeep.create_message(player.services[self.interface], operation, **given)
        self.id = self.root.findtext("%sHeader/%sMessageID" % (SOAP, WSA))
        self.header, self.body = self.root.find(SOAP + "Header"), self.root.find(SOAP + "Body")
        self.security = self.header.find(WSSE + "Security")
        self.token = self.security.find(WSSE + "UsernameToken")
        if change:
            change(self)
        self.text = etree.tostring(self.root, encoding="utf-8", xml_declaration=True)

    def request(self, text=None, path=None, kind=TYPE, method="POST", headers=(), version="1.1", length=None):
        text = self.text if text is None else text
        lines = ["%s %s HTTP/%s" % (method, path or "/MultiPoint/" + self.interface, version),
                 "Host: %s:%d" % (self.player.name, self.player.port)]
        lines += ["Content-Type: %s" % kind] if kind else []
        lines += ["Content-Length: %s" % (len(text) if length is None else length)] if length != "" else []
        return "\r\n".join(lines + list(headers) + ["", ""]).encode() + text

    def chunked(self, size):
        head = self.request(b"", length="", headers=["Transfer-Encoding: chunked"])
        parts = [self.text[at:at + size] for at in range(0, len(self.text), size)]
        return head + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"

    def post(self, connection=None, **how):
        return self.player.send(self.request(**how), connection=connection).judge(self.player, self)


def blocked(player, **how):
    return Message(player, "OnSessionBlocked", **how)


def say(name, verdict):
    print("%s: %s" % (name, verdict), flush=True)


# ---- right -------------------------------------------------------------------------------------------------------------

def part_right(player):
    for operation in sorted(player.operations):
        for name in ("control", "management"):
            message = Message(player, operation, password=getattr(player, name))
            say("%s %s" % (operation, name), message.post(player.kept()))
    for name, user in (("upper case", player.name.upper()), ("short", player.name.split(".")[0])):
        say("user " + name, blocked(player, user=user).post(player.kept()))

    def change(name, function, operation="OnSessionBlocked", **arguments):
        say(name, Message(player, operation, change=function, **arguments).post(player.kept()))

    def without(parent, tag):
        return lambda message: getattr(message, parent).remove(getattr(message, parent).find(tag))

    change("no timestamp", without("security", WSU + "Timestamp"))
    change("no mustUnderstand", lambda message: message.security.attrib.clear())
    change("no type of the password", lambda message: message.token.find(WSSE + "Password").attrib.clear())
    change("no To", without("header", WSA + "To"))
    change("strings of nil", None, "OnPeerServerDiscovered", wsServerName=None, wsIpAddress=None)
    change("strings that are missing", lambda message: [message.body[0].remove(one) for one in list(message.body[0])[:2]],
           "OnPeerServerDiscovered")
    change("the largest numbers", None, "OnServiceControlSessionChange", dwEventType=4294967295, idSession=4294967295)
    change("a session that is not there", None, idSession=987654)
    change("a long text", None, "OnUserCreated", wsUserName="☃" * 10000)
    change("the header after other headers", lambda message: message.header.insert(0, etree.Element("{urn:x}x")))
    change("comments everywhere", lambda message: [one.insert(0, etree.Comment(" <a> ")) for one in
                                                   (message.header, message.security, message.token, message.body)])

    message = blocked(player)
    say("once", message.post(player.kept()))
    say("the same again", message.post(player.kept()))
    say("by another connection, too", message.post())
    text = blocked(player)
    text.text = text.text.replace(b"soap-env:", b"x:").replace(b":soap-env=", b":x=").replace(b"\n", b"\r\n\t ")
    say("other prefixes", text.post(player.kept()))
    say("without a declaration", text.post(player.kept(), text=text.text.split(b"?>", 1)[1].lstrip()))
    say("a mark of the encoding", text.post(player.kept(), text=b"\xef\xbb\xbf" + text.text))
    say("a type with an action", message.post(player.kept(), kind=TYPE + '; action="' + message.action + '"'))
    say("HTTP 1.0", message.post(version="1.0"))
    say("that it may go on is asked", answer_continue(player, message))
    for size in (1, 7, 4096):
        say("chunks of %d" % size, player.send(message.chunked(size), connection=player.kept()).judge(player, message))
    whole = message.request()
    say("pieces", player.send([whole[at:at + 97] for at in range(0, len(whole), 97)], connection=player.kept())
        .judge(player, message))
    pipeline(player, player.kept())
    old = blocked(player)
    old.text = old.text.replace(SOAP[1:-1].encode(), SOAP11[1:-1].encode())
    say("SOAP 1.1", old.post(player.kept(), kind="text/xml; charset=utf-8", headers=['SOAPAction: "%s"' % old.action]))


def answer_continue(player, message):
    connection = player.connect()
    head, body = message.request(headers=["Expect: 100-continue"]).split(b"\r\n\r\n", 1)
    connection.sendall(head + b"\r\n\r\n")
    first = b""
    while not first.endswith(b"\r\n\r\n"):
        piece = connection.recv(1)
        if not piece:
            return "closed"
        first += piece
    return player.send(body, connection=connection).judge(player, message) if b" 100 " in first else first.decode()


def pipeline(player, connection):
    messages = [Message(player, name) for name in ("OnSessionBlocked", "OnGroupUpdated", "OnSessionUnblocked")]
    connection.sendall(b"".join(message.request() for message in messages))
    reader = connection.makefile("rb")

    class Both: # http.client reads no further than an answer only if it may keep the reader
        @staticmethod
        def makefile(_mode):
            return Both

        read, readline, readinto = reader.read, reader.readline, reader.readinto
        close = flush = staticmethod(lambda: None)

    for i, message in enumerate(messages):
        say("pipelined %d" % (i + 1), player.receive(Both).judge(player, message))


# ---- wrong -------------------------------------------------------------------------------------------------------------

def second_token(message, user, password, first):
    token = etree.SubElement(message.security, WSSE + "UsernameToken")
    etree.SubElement(token, WSSE + "Username").text = user
    etree.SubElement(token, WSSE + "Password").text = password
    if first:
        message.security.insert(0, token)


def part_wrong(player):
    wrong_credentials(player)
    wrong_messages(player)
    wrong_http(player)
    say("and a good one", blocked(player).post())


def wrong_credentials(player):
    bodies = set()

    def refused(name, change=None, **how):
        message = blocked(player, change=change, **how)
        answer = player.send(message.request())
        say(name, answer.judge(player, message))
        if not answer.word and answer.status == 401:
            bodies.add(answer.body.replace(message.id.encode(), b""))

    good = player.management
    for name, user in (("no user", ""), ("another user", "other.school.example"), ("a control character", "\t"),
                       ("a longer user", player.name + "x"), ("a shorter user", player.name[:-1]),
                       ("the host's user", "WmsManagement")):
        refused("user: " + name, user=user)
    for name, password in (("none", ""), ("another", "wrong"), ("longer", good + "x"), ("shorter", good[:-1]),
                           ("a blank more", good + " "), ("long", "x" * 200000), ("both", player.control + good)):
        refused("password: " + name, password=password)
    refused("no header of security", lambda message: message.header.remove(message.security))
    refused("no token", lambda message: message.security.remove(message.token))
    refused("no password", lambda message: message.token.remove(message.token.find(WSSE + "Password")))
    refused("no user name", lambda message: message.token.remove(message.token.find(WSSE + "Username")))
    refused("a digest", lambda message: message.token.find(WSSE + "Password").set(
        "Type", "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"))
    refused("a wrong token before the good one", lambda message: second_token(message, player.name, "wrong", True))
    refused("a wrong token behind the good one", lambda message: second_token(message, player.name, "wrong", False))
    refused("elements in the password", lambda message: etree.SubElement(message.token.find(WSSE + "Password"), "a"))
    refused("a token of another namespace", lambda message: setattr(message.token, "tag", "{urn:x}UsernameToken"))
    refused("a token in the body", lambda message: message.body.insert(0, message.security))
    refused("a token in another header", lambda message: etree.SubElement(message.header, "{urn:x}x").append(message.security))
    refused("no header at all", lambda message: message.root.remove(message.header))
    refused("a wrong one that is an unknown operation, too", lambda message: setattr(message.body[0], "tag", "{urn:x}x"),
            password="wrong")
    say("all refusals alike", "yes" if len(bodies) == 1 else "no")


def wrong_messages(player):
    def change(name, function, operation="OnSessionBlocked", **arguments):
        say(name, Message(player, operation, change=function, **arguments).post())

    def text(name, function, message=None):
        message = message or blocked(player)
        say(name, message.post(text=function(message.text)))

    def first(message):
        return message.body[0][0]

    change("unknown operation", lambda message: setattr(message.body[0], "tag", "{http://MultiPoint}OnNothing"))
    change("operation of another namespace", lambda message: setattr(message.body[0], "tag", "{urn:x}OnSessionBlocked"))
    change("operation of the host's", lambda message: setattr(message.body[0], "tag", "{http://MultiPoint}LockSession"))
    change("another action", lambda message: setattr(message.header.find(WSA + "Action"), "text", message.action + "x"))
    change("a good action of another operation",
           lambda message: setattr(message.header.find(WSA + "Action"), "text", ROOT + CORE + "/OnGroupUpdated"))
    message = blocked(player)
    say("the other interface's path", message.post(path="/MultiPoint/" + ONLINE))
    message = Message(player, "OnManagedServerOnlineNotify")
    say("an online one at the other path", message.post(path="/MultiPoint/" + CORE))
    change("an empty body", lambda message: message.body.remove(message.body[0]))
    change("two operations", lambda message: etree.SubElement(message.body, "{http://MultiPoint}OnGroupUpdated"))
    for number in ("", "x", "-1", "4294967296", "1e3", "0x3", "3 4", "9" * 400):
        change("the number '%s'" % number[:12], lambda message, number=number: setattr(first(message), "text", number))
    change("elements in a number", lambda message: etree.SubElement(first(message), "a"))
    change("a boolean that is none", lambda message: setattr(first(message), "text", "yes"), "OnDesktopMonitoringChange")
    change("another envelope", lambda message: setattr(message.root, "tag", "{urn:x}Envelope"))
    text("nothing", lambda _: b"")
    text("no XML", lambda _: b"hello")
    text("an end that is missing", lambda good: good[:-4])
    text("cut in the middle", lambda good: good[:len(good) // 2])
    text("more behind it", lambda good: good + b"<x/>")
    text("a NUL", lambda good: good.replace(b">3<", b">\x003<"))
    text("no UTF-8", lambda good: good.replace(b">3<", b"><a>\xff\xfe</a><"))
    text("UTF-16", lambda good: etree.tostring(etree.fromstring(good), encoding="utf-16"))
    text("tags that cross", lambda good: good.replace(b"</soap-env:Envelope>", b"</soap-env:Body>"))
    document = b"<!DOCTYPE x [%s]>"
    bomb = b'<!ENTITY a0 "ha">' + b"".join(b'<!ENTITY a%d "%s">' % (i, b"&a%d;" % (i - 1) * 10) for i in range(1, 12))
    for name, inside, value in (("a DTD", b"", b"3"), ("an entity", b'<!ENTITY a "3">', b"&a;"), ("a bomb", bomb, b"&a11;"),
                                ("an external entity", b'<!ENTITY a SYSTEM "file:///etc/hostname">', b"&a;")):
        text(name, lambda good, inside=inside, value=value:
             good.replace(b"?>", b"?>" + document % inside, 1).replace(b">3<", b">" + value + b"<"))
    text("an entity that nobody has declared", lambda good: good.replace(b">3<", b">&a;<"))
    text("a character that XML has not", lambda good: good.replace(b">3<", b">&#0;<"))
    deep = b"<a>" * 60000
    text("a hundred levels", lambda good: good.replace(b">3<", b">" + b"<a>" * 100 + b"</a>" * 100 + b"<"))
    text("no end of levels", lambda good: good.replace(b">3<", b">" + deep))
    text("many attributes", lambda good: good.replace(b"<soap-env:Body", b"<soap-env:Body " + b" ".join(
        b'a%d=""' % i for i in range(20000))))
    text("many namespaces", lambda good: good.replace(b"<soap-env:Body", b"<soap-env:Body " + b" ".join(
        b'xmlns:a%d="b"' % i for i in range(10000))))
    text("one long name", lambda good: good.replace(b">3<", b"><" + b"a" * 200000 + b"/><"))


def wrong_http(player):
    message = blocked(player)
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "M-SEARCH"):
        say("method " + method, message.post(method=method, text=b"", length=0) if method in ("GET", "HEAD")
            else message.post(method=method))
    for path in ("/", "/MultiPoint/", "/MultiPoint/IMultiPointServer", "/MultiPoint/%sx" % CORE, "/multipoint/" + CORE,
                 "/MultiPoint/x/../" + CORE, "*", "/" + "a" * 4000):
        say("path " + path[:40], message.post(path=path))
    for kind in ("", "text/plain", "application/json", "application/soap+xmlx", "multipart/related"):
        say("type " + (kind or "none"), message.post(kind=kind))
    say("two lengths", player.send(message.request(headers=["Content-Length: 5"])).judge(player, message))
    say("a length and chunks", player.send(message.request(headers=["Transfer-Encoding: chunked"])).judge(player, message))
    say("a negative length", player.send(message.request(length=-1)).judge(player, message))
    say("a length that is none", player.send(message.request(length="x")).judge(player, message))
    say("chunks that are none", player.send(message.request(b"xyz\r\n\r\n", length="", headers=["Transfer-Encoding: chunked"]))
        .judge(player, message))
    say("no HTTP", player.send(b"hello\r\n\r\n").judge(player, message))
    say("no host", player.send(message.request().replace(b"Host: ", b"X: ")).judge(player, message))
    connection = player.connect()
    connection.sendall(message.request(length=len(message.text) + 100))
    connection.shutdown(socket.SHUT_WR)
    say("less than was said", player.receive(connection).judge(player, message))
    connection.close()


# ---- huge --------------------------------------------------------------------------------------------------------------

class Came:
    """What was received already, for http.client."""

    def __init__(self, data):
        self.data = data

    def makefile(self, _mode):
        return io.BytesIO(self.data)


def flood(player, head, piece, total):
    """Sends until it is answered or closed; "late" when it took more than there are buffers for."""
    connection = player.connect()
    connection.sendall(head)
    connection.setblocking(False)
    came, sent, rest, end = b"", 0, memoryview(b""), time.monotonic() + SECONDS
    while not came.endswith(b"\r\n\r\n") and time.monotonic() < end:
        try:
            data = connection.recv(65536)
            if not data:
                break
            came += data
        except ssl.SSLWantReadError:
            pass
        except OSError:
            break
        try:
            rest = rest or memoryview(piece)
            number = connection.send(rest) if sent < total else 0
            sent, rest = sent + number, rest[number:]
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError):
            select.select([connection], [connection], [], 1)
        except OSError:
            break
    connection.close()
    late = " late" if sent > 64 << 20 else ""
    return (player.receive(Came(came)).judge(player, None) if came else "closed" if time.monotonic() < end else "silent") + late


def part_huge(player):
    size, message, piece = 1 << 30, blocked(player), b"x" * (1 << 20)
    connection = player.connect()
    connection.sendall(message.request(b"", length=size))
    say("a length of 1 GB", player.receive(connection).judge(player, message))
    connection.close()
    say("a body of 1 GB", flood(player, message.request(b"", length=size), piece, size))
    spaces = message.text.replace(b"<soap-env:Body", b" " * 300000 + b"<soap-env:Body")
    say("a good body of 300 kB", message.post(text=spaces))
    for case, known in (("a good body of 200 kB", message), ("a body of 200 kB of nobody", blocked(player, password="no")),
                        ("a good body of 200 kB behind it", message)):
        say(case, known.post(text=known.text.replace(b"<soap-env:Body", b" " * 200000 + b"<soap-env:Body")))
    chunk = b"%x\r\n%s\r\n" % (len(piece), piece)
    head = message.request(b"", length="", headers=["Transfer-Encoding: chunked"])
    say("chunks of 1 GB", flood(player, head, chunk, size))
    say("chunks of a byte", flood(player, head, b"1\r\nx\r\n" * 10000, size))
    say("one chunk of 16 EB", flood(player, head + b"ffffffffffffffff\r\n", piece, size))
    say("a length of 100 EB", message.post(length=10 ** 20))
    say("headers of 1 GB", flood(player, message.request(b"")[:-2], b"x-a: b\r\n" * 10000, size))
    say("a header of 1 GB", flood(player, message.request(b"")[:-2] + b"x: ", piece, size))
    say("a path of 1 GB", flood(player, b"POST /", piece, size))
    say("empty lines of 1 GB", flood(player, b"", b"\r\n" * 100000, size))
    say("trailers of 1 GB", flood(player, message.chunked(1000)[:-2], b"x-a: b\r\n" * 10000, size))
    say("and a good one", message.post())


# ---- slow --------------------------------------------------------------------------------------------------------------

def part_slow(player, count="500"):
    """Others do it from another address: a sink may give each one its share."""
    other, message = "127.0.0.2", blocked(player)
    stop, held = threading.Event(), []

    def drip(connection, data):
        try:
            for at in range(len(data)):
                connection.sendall(data[at:at + 1])
                if stop.wait(1):
                    break
        except OSError:
            pass

    hello = ssl_hello(player)
    for data in (message.request()[:-1], b"POST ", message.request(b"", length=5)):
        held.append(player.connect(other))
        threading.Thread(target=drip, args=(held[-1], data), daemon=True).start()
    held.append(player.plain(other))
    threading.Thread(target=drip, args=(held[-1], hello), daemon=True).start()
    say("while four drip", message.post())
    connection = player.connect()
    taken = 0
    for i in range(int(count)):
        try:
            held.append(player.plain(other))
            held[-1].sendall(hello if i % 2 else hello[:50])
            taken += 1
        except OSError:
            pass
    say("while there are many", message.post())
    say("by a connection from before", message.post(connection))
    stop.set()
    for one in held:
        one.close()
    say("after them", message.post())


def part_idle(player, seconds):
    """Handshakes that have begun, requests that have begun, and connections that are kept, for so many seconds."""
    hello, request = ssl_hello(player), blocked(player).request()
    held = [player.plain() for _ in range(20)]
    for i, connection in enumerate(held):
        connection.sendall(hello if i % 2 else hello[:50])
    for data in (request, request[:-1], b"POST "):
        held.append(player.connect())
        held[-1].sendall(data)
    say("held", len(held))
    time.sleep(float(seconds))
    for connection in held:
        connection.close()


def ssl_hello(player):
    """The first bytes of a handshake."""
    out = ssl.MemoryBIO()
    session = player.context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=player.name)
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


# ---- broken ------------------------------------------------------------------------------------------------------------

def part_broken(player):
    message, hello = blocked(player), ssl_hello(player)
    for name, data in (("plain HTTP", message.request()), ("noise", bytes(range(256)) * 8), ("half a hello", hello[:100]),
                       ("a hello and noise", hello + b"\x16\x03\x03\xff\xff" + b"x" * 70000),
                       ("an alert", b"\x15\x03\x03\x00\x02\x02\x00"), ("nothing at all", b"")):
        connection = player.plain()
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            answered = b""
            while True:
                piece = connection.recv(65536)
                if not piece:
                    break
                answered += piece
            word = "HTTP" if answered.startswith(b"HTTP") else "closed"
        except socket.timeout:
            word = "silent"
        except OSError:
            word = "closed"
        connection.close()
        say(name, word)
    for name, version in (("TLS 1.0", ssl.TLSVersion.TLSv1), ("TLS 1.1", ssl.TLSVersion.TLSv1_1),
                          ("TLS 1.2", ssl.TLSVersion.TLSv1_2), ("TLS 1.3", ssl.TLSVersion.TLSv1_3)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(player.pem)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
        try:
            connection = context.wrap_socket(player.plain(), server_hostname=player.name)
            say(name, player.send(message.request(), connection=connection).judge(player, message))
            connection.close()
        except (ssl.SSLError, OSError):
            say(name, "closed")
    connection = player.connect()
    raw = socket.socket(fileno=socket.dup(connection.fileno()))
    raw.sendall(b"\x17\x03\x03\x00\x20" + b"x" * 32) # a record that is not of this connection's keys
    say("a record of another key", player.receive(connection).judge(player, message))
    connection = player.connect()
    connection.sendall(message.request()[:200])
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    say("and a good one", message.post())


# ---- one, and many -----------------------------------------------------------------------------------------------------

def part_post(player, operation, *arguments):
    given = dict(one.split("=", 1) for one in arguments)
    say(operation, Message(player, operation, **given).post())


def part_storm(player, count):
    good, bad = blocked(player), blocked(player, password="wrong")
    connection, said = player.connect(), {}
    for i in range(int(count)):
        other = i % 10 == 9
        verdict = bad.post() if other else good.post(connection)
        said[verdict] = said.get(verdict, 0) + 1
    connection.close()
    for verdict in sorted(said):
        say(verdict, said[verdict])


def main():
    passwords = [sys.stdin.readline().rstrip("\n") for _ in range(2)]
    player = Player(*sys.argv[1:6], passwords)
    globals()["part_" + sys.argv[6]](player, *sys.argv[7:])
    print("done", flush=True)


if __name__ == "__main__":
    main()
