#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes many requests to an HTTP server, and counts how they were answered.

    requests.py COUNT PARALLEL METHOD URL [HEADER...]

PARALLEL connections are open at the same time, each of which makes its share of the requests, one behind the other, and is
opened anew when the server has closed it.  It prints a line for each status (or error), "STATUS COUNT", then the greatest
time that an answer took, "slowest SECONDS", and an answer of each status, "body STATUS TEXT", its line breaks as "|"."""
import collections
import http.client
import sys
import threading
import time
import urllib.parse

PATIENCE = 120  # seconds for one answer


def main(count, parallel, method, url, *headers):
    place = urllib.parse.urlsplit(url)
    fields = dict(header.split(": ", 1) for header in headers)
    statuses, bodies, lock = collections.Counter(), {}, threading.Lock()
    begin, left, slowest = threading.Barrier(parallel), iter(range(count)), 0.0

    def work():
        nonlocal slowest
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=PATIENCE)
        begin.wait()
        while True:
            with lock:
                if next(left, None) is None:
                    return
            start, body = time.monotonic(), ""
            try:
                connection.request(method, place.path, headers=fields)
                answer = connection.getresponse()
                body, status = answer.read().decode(errors="replace"), str(answer.status)
            except (OSError, http.client.HTTPException) as problem:
                status = type(problem).__name__
                connection.close()
            took = time.monotonic() - start
            with lock:
                statuses[status] += 1
                bodies.setdefault(status, body)
                slowest = max(slowest, took)

    threads = [threading.Thread(target=work) for _ in range(parallel)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for status, number in statuses.items():
        print(status, number)
    print(f"slowest {slowest:.4f}")
    for status, body in bodies.items():
        print("body", status, body.replace("\n", "|"))


main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
