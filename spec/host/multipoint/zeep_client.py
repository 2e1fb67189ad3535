# SPDX-License-Identifier: MIT
"""A client that is not ours, on the test host: binds, lists, locks, reads flags, unlocks, wants to be told of events.

    zeep_client.py WSDL ADDRESS HTTP_PORT SHA256 SESSION_ID [PIPE] <the administrator's name and password, a line each

Prints a line a fact: "name value".  The last one is "ok".  Between locking and unlocking it waits until somebody has opened
PIPE, a named one, for writing and closed it; then it looks at the flags once more."""
import contextlib
import datetime
import hashlib
import subprocess
import sys
import tempfile

import requests
import zeep
from requests.adapters import HTTPAdapter
from zeep.cache import InMemoryCache
from zeep.exceptions import Fault
from zeep.plugins import Plugin
from zeep.transports import Transport
from zeep.wsse import utils
from zeep.wsse.username import UsernameToken

SOAP = "{http://www.w3.org/2003/05/soap-envelope}"
SOAP11 = "{http://schemas.xmlsoap.org/soap/envelope/}"
WSA = "{http://www.w3.org/2005/08/addressing}"


class Pinned(HTTPAdapter):
    """TLS that accepts one certificate only."""

    def __init__(self, fingerprint):
        self.fingerprint = fingerprint
        super().__init__()

    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, assert_fingerprint=self.fingerprint, **kwargs)


class Addressing(Plugin):
    """zeep writes Action, To and MessageID, and leaves out ReplyTo and mustUnderstand, which [MS-RSMC] has."""

    def egress(self, envelope, http_headers, operation, binding_options):
        soap = SOAP if envelope.tag.startswith(SOAP) else SOAP11
        header = envelope.find(soap + "Header")
        for name in ("Action", "To"):
            header.find(WSA + name).set(soap + "mustUnderstand", "1")
        reply_to = header.makeelement(WSA + "ReplyTo")
        address = reply_to.makeelement(WSA + "Address")
        address.text = "http://www.w3.org/2005/08/addressing/anonymous"
        reply_to.append(address)
        header.append(reply_to)
        return envelope, http_headers


class Token(UsernameToken):
    def apply(self, envelope, headers):
        envelope, headers = super().apply(envelope, headers)
        utils.get_security_header(envelope).set(SOAP + "mustUnderstand", "1")
        return envelope, headers


def timestamp():
    now = datetime.datetime.utcnow()
    stamp = utils.WSU.Timestamp()
    for name, time in (("Created", now), ("Expires", now + datetime.timedelta(minutes=5))):
        stamp.append(utils.WSU(name, time.strftime("%Y-%m-%dT%H:%M:%SZ")))
    return stamp


class Host:
    def __init__(self, wsdl, address, fingerprint):
        self.wsdl, self.address, self.fingerprint, self.port = wsdl, address, fingerprint, None

    def service(self, interface, port, user=None, password=None):
        session = requests.Session()
        session.trust_env = False  # or REQUESTS_CA_BUNDLE would decide
        session.verify = False  # the fingerprint is asked for instead
        if user is not None:
            session.mount("https://", Pinned(self.fingerprint.replace(":", "").lower()))
        client = zeep.Client(
            self.wsdl,
            transport=Transport(session=session, cache=InMemoryCache(), timeout=20, operation_timeout=20),
            plugins=[Addressing()],
            wsse=Token(user, password, timestamp_token=timestamp()) if user is not None else None,
        )
        return client.create_service(
            "{http://MultiPoint}MultiPointRemoting_" + interface,
            "%s://%s:%d/MultiPoint/%s" % ("http" if user is None else "https", self.address, port, interface),
        )


@contextlib.contextmanager
def readable(wsdl):
    """The WSDL as zeep can read it, as a file."""
    with open(wsdl, encoding="utf-8") as file:
        # Of all bindings, the certificate's alone is of SOAP 1.1 there: so this client speaks it.
        lines = [line for line in file if "<xsd:import" not in line]
    with tempfile.NamedTemporaryFile("w", suffix=".wsdl", encoding="utf-8") as file:
        file.writelines(lines)
        file.flush()
        yield file


