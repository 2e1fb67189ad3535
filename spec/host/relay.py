#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Listens on this machine's loopback interface, and passes what comes to 127.0.0.1 in the network of a test host:

    relay.py PID PORT

It prints the port where it listens, and ends with the process PID, which is in that network, once what that has said is
passed on."""
import asyncio
import ctypes
import os
import socket
import sys

CLONE_NEWNET = 0x40000000
PATIENCE = 50  # tenths of a second


async def pass_on(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


async def main(pid, port):
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    with open(f"/proc/{pid}/ns/net", encoding="ascii") as network:
        if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    served = 0

    async def serve(reader, writer):
        nonlocal served
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            return
        served += 1
        back = asyncio.create_task(pass_on(far_reader, writer))
        back.add_done_callback(lambda _: finish())
        await asyncio.gather(pass_on(reader, far_writer), back)
        far_writer.close()
        writer.close()

    def finish():
        nonlocal served
        served -= 1

    await asyncio.start_server(serve, sock=listener)
    print(listener.getsockname()[1], flush=True)
    while os.path.exists(f"/proc/{pid}/ns/net"):
        await asyncio.sleep(0.2)
    for _ in range(PATIENCE):
        if served == 0:
            break
        await asyncio.sleep(0.1)
    os._exit(0)  # with the connections that there are


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
