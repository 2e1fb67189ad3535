#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes many requests to an HTTP server, and counts how they were answered (see asking.py).

    requests.py COUNT PARALLEL METHOD URL [HEADER...]

A connection is opened anew when the server has closed it."""
import http.client
import sys
import urllib.parse

import asking


def main(count, parallel, method, url, *headers):
    place = urllib.parse.urlsplit(url)
    fields = dict(header.split(": ", 1) for header in headers)

    def connect():
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=asking.PATIENCE)

        def ask():
            try:
                connection.request(method, place.path, headers=fields)
                answer = connection.getresponse()
                return str(answer.status), answer.read().decode(errors="replace")
            except (OSError, http.client.HTTPException) as problem:
                connection.close()
                return type(problem).__name__, ""

        return ask

    asking.at_once(count, parallel, connect)


main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
