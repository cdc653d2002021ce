# SPDX-License-Identifier: MIT OR Apache-2.0
"""Asks the service: `ask.py REQUEST…`, each a line of JSON, or `ask.py hold COUNT`, which keeps so many connections busy for a while.

Prints a line for each request: `unreachable` where one cannot connect, or else the answer.
"""

import socket
import sys
import time

SOCKET = "/run/sac/control.sock"


def connect():
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(30)
    connection.connect(SOCKET)
    return connection


def line(connection):
    answer = b""
    while not answer.endswith(b"\n"):
        new = connection.recv(65536)
        if not new:
            break
        answer += new
    return answer.decode().strip()


def ask(request):
    try:
        connection = connect()
    except PermissionError:
        return "unreachable"
    try:
        connection.sendall(request.encode() + b"\n")
    except BrokenPipeError:
        pass
    return line(connection)


if sys.argv[1] == "hold":
    begin = time.monotonic()
    held = [connect() for _ in range(int(sys.argv[2]))]
    print("one more:", ask('{"command":"list-sessions"}'), flush=True)
    while time.monotonic() - begin < 20:
        for index, connection in enumerate(held):
            print(line(connection), flush=True)
            held[index] = connect()
    print("over", flush=True)
else:
    for request in sys.argv[1:]:
        print(ask(request))
