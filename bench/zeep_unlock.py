# SPDX-License-Identifier: MIT
"""Unlocks by zeep, on a kept session, as often as it is told to:

    zeep_unlock.py WSDL ADDRESS HTTPS_PORT SHA256 SESSION_ID FIFO

The first line of FIFO is WmsControl's password; each other is a number of unlocks, for which the seconds are printed."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "spec", "host", "multipoint"))
sys.dont_write_bytecode = True

import zeep_client  # noqa: E402


def main():
    wsdl, address, port, fingerprint, session, fifo = sys.argv[1:]
    with open(fifo, encoding="utf-8") as lines, zeep_client.readable(wsdl) as file:
        host = zeep_client.Host(file.name, address, fingerprint)
        service = host.service("IMultiPointSession", int(port), "WmsControl", lines.readline().rstrip("\n"))
        for line in lines:
            start = time.perf_counter()
            for _ in range(int(line)):
                service.StopLockingSession(int(session))
            print(time.perf_counter() - start, flush=True)


main()
