# SPDX-License-Identifier: MIT OR Apache-2.0
"""Connects to the loader's sockets: `garbage N` sends N times what is no request, `silent N` keeps N connections and says nothing."""

import os
import random
import socket
import sys
import time

PAM, COMMANDS = "/run/sac/pam.sock", "/run/sac/control.sock"


def connect(path):
    kind = socket.SOCK_SEQPACKET if path == PAM else socket.SOCK_STREAM
    connection = socket.socket(socket.AF_UNIX, kind)
    connection.settimeout(60)
    connection.connect(path)
    return connection


def garbage(number):
    chance = random.Random(number)
    path = PAM if number % 2 else COMMANDS
    connection = connect(path)
    try:
        size = chance.choice([0, 1, 3, 16, 100, 4096, 5000])
        content = os.urandom(size) if chance.random() < 0.5 else b"SACp" + bytes(size)
        if content and number % 7:
            connection.send(content)
        # Some do not wait for an answer.
        if number % 3 == 0:
            connection.shutdown(socket.SHUT_WR)
            connection.recv(8192)
    except OSError:
        # It was turned away.
        pass
    connection.close()


mode, count = sys.argv[1], int(sys.argv[2])
if mode == "garbage":
    for number in range(count):
        garbage(number)
    print("sent", count)
else:
    kept = [connect(PAM) for _ in range(count)]
    open("/run/e2e/silent", "w").close()
    time.sleep(120)
