# SPDX-License-Identifier: MIT OR Apache-2.0
# Receives what sinks send over HTTP, and writes the number of each record, with the sink's name before it, to a file. What is not as the
# documentation says is written down as a fault. It shares nothing with the sender.
import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

PORT, LOG, SECRET = int(sys.argv[1]), sys.argv[2], b"a secret of the test"


def otlp(body):
    for resource in body["resourceLogs"]:
        for scope in resource["scopeLogs"]:
            for record in scope["logRecords"]:
                assert record["body"]["stringValue"], "no sentence"
                assert int(record["timeUnixNano"]) > 10**18, "no time"
                values = {each["key"]: each["value"] for each in record["attributes"]}
                yield int(values["sac.number"]["intValue"])


def ocsf(body):
    for event in body:
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"], "type_uid"
        assert event["metadata"]["product"]["name"] and event["metadata"]["version"] == "1.8.0", "metadata"
        yield event["metadata"]["sequence"]


def hook(body):
    if body["type"] == "alert":
        assert body["text"], "no sentence"
        yield body["record"]["number"]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        name = self.path.strip("/")
        try:
            assert self.headers["Content-Type"].startswith("application/json"), "type"
            if name == "hook":
                signed = self.headers["X-SAC-Timestamp"].encode() + b"." + raw
                wanted = "sha256=" + hmac.new(SECRET, signed, hashlib.sha256).hexdigest()
                assert hmac.compare_digest(wanted, self.headers["X-SAC-Signature"]), "signature"
                assert abs(time.time() - int(self.headers["X-SAC-Timestamp"])) < 120, "old"
            lines = [f"{name} {number}" for number in {"otlp": otlp, "ocsf": ocsf, "hook": hook}[name](json.loads(raw))]
        except Exception as fault:
            lines = [f"fault {name}: {fault!r}"]
        with open(LOG, "a") as log:
            log.writelines(line + "\n" for line in lines)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


HTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
