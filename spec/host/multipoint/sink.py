# SPDX-License-Identifier: MIT
"""A client of events that is not ours: an HTTPS endpoint that takes them and says whether they are as they should be.

    sink.py FOLDER NAME WSDL <the passwords that the host may send, a line each

Makes a key and a certificate of NAME in FOLDER (sink.pem), prints "port NUMBER SHA1", then a line an event: operation, user,
which of the passwords it was, "ok" or what is wrong, and the first argument.  Ends with its standard input, of which each
further line is what the next events are answered with: "ok", "hold" (not before the next line), a status of HTTP, or an answer
that is wrong in "RelatesTo", "Action", "Body", or is "none"."""
import hashlib
import ssl
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lxml import etree

SOAP = "{http://www.w3.org/2003/05/soap-envelope}"
WSA = "{http://www.w3.org/2005/08/addressing}"
WSSE = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
ROOT = "http://MultiPoint/RemoteManagement/"
ANSWER = ('<s:Envelope xmlns:s="%s" xmlns:a="%s"><s:Header><a:Action s:mustUnderstand="1">%s</a:Action>'
          '<a:RelatesTo>%s</a:RelatesTo></s:Header><s:Body><%sResponse xmlns="http://MultiPoint"/></s:Body></s:Envelope>')
LIMIT = 256 << 10


def schema_of(wsdl):
    return etree.XMLSchema(etree.parse(wsdl).find(".//{http://www.w3.org/2001/XMLSchema}schema"))


class Message:
    """What an event says; `wrong` is None, or how it is no good one."""

    def __init__(self, body, interface, server):
        envelope = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
        header, inside = envelope.find(SOAP + "Header"), envelope.find(SOAP + "Body")
        event = inside.find("*")
        self.operation = etree.QName(event).localname
        self.action, self.id, self.to, reply_to = (
            header.findtext(WSA + name) for name in ("Action", "MessageID", "To", "ReplyTo/" + WSA + "Address"))
        token = header.find(WSSE + "Security").find(WSSE + "UsernameToken")
        self.user, password = token.findtext(WSSE + "Username"), token.findtext(WSSE + "Password")
        self.password = server.passwords.index(password) + 1 if password in server.passwords else 0
        self.argument = event[0].text if len(event) else None
        self.wrong = ("envelope" if envelope.tag != SOAP + "Envelope"
                      else "action" if self.action != ROOT + interface + "/" + self.operation
                      else "reply" if reply_to != "http://www.w3.org/2005/08/addressing/anonymous"
                      else "id" if self.id in server.seen
                      else "schema" if not server.schema.validate(event) else None)
        server.seen.add(self.id)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    wbufsize = -1 # an answer is one piece

    def answer(self, status, text=""):
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/soap+xml; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        interface = self.path.rsplit("/", 1)[-1]
        length = int(self.headers.get("Content-Length", LIMIT + 1))
        if length > LIMIT:
            self.close_connection = True
            self.answer(413)
            return
        message = Message(self.rfile.read(length), interface, self.server)
        with self.server.changed:
            print(message.operation, message.user, message.password, message.wrong or "ok", message.argument, flush=True)
            self.server.changed.wait_for(lambda: self.server.how != "hold")
            how = self.server.how
        if how.isdigit():
            self.answer(int(how))
        elif not message.password:
            self.answer(401)
        else:
            core = interface == "IMultiPointCoreEventSink"
            text = ANSWER % (SOAP[1:-1], WSA[1:-1], message.action + ("Response" if core else ""), message.id,
                             message.operation)
            for wrong, good, bad in (("RelatesTo", "urn:uuid:", "urn:uuid:0"), ("Action", ROOT, ROOT + "x"),
                                     ("Body", "Response xmlns", "Answer xmlns")):
                text = text.replace(good, bad) if how == wrong else text
            self.answer(200, "" if how == "none" else text)

    def log_message(self, format, *args): # pylint: disable=redefined-builtin
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    passwords, seen, changed, how, schema = [], set(), threading.Condition(), "ok", None

    def handle_error(self, request, client_address):
        problem = sys.exc_info()[1]
        if not isinstance(problem, OSError): # those are connections that end, and clients that do not trust it
            with self.changed:
                print("- - 0", repr(problem), "None", flush=True)


def main():
    folder, name, wsdl = sys.argv[1:4]
    key, pem = folder + "/sink.key", folder + "/sink.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                    key, "-out", pem, "-days", "30", "-subj", "/CN=" + name, "-addext", "extendedKeyUsage=serverAuth"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    Server.passwords = [sys.stdin.readline().rstrip("\n") for _ in range(2)]
    Server.schema = schema_of(wsdl)
    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with open(pem, encoding="ascii") as file:
        der = ssl.PEM_cert_to_DER_cert(file.read())
    print("port", server.server_port, hashlib.sha1(der).hexdigest().upper(), flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for line in sys.stdin:
        with server.changed:
            server.how = line.strip()
            print("how", server.how, flush=True)
            server.changed.notify_all()


if __name__ == "__main__":
    main()
