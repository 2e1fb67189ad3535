# SPDX-License-Identifier: MIT
"""Asks a program many times, and tells how it has answered: what the programs beside this file have in common.

They print a line for each status, "STATUS COUNT", then the greatest time that an answer took, "slowest SECONDS", and an
answer of each status, "body STATUS TEXT", its line breaks as "|"."""
import collections
import threading
import time

PATIENCE = 120  # seconds for one answer


class Tally:
    def __init__(self):
        self.statuses, self.bodies, self.slowest = collections.Counter(), {}, 0.0

    def add(self, status, body, seconds):
        self.statuses[status] += 1
        self.bodies.setdefault(status, body)
        self.slowest = max(self.slowest, seconds)

    def show(self):
        for status, number in self.statuses.items():
            print(status, number)
        print(f"slowest {self.slowest:.4f}")
        for status, body in self.bodies.items():
            print("body", status, body.replace("\n", "|"))


def in_turn(count, parallel, send, receive):
    """On one connection, where the answers come in the order of what was asked: `parallel` are awaited at the same time.
    `receive()` returns a status and a text."""
    tally, begun, asked = Tally(), collections.deque(), 0
    for _ in range(count):
        while asked < count and len(begun) < parallel:
            begun.append(time.monotonic())
            send()
            asked += 1
        status, body = receive()
        tally.add(status, body, time.monotonic() - begun.popleft())
    tally.show()


def at_once(count, parallel, connect):
    """On `parallel` connections, each of which asks for its share, one behind the other.  `connect()` returns a function
    that asks once, and returns a status and a text."""
    tally, lock = Tally(), threading.Lock()
    begin, left = threading.Barrier(parallel), iter(range(count))

    def work():
        ask = connect()
        begin.wait()
        while True:
            with lock:
                if next(left, None) is None:
                    return
            start = time.monotonic()
            status, body = ask()
            took = time.monotonic() - start
            with lock:
                tally.add(status, body, took)

    threads = [threading.Thread(target=work) for _ in range(parallel)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tally.show()
