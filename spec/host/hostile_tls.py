# SPDX-License-Identifier: MIT
"""TLS that means ill, for spec/host/hostile.py: what Python's own module would never send, by OpenSSL's library itself."""
import ctypes
import ctypes.util
import select

ONE_OF_12 = 0x0303
SET_MAX_VERSION, SET_DH_AUTO, SET_GROUPS = 124, 118, 92
PEM = 1
WANT_READ = 2

crypto = ctypes.CDLL(ctypes.util.find_library("crypto"), mode=ctypes.RTLD_GLOBAL)
lib = ctypes.CDLL(ctypes.util.find_library("ssl"))
for name in ("TLS_server_method", "SSL_CTX_new", "SSL_new"):
    getattr(lib, name).restype = ctypes.c_void_p
lib.SSL_CTX_ctrl.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_long, ctypes.c_void_p]


class Connection:
    """A server's end, with the few methods of a socket that the host uses, and more."""

    def __init__(self, client, crt, key, chain=None, version=0, ciphers=None, groups=None):
        self.client = client
        self.context = ctypes.c_void_p(lib.SSL_CTX_new(ctypes.c_void_p(lib.TLS_server_method())))
        lib.SSL_CTX_use_certificate_chain_file(self.context, (chain or crt).encode())
        lib.SSL_CTX_use_PrivateKey_file(self.context, key.encode(), PEM)
        if version:
            lib.SSL_CTX_ctrl(self.context, SET_MAX_VERSION, version, None)
        if ciphers:
            lib.SSL_CTX_ctrl(self.context, SET_DH_AUTO, 1, None)
            self.check(lib.SSL_CTX_set_cipher_list(self.context, ciphers.encode()))
        if groups:
            names = ctypes.create_string_buffer(groups.encode())
            self.check(lib.SSL_CTX_ctrl(self.context, SET_GROUPS, 0, ctypes.cast(names, ctypes.c_void_p)))
        self.ssl = ctypes.c_void_p(lib.SSL_new(self.context))
        lib.SSL_set_fd(self.ssl, client.fileno())
        self.check(lib.SSL_accept(self.ssl))

    def check(self, result):
        if result <= 0:
            raise OSError("TLS")
        return result

    def recv(self, size):
        buffer = ctypes.create_string_buffer(size)
        count = lib.SSL_read(self.ssl, buffer, size)
        return buffer.raw[:count] if count > 0 else b""

    def sendall(self, data):
        """Bytes; or what is to be done with this connection."""
        if callable(data):
            data(self)
        elif data:
            self.check(lib.SSL_write(self.ssl, data, len(data)))

    def close(self):
        self.client.close()
        lib.SSL_free(self.ssl)
        lib.SSL_CTX_free(self.context)

    def tickets(self, count):
        """Not under TLS 1.2."""
        for _ in range(count):
            self.check(lib.SSL_new_session_ticket(self.ssl))
            self.check(lib.SSL_do_handshake(self.ssl))

    def key_updates(self, count):
        for _ in range(count):
            self.check(lib.SSL_key_update(self.ssl, 0))
            self.check(lib.SSL_do_handshake(self.ssl))

    def renegotiate(self):
        """Begins the handshake again, under TLS 1.2 alone, and waits until that is done."""
        self.check(lib.SSL_renegotiate(self.ssl))
        self.check(lib.SSL_do_handshake(self.ssl))
        self.client.setblocking(False)
        begun = False
        while not (begun and lib.SSL_is_init_finished(self.ssl)):
            select.select([self.client], [], [])
            count = lib.SSL_read(self.ssl, ctypes.create_string_buffer(1), 1)
            if lib.SSL_get_error(self.ssl, count) != WANT_READ:
                raise OSError("it is refused")
            begun = True
        self.client.setblocking(True)

    def hello_requests(self, count):
        """Under TLS 1.2 alone.  The client's complaints of them are read, or neither would go on."""
        for _ in range(count):
            self.check(lib.SSL_renegotiate(self.ssl))
            lib.SSL_do_handshake(self.ssl)


def plain_hello_requests(client, count):
    """Instead of a ServerHello: each of four bytes, as many in a record as fit."""
    client.recv(16384)
    piece = b"\x16\x03\x03\x40\x00" + b"\0\0\0\0" * 4096
    for _ in range(count // 4096 + 1):
        client.sendall(piece)
