"""A service on the guest's own addresses: whoever gets through to its port is sent what df prints first."""

import socket
import sys
import threading

MARK = b"Filesystem     1K-blocks\n"
PORT = int(sys.argv[1])


def bound(kind):
    listener = socket.socket(socket.AF_INET6, kind)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind(("::", PORT))
    return listener


def answer(connection):
    with connection:
        try:
            connection.settimeout(0.3)
            connection.recv(65536)
        except OSError:
            pass
        try:
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + MARK)
        except OSError:
            pass


def datagrams(listener):
    while True:
        _, sender = listener.recvfrom(65536)
        listener.sendto(MARK, sender)


threading.Thread(target=datagrams, args=(bound(socket.SOCK_DGRAM),)).start()
listener = bound(socket.SOCK_STREAM)
listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
listener.listen(64)
while True:
    threading.Thread(target=answer, args=(listener.accept()[0],)).start()
