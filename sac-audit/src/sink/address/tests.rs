// SPDX-License-Identifier: MIT OR Apache-2.0

use super::Address;

#[test]
fn addresses_are_read_and_written_alike() {
    for written in [
        "unix:/dev/log",
        "unix-stream:/run/collector",
        "udp://logs.example.org:514",
        "tcp://192.0.2.1:601",
        "tls://[2001:db8::1]:6514",
    ] {
        assert_eq!(written.parse::<Address>().unwrap().to_string(), written);
    }
}

#[test]
fn what_is_wrong_is_said() {
    for (written, reason) in [
        ("", "write `unix:/PATH`"),
        ("logs.example.org", "write `unix:/PATH`"),
        ("unix:dev/log", "begins with `/`"),
        ("http://x:1", "it begins with"),
        ("tcp://x", "the port is missing"),
        ("tcp://x:0", "from 1 to 65535"),
        ("tcp://x:65536", "from 1 to 65535"),
        ("tcp://:514", "a name or an address"),
        ("tcp://a b:514", "a name or an address"),
        ("tcp://::1:514", "stands in brackets"),
        ("tcp://[nonsense]:514", "no IPv6 address"),
    ] {
        let error = written.parse::<Address>().unwrap_err().to_string();
        assert!(error.contains(reason), "{written}: {error}");
    }
}
