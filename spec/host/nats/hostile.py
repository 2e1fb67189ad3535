#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""NATS servers that mean ill, for the specs: bytes that no nats-server would send.

    hostile.py MODE [CRT KEY]

Prints its port on loopback, and greets each connection in the way of MODE, a function below.
"""
import socket
import ssl
import sys
import threading
import time

INFO = (b'INFO {"server_id":"NX","server_name":"ill","version":"2.9.10","proto":1,"headers":true,"max_payload":1048576,'
        b'"host":"127.0.0.1","port":4222,"client_id":1')


def lines(connection):
    """Greets as a server does, and yields what the client says."""
    connection.sendall(INFO + b"}\r\n")
    buffer = b""
    while True:
        data = connection.recv(65536)
        if not data:
            return
        buffer += data
        while b"\r\n" in buffer:
            line, buffer = buffer.split(b"\r\n", 1)
            yield line


def good(connection, on_sub):
    """A server as far as PING; on_sub(line) gives what is sent after a subscription."""
    for line in lines(connection):
        if line.startswith(b"PING"):
            connection.sendall(b"PONG\r\n")
        elif line.startswith(b"SUB"):
            connection.sendall(on_sub(line.split()[1], line.split()[-1]))


def silent(connection):
    """Says nothing."""
    time.sleep(1000)


def closes(connection):
    """Hangs up at once."""


def garbage(connection):
    """Is no NATS server."""
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(range(256)) * 64)
    time.sleep(1000)


def endless(connection):
    """Never ends its INFO."""
    connection.sendall(INFO + b',"x":"')
    while True:
        connection.sendall(b"x" * 65536)


def half(connection):
    """Stops in the middle of its INFO."""
    connection.sendall(INFO)
    time.sleep(1000)


def no_info(connection):
    """Its INFO is none."""
    connection.sendall(b"INFO {\"server_id\":[[[[[[[[" + b"[" * 10000 + b"\r\n")
    time.sleep(1000)


def drops(connection):
    """Hangs up when the client has subscribed."""
    for line in lines(connection):
        if line.startswith(b"PING"):
            connection.sendall(b"PONG\r\n")
        elif line.startswith(b"SUB"):
            return


def deaf(connection):
    """Reads what comes and never answers a PING after the first one."""
    count = 0
    for line in lines(connection):
        if line.startswith(b"PING"):
            count += 1
            if count == 1:
                connection.sendall(b"PONG\r\n")


def huge(connection):
    """Sends a message of 2 GB, as it says."""
    good(connection, lambda subject, sid: b"MSG wms.v1.x.answer.y.z.1 " + sid + b" 2000000000\r\n" + b"x" * 1000000)


def negative(connection):
    """Sends a message of less than nothing."""
    good(connection, lambda subject, sid: b"MSG wms.v1.x.answer.y.z.1 " + sid + b" -5\r\nabc\r\n")


def headers(connection):
    """Sends headers that are longer than the message."""
    good(connection, lambda subject, sid: b"HMSG wms.v1.x.answer.y.z.1 " + sid + b" 500 10\r\n0123456789\r\n")


def errors(connection):
    """Sends errors without an end."""
    said = b"-ERR '" + b"\xff\x00%s%n\x1b[31m" * 50 + b"'\r\n-ERR 'Stale Connection'\r\n"
    good(connection, lambda subject, sid: said)


def flood(connection):
    """Sends messages that nobody has asked for, without an end."""
    good(connection, lambda subject, sid: (b"MSG wms.v1.x.answer.y.z.1 " + sid + b" 4\r\nnull\r\n") * 200000)


def denies(connection):
    """Refuses whoever comes."""
    connection.sendall(INFO + b',"auth_required":true}\r\n')
    connection.recv(65536)
    connection.sendall(b"-ERR 'Authorization Violation'\r\n")


def serve(client, mode, context):
    """One connection."""
    try:
        if context:
            client.sendall(INFO + b',"tls_required":true}\r\n')
            client = context.wrap_socket(client, server_side=True)
        mode(client)
    except (OSError, ValueError):
        pass
    finally:
        client.close()


def main():
    """See above."""
    mode = globals()[sys.argv[1]]
    context = None
    if len(sys.argv) > 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    print(listener.getsockname()[1], flush=True)

    def accept():
        while True:
            client, _ = listener.accept()
            threading.Thread(target=serve, args=(client, mode, context), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    threading.Event().wait()


main()
