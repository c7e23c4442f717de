"""User-space instructions per proxied request, by callgrind: the steadiest figure there is.

Each proxy runs under callgrind twice, with few and with many requests; the difference of both
counts over the difference of requests leaves start and stop out. Only the process that serves is
counted: the one with the largest difference.
"""
import glob
import os
import re
import tempfile

import clients
from contenders import Bench

CONNECTIONS = 64
ROUNDS_FEW, ROUNDS_MANY = 20, 120


class Observed(Bench):
    """Contenders under callgrind; each process writes its count when it ends.

    pilothouse starts its worker under it by itself: valgrind does not know the system calls that
    the keeper and the master watch processes with.
    """

    def start(self, command, core):
        callgrind = ["valgrind", "--tool=callgrind", "--trace-children=yes", f"--callgrind-out-file={self.counts}/%p"]
        os.environ["PILOTHOUSE_WORKER_UNDER"] = " ".join(callgrind)
        serves_itself = command[0] == "haproxy" or command[-1].endswith("/nginx.conf")
        try:
            return super().start(callgrind + command if serves_itself else command, core)
        finally:
            # Whatever is started next is measured by somebody else.
            del os.environ["PILOTHOUSE_WORKER_UNDER"]


def largest_count(folder):
    found = [0]
    for path in glob.glob(f"{folder}/*"):
        with open(path) as file:
            said = re.findall(r"^(?:summary|totals): (\d+)", file.read(), re.MULTILINE)
        found += [int(number) for number in said]
    return max(found)


def count(contender, binary, rounds):
    with tempfile.TemporaryDirectory(prefix="callgrind-") as counts:
        # A worker of ours that root starts runs as nobody.
        os.chmod(counts, 0o777)
        bench = Observed([contender], binary)
        bench.counts = counts
        with bench:
            held = clients.connect(contender.port, CONNECTIONS)
            for _ in range(rounds):
                clients.ask_each(held)
            clients.close(held)
        return largest_count(counts)


def table(contenders, binary):
    lines = ["\n## user-space instructions per request, body 128 B, keep-alive", "| proxy | instructions | x nginx | x haproxy |", "|---|---|---|---|"]
    per_request = {}
    for contender in contenders:
        few, many = (count(contender, binary, rounds) for rounds in (ROUNDS_FEW, ROUNDS_MANY))
        per_request[contender.name] = (many - few) / ((ROUNDS_MANY - ROUNDS_FEW) * CONNECTIONS)
    for name, own in per_request.items():
        ratios = [f"{own / per_request[base]:.2f}" if base in per_request else "-" for base in ("nginx", "haproxy")]
        lines.append(f"| {name} | {own:.0f} | {ratios[0]} | {ratios[1]} |")
    return "\n".join(lines)