def certificate(name):
    """A certificate of that name for a server, DER."""
    with tempfile.NamedTemporaryFile() as key:
        return subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
             key.name, "-outform", "DER", "-days", "30", "-subj", "/CN=" + name, "-addext", "extendedKeyUsage=serverAuth"],
            check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def events(host, tls, admin, password, management):
    """What a client that wants events asks for."""
    name, der = "console.school.example", certificate("console.school.example")
    introduce = host.service("IMultiPointCredentialRequest", tls, admin, password).SetSslCertificate
    print("introduced", introduce(name, 8443, hashlib.sha1(der).hexdigest(), {"prgData": list(der)}))
    server = host.service("IMultiPointServer", tls, "WmsManagement", management)
    cookie = server.RegisterCoreEventSink("https://%s:8443/MultiPoint/IMultiPointCoreEventSink" % name)
    print("cookie", type(cookie).__name__)
    print("unregistered", server.UnregisterCoreEventSink(cookie))
    print("replaced", server.SetReplacementSslCertificate(name, {"prgData": list(certificate(name))}))
    print("next", ":".join("%02X" % byte for byte in hashlib.sha256(
        bytes(server.GetReplacementSslCertificate())).digest()))
    for what, call, arguments in (
            ("unregistered twice", server.UnregisterCoreEventSink, (cookie,)),
            ("no thumbprint", introduce, (name, 8443, "00", {"prgData": list(der)})),
            ("another name", introduce, ("other." + name, 8443, hashlib.sha1(der).hexdigest(), {"prgData": list(der)})),
            ("a stranger", server.SetReplacementSslCertificate, ("other." + name, {"prgData": list(der)}))):
        try:
            print(what, call(*arguments))
        except Fault as fault:
            print(what, "%08X" % int(fault.detail.findtext(".//{http://MultiPoint}hr")))


def main():
    wsdl, address, port, fingerprint, session = sys.argv[1:6]
    admin, password = sys.stdin.read().split("\n")[:2]
    session = int(session)
    with readable(wsdl) as file:
        host = Host(file.name, address, fingerprint)

        bound = host.service("IMultiPointCertificateRequest", int(port)).RequestSslCertificate()
        der = bytes(bound.ppSslCertificate.prgData)
        print("thumbprint", bound.pwsSslCertificateThumbprint)
        print("sha256", ":".join("%02X" % byte for byte in hashlib.sha256(der).digest()))
        tls = bound.pSslPort
        credentials = host.service("IMultiPointCredentialRequest", tls, admin, password).RequestWmsControlCredentials()
        control = credentials.pwsWmsControlPassword
        print("control", control)
        print("management", credentials.pwsWmsManagementPassword)

        found = host.service("IMultiPointServer", tls, "WmsControl", control).GetAllSessions()
        for one in found.pprgWmsSessionInfoWs.prgWmsSessionInfoWs:
            print("session", one.id, one.state, one.wsUserName)
        sessions = host.service("IMultiPointSession", tls, "WmsControl", control)
        print("before", sessions.GetSessionFlags(session))
        sessions.LockSession(session, "Eyes on <the> teacher & no \"talking\" ☃")
        print("locked", sessions.GetSessionFlags(session))
        print("screen", sessions.GetScreenState(session).pfIsLocked)
        for pipe in sys.argv[6:]:
            sys.stdout.flush()
            with open(pipe, encoding="utf-8") as file:
                file.read()
            print("meanwhile", sessions.GetSessionFlags(session))
        sessions.StopLockingSession(session)
        print("unlocked", sessions.GetSessionFlags(session))
        try:
            sessions.StopLockingSession(4000000000)
        except Fault as fault:
            print("hr", fault.detail.findtext(".//{http://MultiPoint}hr"))
        try:
            host.service("IMultiPointSession", tls, "WmsControl", "wrong").StopLockingSession(session)
        except Fault as fault:
            print("subcode", fault.subcodes[0].localname)
        events(host, tls, admin, password, credentials.pwsWmsManagementPassword)
    print("ok")


if __name__ == "__main__":
    main()
