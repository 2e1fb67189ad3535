#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a program on a terminal of its own, and answers it.

terminal.py COLUMNS [PATTERN ANSWER]... -- PROGRAM [ARGUMENT...]

When PATTERN (a regular expression) has come, ANSWER is typed: C escapes such as \\n, \\x03 for Ctrl-C; then the next one
is waited for.  Prints what the program wrote to its terminal; the last line is its exit code, or -N for signal N.
"""
import codecs
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
import fcntl

PATIENCE = 60  # seconds for the whole


def main():
    split = sys.argv.index("--")
    columns = int(sys.argv[1])
    steps = list(zip(sys.argv[2:split:2], sys.argv[3:split:2]))
    pid, fd = pty.fork()
    if pid == 0:
        size = struct.pack("HHHH", 24, columns, 0, 0)
        fcntl.ioctl(0, termios.TIOCSWINSZ, size)
        os.execvp(sys.argv[split + 1], sys.argv[split + 1:])
    seen, at = b"", 0
    end = time.monotonic() + PATIENCE
    while True:
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            seen += b"\n[it did not end]\n"
            break
        if select.select([fd], [], [], 0.5)[0]:
            try:
                data = os.read(fd, 65536)
            except OSError:
                break
            if not data:
                break
            seen += data
        while steps:
            found = re.search(steps[0][0].encode(), seen[at:], re.S)
            if not found:
                break
            at += found.end()
            os.write(fd, codecs.decode(steps.pop(0)[1], "unicode_escape").encode("latin-1"))
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    sys.stdout.buffer.write(seen + b"\n%d" % status)


main()
