# SPDX-License-Identifier: MIT
"""A client that is not ours asks the test host each operation that returns something.

    zeep_operations.py WSDL ADDRESS HTTP_PORT SHA256 <the administrator's name and password, a line each

Prints a line for each: "INTERFACE.OPERATION RESULT", the result as a text of sorted names.  The last line is "ok"."""
import sys

from zeep.helpers import serialize_object
from zeep_client import Host, readable

# What each argument is, by its name.
GIVEN = {
    "idStation": 1, "idSession": 3, "eType": 1, "eBitmapSize": 0, "wsFileToRun": "calc.exe", "eMode": 1, "iMaxViewers": 5,
    "wsTeacherName": "teacher", "wsDomain": "SCHOOL", "wsUserName": "eve", "wsPassword": "pw", "wsVirtualMachineId": "vm",
    "wsRemoteFqdn": "console", "bstrVirtualMachineHostName": "vm",
}

SINKS = ("RegisterChatEventSink", "RegisterCoreEventSink")  # which belong to clients that are servers, too
INTERFACES = ("Server", "UserManager", "Station", "Session", "DiskProtection")


def printed(name, value):
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)).startswith("prg"):
            return printed(name, next(iter(value.values())) or [])
        pairs = ("%s=%s" % (key, printed(key, value[key])) for key in sorted(value) if value[key] is not None)
        return "{%s}" % ",".join(pairs)
    if isinstance(value, list):
        if "Certificate" in name:
            return "%d bytes" % len(value)
        return "[%s]" % ",".join(printed(name, item) for item in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def ask(service, name):
    operation = service._binding._operations[name]
    fields = [field for field, _ in operation.output.body.type.elements]
    wanted = [field for field, _ in operation.input.body.type.elements]
    result = serialize_object(getattr(service, name)(**{field: GIVEN[field] for field in wanted}), dict)
    return printed("", {fields[0]: result} if len(fields) == 1 else result)


def main():
    wsdl, address, port, fingerprint = sys.argv[1:5]
    admin, password = sys.stdin.read().split("\n")[:2]
    with readable(wsdl) as file:
        host = Host(file.name, address, fingerprint)
        plain = host.service("IMultiPointCertificateRequest", int(port))
        tls = plain.RequestSslCertificate().pSslPort
        print("IMultiPointCertificateRequest.GetProtocolVersion", ask(plain, "GetProtocolVersion"))
        credentials = host.service("IMultiPointCredentialRequest", tls, admin, password).RequestWmsControlCredentials()
        for interface in INTERFACES:
            interface = "IMultiPoint" + interface
            service = host.service(interface, tls, "WmsManagement", credentials.pwsWmsManagementPassword)
            for name, operation in sorted(service._binding._operations.items()):
                if operation.output.body.type.elements and name not in SINKS:
                    print("%s.%s" % (interface, name), ask(service, name))
    print("ok")


if __name__ == "__main__":
    main()
