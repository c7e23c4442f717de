#!/usr/bin/env python3
"""pilothouse beside nginx and HAProxy, in one run on this machine.

    cargo build --release
    python3 tests/bench/bench.py --pilothouse target/release/pilothouse

prints, as Markdown: CPU per request, latency and throughput for four kinds of load; the same with
two workers, and with everything on that costs; memory per idle connection; how evenly two workers
share connections; user-space instructions per request. `--only load,idle` picks parts of it.

A scenario is BODY_BYTES:CONNECTIONS[:close]. The proxies run on core 0, load and origin on core 1,
over loopback only. Needs nginx, haproxy, wrk and (for instructions) valgrind; about ten minutes.
Quote ratios, not microseconds: they alone survive the next machine.
"""
import argparse
import os
import platform
import subprocess

import balance
import instructions
import load
import memory
from contenders import Bench, Contender

PARTS = ("load", "variants", "idle", "balance", "instructions")


def contenders(kinds):
    ports = {"nginx": 18010, "haproxy": 18020, "pilothouse": 18030}
    return [Contender(kind, kind, ports[kind]) for kind in kinds]


def first_line(command):
    said = subprocess.run(command, capture_output=True, text=True)
    return (said.stdout + said.stderr).splitlines()[0]


def machine(arguments):
    versions = [first_line(["nginx", "-v"]), first_line(["haproxy", "-v"]), first_line([arguments.pilothouse, "--version"])]
    with open("/proc/cpuinfo") as file:
        models = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    return f"{os.cpu_count()} cores ({models[0] if models else platform.machine()}), Linux {platform.release()}; " + "; ".join(versions)


def measure_load(arguments, kinds):
    with Bench(contenders(kinds), arguments.pilothouse) as bench:
        for text in arguments.scenarios.split(","):
            scenario = load.Scenario(text)
            title = f"{scenario.title()}; {arguments.rounds} rounds of {arguments.seconds} s, medians"
            results = load.measure(bench, scenario, arguments.rounds, arguments.seconds)
            print(load.table(title, results, ("nginx", "haproxy")), flush=True)


def measure_variants(arguments):
    """Our own configurations against each other."""
    one = Contender("pilothouse", "pilothouse", 18030)
    two = Contender("two-workers", "pilothouse", 18031, workers=2)
    full = Contender("everything-on", "pilothouse", 18032, extras=True)
    with Bench([one, two, full], arguments.pilothouse) as bench:
        results = load.measure(bench, load.Scenario("128:64"), arguments.rounds, arguments.seconds)
        print(load.table("body 128 B, 64 connections: two workers; everything on", results, ("pilothouse",)), flush=True)


def measure_balance(arguments):
    pair = [Contender("nginx", "nginx", 18010, workers=2), Contender("pilothouse", "pilothouse", 18030, workers=2)]
    with Bench(pair, arguments.pilothouse, core="0,1") as bench:
        for connections in (16, 64, 256):
            print(balance.table(bench, connections, arguments.tries), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pilothouse", required=True, metavar="BINARY")
    parser.add_argument("--scenarios", default="128:64,16384:64,1048576:16,128:64:close")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each round")
    parser.add_argument("--connections", type=int, default=5000, help="held idle")
    parser.add_argument("--tries", type=int, default=20, help="of the accept balance")
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    arguments = parser.parse_args()
    wanted = arguments.only.split(",")
    kinds = ("nginx", "haproxy", "pilothouse")
    print(machine(arguments), flush=True)
    if "load" in wanted:
        measure_load(arguments, kinds)
    if "variants" in wanted:
        measure_variants(arguments)
    if "idle" in wanted:
        with Bench(contenders(kinds), arguments.pilothouse) as bench:
            print(memory.table(bench, arguments.connections), flush=True)
    if "balance" in wanted:
        measure_balance(arguments)
    if "instructions" in wanted:
        print(instructions.table(contenders(kinds), arguments.pilothouse), flush=True)


if __name__ == "__main__":
    main()
