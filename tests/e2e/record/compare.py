# SPDX-License-Identifier: MIT OR Apache-2.0
# Compares what execute.py says that it did with the record of a session: nothing is missing, nothing is there that did not happen, and the
# order of each process is kept.
import glob
import json
import sys

PREFIX, SESSION = sys.argv[1], sys.argv[2]

did = {}
for name in sorted(glob.glob(PREFIX + ".*")):
    for place, line in enumerate(open(name)):
        one = json.loads(line)
        did[one["argv"][1]] = {**one, "part": name, "place": place}

executed, ended, forked, passed_by = [], {}, {}, 0
for name in sorted(glob.glob("/var/log/sac/*.jsonl")):
    for line in open(name):
        record = json.loads(line)
        if executed and record["event"] == "events-lost" and record["by"] == "tracepoint":
            passed_by += record["count"]
        if record.get("session", {}).get("id") != SESSION:
            continue
        event = record["event"]
        if event == "events-lost":
            sys.exit(f"lost: {record}")
        if event == "executed" and record["arguments"][1:] and record["arguments"][1].startswith("x"):
            executed.append(record)
        if event in ("ended", "forked"):
            ({"ended": ended, "forked": forked}[event]).setdefault(record["pid"], []).append(record)

recorded = [record["arguments"][1] for record in executed]
missing, invented = set(did) - set(recorded), set(recorded) - set(did)
faults = []
if missing or invented or len(recorded) != len(set(recorded)):
    faults.append(f"missing {sorted(missing)[:5]}, invented {sorted(invented)[:5]}, {len(recorded)} of {len(did)}")
last, gaps = {}, []
for record in executed:
    one = did.get(record["arguments"][1])
    if one is None:
        continue
    if record["arguments"] != one["argv"] or record["process"]["pid"] != one["pid"] or record["typed"] != one["argv"][0]:
        faults.append(f"other: {record} instead of {one}")
    if last.get(one["part"], -1) >= one["place"]:
        faults.append(f"order: {record}")
    last[one["part"]] = one["place"]
    ends = [end for end in ended.get(one["pid"], []) if end["boot_ns"] >= record["boot_ns"]]
    begins = [begin for begin in forked.get(one["pid"], []) if begin["boot_ns"] <= record["boot_ns"]]
    if not ends or not begins:
        gaps.append(f"fork or end: {begins[-1:]} {ends[:1]} of {one}")
    elif ends[0].get("code") != one["code"]:
        faults.append(f"code: {ends[0]} of {one}")
# The kernel may pass by some, and then the record says how many.
if len(gaps) > passed_by:
    faults += gaps
print("\n".join(faults[:10]) or f"same {len(did)}")
