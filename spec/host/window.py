#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# window.py - a window of one colour on an X server, which stays until the server ends: it is seen as long as the screen
# is not locked.
#
#    window.py SOCKET X Y WIDTH HEIGHT COLOUR
#
# Prints "shown" once it is on the screen.  COLOUR is a number, such as 0xff00ff.
import socket
import struct
import sys

x, y, width, height, colour = (int(word, 0) for word in sys.argv[2:7])
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


# The connection: little endian, protocol 11.0, no authorization.
server.sendall(struct.pack("<BxHHHHxx", ord("l"), 11, 0, 0, 0))
status, length = struct.unpack("<B5xH", read(8))
setup = read(length * 4)
if status != 1:
    sys.exit("the X server refuses: %r" % setup)
window = struct.unpack_from("<I", setup, 4)[0]  # the first id of those that are ours
vendor, formats = struct.unpack_from("<H", setup, 16)[0], setup[21]
root = struct.unpack_from("<I", setup, 32 + (vendor + 3) // 4 * 4 + formats * 8)[0]

# CreateWindow with a background and Expose events, as depth and visual of its parent are; MapWindow.
server.sendall(struct.pack("<BBHIIhhHHHHIIII", 1, 0, 10, window, root, x, y, width, height, 0, 1, 0, 0x802, colour, 0x8000))
server.sendall(struct.pack("<BxHI", 8, 2, window))
while True:
    event = read(32)
    if event[0] == 0:
        sys.exit("the X server refuses: %r" % event)
    if event[0] == 12:
        print("shown", flush=True)
