// SPDX-License-Identifier: MIT OR Apache-2.0
//! Connections, by each protocol and each way to write an address.

use super::{EACCES, ECONNREFUSED, EVERYONE, FAILED, KILLED, each, errors};
use crate::fixture::Fixture;

/// Starts a service of root's on port 7070, TCP and UDP, of all of the guest's addresses, and another one of port 7071.
pub(super) fn serve(fixture: &Fixture) -> anyhow::Result<()> {
    let server = include_str!("../threats/server.py");
    fixture.root_ssh().stdin(server).run("cat >/run/e2e-server.py")?.success()?;
    let start = "for port in 7070 7071; do
    unit=e2e-server; [ $port = 7070 ] || unit=e2e-server-2
    systemctl stop $unit 2>/dev/null; systemd-run --quiet --collect --unit $unit python3 /run/e2e-server.py $port
    for i in {1..200}; do (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null && break; sleep 0.1; done
done";
    fixture.root(start).map(drop)
}

/// Statements that try to reach port 7070 in each way, and what they are by name.
const REACHING: &[&str] = &[
    "socket.create_connection(('127.0.0.1', 7070))",
    "socket.create_connection(('127.9.9.9', 7070))",
    "socket.create_connection(('0.0.0.0', 7070))",
    "socket.socket(socket.AF_INET6).connect(('::1', 7070))",
    "socket.socket(socket.AF_INET6).connect(('::', 7070))",
    "socket.socket(socket.AF_INET6).connect(('::ffff:127.0.0.1', 7070))",
    "socket.socket().sendto(b'x', socket.MSG_FASTOPEN, ('127.0.0.1', 7070))",
    "socket.socket(socket.AF_INET6).sendto(b'x', socket.MSG_FASTOPEN, ('::1', 7070))",
    "udp().connect(('127.0.0.1', 7070))",
    "udp().sendto(b'x', ('127.0.0.1', 7070))",
    "udp().sendto(b'x', ('0.0.0.0', 7070))",
    "udp().sendmsg([b'x'], [], 0, ('127.0.0.1', 7070))",
    "udp(socket.AF_INET6).sendto(b'x', ('::1', 7070))",
    "udp(socket.AF_INET6).connect(('::1', 7070))",
    "udp(socket.AF_INET6).sendto(b'x', ('::ffff:127.0.0.1', 7070))",
    // An address of no family is one of IPv4 to an IPv4 socket.
    "raw(udp(), 0, '127.0.0.1')",
    // So is one of IPv4 to an IPv6 socket.
    "raw(udp(socket.AF_INET6), 2, '127.0.0.1')",
    "again = udp(); again.connect(('127.0.0.1', 7071)); again.sendto(b'x', ('127.0.0.1', 7070))",
    "again = udp(); again.connect(('127.0.0.1', 7071)); again.connect(('127.0.0.1', 7070))",
    "sent = socket.socketpair(); made = socket.socket(); socket.send_fds(sent[0], [b'x'], [made.fileno()]); \
     socket.socket(fileno=socket.recv_fds(sent[1], 1, 1)[1][0]).connect(('127.0.0.1', 7070))",
];

/// What the statements use: a datagram socket, and `sendto` with an address of any family.
const SOCKETS: &str = "global udp, raw
    udp = lambda family=socket.AF_INET: socket.socket(family, socket.SOCK_DGRAM)
    raw = lambda sender, family, address: call(libc.sendto, sender.fileno(), b'x', 1, 0, \
family.to_bytes(2, 'little') + (7070).to_bytes(2, 'big') + socket.inet_aton(address) + bytes(8), 16)";

/// Promise: an address is held by each protocol and each way to write it, a port can be excepted, and nothing else is hindered.
pub(super) fn connections(fixture: &Fixture) -> anyhow::Result<()> {
    const OTHERS: &[&str] = &[
        "socket.create_connection(('127.0.0.1', 7071))",
        "socket.create_connection(('127.0.0.1', 22))",
        "udp().sendto(b'x', ('127.0.0.1', 7071))",
        "socket.socket().bind(('127.0.0.1', 0))",
        "pair = socket.socketpair(); pair[0].send(b'x')",
        "socket.socket(socket.AF_UNIX).connect('/run/dbus/system_bus_socket')",
    ];
    const NOBODY: &[&str] = &["socket.create_connection(('127.0.0.1', 7072))"];
    serve(fixture)?;
    let policy = "policy: developers
applies_to: {groups: [developers]}
action: deny
connections:
  deny:
    - 127.0.0.0/8
    - {to: '::1', ports: [7070]}
  allow:
    - {to: 127.0.0.1, ports: [22, 7071], override: true}
";
    fixture.policies(&[("developers", policy), ("default", EVERYONE)])?;
    let tried = |user, statements| errors(fixture, user, "/", SOCKETS, statements);
    each(&tried("alice", REACHING)?, REACHING, EACCES, "alice")?;
    each(&tried("alice", OTHERS)?, OTHERS, 0, "alice")?;
    each(&tried("alice", NOBODY)?, NOBODY, EACCES, "alice")?;
    each(&tried("bob", REACHING)?, REACHING, 0, "bob")?;
    each(&tried("bob", NOBODY)?, NOBODY, ECONNREFUSED, "bob")?;
    // What a shell and a program of the system make of it.
    let lines = [
        ("exec 7<>/dev/tcp/127.0.0.1/7070", FAILED),
        ("exec 7<>/dev/udp/127.0.0.1/7070", FAILED),
        ("wget -q -t 1 -T 5 -O - http://localhost:7070/", 4),
        ("wget -q -t 1 -T 5 -O - http://127.0.0.1:7071/", 0),
    ];
    fixture.statuses("alice", &lines)?;
    fixture.statuses("bob", &lines.map(|(line, _)| (line, 0)))?;
    let kill = "policy: developers
applies_to: {groups: [developers]}
connections:
  deny:
    - {to: 127.0.0.1, ports: [7070], action: kill}
";
    fixture.policies(&[("developers", kill), ("default", EVERYONE)])?;
    let connect =
        "python3 -c 'import socket, sys; socket.create_connection((\"127.0.0.1\", int(sys.argv[1])))'";
    let (killed, works) = (format!("{connect} 7070"), format!("{connect} 7071"));
    fixture.statuses("alice", &[(&killed, KILLED), (&works, 0)])?;
    fixture.root("systemctl stop e2e-server e2e-server-2").map(drop)
}

/// Promise: with `default: deny` only what is listed can be connected to; what is no address of the Internet's is not judged.
pub(super) fn connections_by_default(fixture: &Fixture) -> anyhow::Result<()> {
    const HELD: &[&str] = &[
        "socket.create_connection(('127.0.0.1', 7070))",
        "socket.create_connection(('10.0.2.15', 7071))",
        "socket.socket(socket.AF_INET6).connect(('::1', 7071))",
        "udp().sendto(b'x', ('127.0.0.1', 7070))",
        "udp().sendto(b'x', ('127.0.0.2', 7071))",
    ];
    const LISTED: &[&str] = &[
        "socket.create_connection(('127.0.0.1', 7071))",
        "socket.socket(socket.AF_INET6).connect(('::ffff:127.0.0.1', 7071))",
        "udp().sendto(b'x', ('127.0.0.1', 7071))",
        "socket.socket(socket.AF_UNIX).connect('/run/dbus/system_bus_socket')",
    ];
    serve(fixture)?;
    let policy = "policy: developers
applies_to: {groups: [developers]}
action: deny
connections:
  default: deny
  allow:
    - {to: 127.0.0.1, ports: [7071]}
";
    fixture.policies(&[("developers", policy), ("default", EVERYONE)])?;
    let tried = |user, statements| errors(fixture, user, "/", SOCKETS, statements);
    each(&tried("alice", HELD)?, HELD, EACCES, "alice")?;
    each(&tried("alice", LISTED)?, LISTED, 0, "alice")?;
    each(&tried("bob", HELD)?, HELD, 0, "bob")?;
    fixture.root("systemctl stop e2e-server e2e-server-2").map(drop)
}
