# SPDX-License-Identifier: MIT OR Apache-2.0
# Executes programs with arguments of chance, one after the other in each of some processes, and writes down what it did.
import json
import os
import random
import sys

COUNT, PROCESSES = int(sys.argv[1]), 4
PROGRAMS = {"/usr/bin/true": 0, "/usr/bin/false": 1, "/usr/bin/sleep": 1}
TEXT = "abcXYZ 0189-_=/.,'\"\\\n\t\u00e9\u65e5"


def arguments(chance):
    for _ in range(chance.choice([0, 1, 1, 2, 3, 8])):
        yield "".join(chance.choice(TEXT) for _ in range(chance.choice([0, 1, 7, 40])))


def run(part):
    chance = random.Random(part)
    with open(f"{sys.argv[2]}.{part}", "w") as log:
        for number in range(COUNT // PROCESSES):
            path = chance.choice(list(PROGRAMS))
            # The mark keeps it from being an option, and tells what this program executed from all else.
            argv = [path, f"x{part}-{number}", *arguments(chance)]
            pid = os.posix_spawn(path, argv, {}, file_actions=[(os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)])
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            assert code == PROGRAMS[path], (argv, code)
            log.write(json.dumps({"pid": pid, "argv": argv, "code": code}) + "\n")


children = []
for part in range(PROCESSES):
    child = os.fork()
    if child == 0:
        run(part)
        os._exit(0)
    children.append(child)
sys.exit(any([os.waitpid(child, 0)[1] for child in children]))
