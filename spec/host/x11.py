#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# x11.py - what the specs do on an X server: a window of one colour, which is seen as long as the screen is not locked, and
# somebody who moves the mouse and presses a key, which ends a mere screen saver.
#
#    x11.py SOCKET window X Y WIDTH HEIGHT COLOUR      prints "shown" once it is on the screen; stays until the server ends
#    x11.py SOCKET touch                               prints "touched" when the server has done it
#
# COLOUR is a number, such as 0xff00ff.
import socket
import struct
import sys

KEY_PRESS, KEY_RELEASE, MOTION, SHIFT = 2, 3, 6, 50
server = socket.socket(socket.AF_UNIX)
server.connect(sys.argv[1])


def read(count):
    data = b""
    while len(data) < count:
        part = server.recv(count - len(data))
        if not part:
            sys.exit()  # the X server has gone
        data += part
    return data


def receive():
    """An event or a reply, of 32 bytes."""
    message = read(32)
    if message[0] == 0:
        sys.exit("the X server refuses: %r" % message)
    return message


def connect():
    """Returns the first id of those that are ours, and the root window."""
    # Little endian, protocol 11.0, no authorization.
    server.sendall(struct.pack("<BxHHHHxx", ord("l"), 11, 0, 0, 0))
    status, length = struct.unpack("<B5xH", read(8))
    setup = read(length * 4)
    if status != 1:
        sys.exit("the X server refuses: %r" % setup)
    vendor, formats = struct.unpack_from("<H", setup, 16)[0], setup[21]
    root = struct.unpack_from("<I", setup, 32 + (vendor + 3) // 4 * 4 + formats * 8)[0]
    return struct.unpack_from("<I", setup, 4)[0], root


def show(window, root, x, y, width, height, colour):
    # CreateWindow with a background and Expose events, as depth and visual of its parent are; MapWindow.
    server.sendall(struct.pack("<BBHIIhhHHHHIIII", 1, 0, 10, window, root, x, y, width, height, 0, 1, 0, 0x802, colour, 0x8000))
    server.sendall(struct.pack("<BxHI", 8, 2, window))
    while True:
        if receive()[0] == 12:
            print("shown", flush=True)


def touch(root):
    server.sendall(struct.pack("<BxHHxx8s", 98, 4, 5, b"XTEST"))  # QueryExtension
    present, opcode = struct.unpack_from("<BB", receive(), 8)
    if not present:
        sys.exit("the X server has no XTEST")
    for kind, detail, window, x, y in ((MOTION, 0, root, 5, 5), (MOTION, 0, root, 60, 60), (KEY_PRESS, SHIFT, 0, 0, 0),
                                       (KEY_RELEASE, SHIFT, 0, 0, 0)):
        server.sendall(struct.pack("<BBHBBxxII8xhh8x", opcode, 2, 9, kind, detail, 0, window, x, y))  # FakeInput
    server.sendall(struct.pack("<BxH", 43, 1))  # GetInputFocus: its reply comes when all that is done
    receive()
    print("touched")


ours, screen = connect()
if sys.argv[2] == "window":
    show(ours, screen, *(int(word, 0) for word in sys.argv[3:8]))
else:
    touch(screen)
