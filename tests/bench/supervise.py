#!/usr/bin/env python3
"""pilothouse beside supervisord, in one run on this machine.

    cargo build --release
    python3 -m venv venv && venv/bin/pip install supervisor==4.3.0
    python3 tests/bench/supervise.py --pilothouse target/release/pilothouse --supervisor venv/bin

prints, as Markdown: how long a thousand programs take to start, how soon status is answered, what
follows when one of them or all of them are killed, memory and idle CPU with all of them running, and
how fast the flood of one program's output reaches its file. `--only start,flood` picks parts of it.

Both get the same programs with the same settings and nothing else; they run one after the other.
Needs about ten minutes and 3,000 free processes. Quote ratios: they alone survive the next machine.
"""
import argparse
import statistics
import time

import flood
from supervisors import Pilothouse, Supervisord

PARTS = ("start", "status", "kill", "massacre", "idle", "flood")


def row(name, unit, values, digits=0):
    """One line: the figures of both, and how many times as much the other takes."""
    ours, theirs = values
    shown = [f"{value:,.{digits}f} {unit}" for value in (theirs, ours)]
    return f"| {name} | {shown[0]} | {shown[1]} | {theirs / ours:.1f} |" if ours else f"| {name} | {shown[0]} | {shown[1]} | |"


def measure(supervisor, arguments):
    found = {}
    with supervisor:
        found["up"] = supervisor.wait_all_spawned() * 1000
        found["running"] = supervisor.wait_all_running() * 1000
        if "status" in arguments.only:
            found["command"] = statistics.median(timed(supervisor.status_command) for _ in range(arguments.tries)) * 1000
            found["call"] = statistics.median(timed(supervisor.status_answer) for _ in range(arguments.tries)) * 1000
            found["parsed"] = statistics.median(timed(supervisor.status_call) for _ in range(arguments.tries)) * 1000
        if "idle" in arguments.only:
            time.sleep(2)
            found["memory"] = supervisor.memory_kib() / 1024
            found["idle"] = supervisor.cpu_percent(arguments.idle_seconds)
        if "kill" in arguments.only:
            reactions = [supervisor.kill_one(number) for number in range(arguments.tries)]
            found["kill"] = statistics.median(reactions) * 1000
            found["kill_worst"] = max(reactions) * 1000
        if "massacre" in arguments.only:
            back, answered = supervisor.kill_all()
            found["back"], found["answered"] = back * 1000, answered * 1000
    return found


def timed(work):
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


LINES = (
    ("up", "all processes there", "ms", 0),
    ("running", "all shown RUNNING (they count as started after 1 s)", "ms", 0),
    ("command", "`status` at the command line", "ms", 0),
    ("call", "status by XML-RPC: the whole answer is there", "ms", 1),
    ("parsed", "the same, until Python's client has parsed it", "ms", 1),
    ("kill", "one killed with -9: the next process is there, median", "ms", 1),
    ("kill_worst", "the same, worst", "ms", 1),
    ("back", "all killed with -9: all processes there again", "ms", 0),
    ("answered", "the first status after that", "ms", 0),
    ("memory", "memory (proportional set size)", "MiB", 1),
    ("idle", "CPU while nothing happens", "%", 2),
)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pilothouse", required=True, metavar="BINARY")
    parser.add_argument("--supervisor", required=True, metavar="FOLDER", help="of supervisord and supervisorctl")
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--tries", type=int, default=11)
    parser.add_argument("--idle-seconds", type=int, default=20)
    parser.add_argument("--megabytes", type=int, default=150, help="of the flood")
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    arguments = parser.parse_args()
    arguments.only = arguments.only.split(",")
    if set(arguments.only) - {"flood"}:
        ours = measure(Pilothouse(arguments.pilothouse, arguments.programs), arguments)
        theirs = measure(Supervisord(arguments.supervisor, arguments.programs), arguments)
        print(f"\n## {arguments.programs} programs\n\n| | supervisord | pilothouse | times |\n|---|---|---|---|")
        for key, name, unit, digits in LINES:
            if key in ours:
                print(row(name, unit, (ours[key], theirs[key]), digits), flush=True)
    if "flood" in arguments.only:
        print(flood.table(arguments), flush=True)


if __name__ == "__main__":
    main()
