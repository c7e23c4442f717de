"""Memory per idle keep-alive connection: the growth of proportional set size, each connection served once."""
import time

import clients
from contenders import descendants


def pss_kib(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    return total


def table(bench, count):
    lines = [f"\n## {count} idle keep-alive connections", "| proxy | KiB before | KiB with | bytes per connection |", "|---|---|---|---|"]
    for contender in bench.contenders:
        before = pss_kib(descendants(contender.process.pid))
        held = []
        for _ in range(count):
            held += clients.connect(contender.port, 1)
            clients.ask_each(held[-1:])
        time.sleep(1)
        after = pss_kib(descendants(contender.process.pid))
        clients.close(held)
        lines.append(f"| {contender.name} | {before} | {after} | {(after - before) * 1024 / count:.0f} |")
    return "\n".join(lines)
