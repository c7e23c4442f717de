"""How evenly two workers share connections: the busier one's part, over several tries.

Counted where the kernel counts: the established sockets of the listener's port that each worker
process has open. nginx runs with `reuseport`, which is how the kernel alone would spread them.
"""
import os
import statistics

import clients
from contenders import descendants

ESTABLISHED = "01"


def sockets_by_process(port, pids):
    inodes = set()
    with open("/proc/net/tcp") as file:
        for fields in (line.split() for line in list(file)[1:]):
            if int(fields[1].split(":")[1], 16) == port and fields[3] == ESTABLISHED:
                inodes.add(f"socket:[{fields[9]}]")
    counts = []
    for pid in pids:
        folder = f"/proc/{pid}/fd"
        held = [os.readlink(f"{folder}/{number}") for number in os.listdir(folder)]
        counts.append(sum(1 for link in held if link in inodes))
    return counts


def shares(contender, connections, tries):
    found = []
    for _ in range(tries):
        held = clients.connect(contender.port, connections)
        clients.ask_each(held)
        counts = sockets_by_process(contender.port, descendants(contender.process.pid))
        found.append(max(counts) / max(sum(counts), 1))
        clients.close(held)
        # The next try must find nobody of this one.
        while sum(sockets_by_process(contender.port, descendants(contender.process.pid))):
            pass
    return sorted(found)


def table(bench, connections, tries):
    lines = [f"\n## {connections} connections over two workers, {tries} tries: the busier one's part",
             "| proxy | median | worst |", "|---|---|---|"]
    for contender in bench.contenders:
        found = shares(contender, connections, tries)
        lines.append(f"| {contender.name} | {statistics.median(found):.0%} | {found[-1]:.0%} |")
    return "\n".join(lines)
