"""Load on every contender in turn: CPU per request, latency and throughput, as ratios.

CPU time is that of the proxy's own processes. Rounds are interleaved and their order alternates;
a ratio is the median of the ratios within each round, because absolute figures drift by the minute.
"""
import glob
import os
import statistics
import subprocess

from contenders import LOAD_CORE, descendants, write

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")

WRK_SCRIPT = """
if os.getenv("WRK_CLOSE") then wrk.headers["Connection"] = "close" end
done = function(summary, latency, requests)
  io.write(string.format("FIGURES %d %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9),
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout + summary.errors.status))
end
"""


class Scenario:
    """`BODY_BYTES:CONNECTIONS[:close]`."""

    def __init__(self, text, scheme="http"):
        self.scheme = scheme
        fields = text.split(":")
        self.text, self.body, self.connections = text, int(fields[0]), int(fields[1])
        self.closes = len(fields) > 2

    def title(self):
        kind = ", a new connection per request" if self.closes else ""
        return f"body {self.body} B, {self.connections} connections{kind}"


def cpu_us(pids):
    """(total, user, system): the total by the scheduler's nanosecond clock, its split by ticks."""
    total = user = system = 0
    for pid in pids:
        for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
            with open(path) as file:
                total += int(file.read().split()[0])
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        user += int(fields[11])
        system += int(fields[12])
    return total / 1000, user / TICKS_PER_SECOND * 1e6, system / TICKS_PER_SECOND * 1e6


def wrk(folder, port, scenario, seconds):
    """(requests, duration us, p50, p99, p99.9 us, errors)"""
    script = write(f"{folder}/wrk.lua", WRK_SCRIPT)
    env = dict(os.environ, WRK_CLOSE="1") if scenario.closes else dict(os.environ)
    command = ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{scenario.connections}", f"-d{seconds}s", "-s", script,
               "--timeout", "10", f"{scenario.scheme}://127.0.0.1:{port}/{scenario.body}"]
    said = subprocess.run(command, env=env, capture_output=True, text=True, timeout=seconds + 60).stdout
    figures = [line.split()[1:] for line in said.splitlines() if line.startswith("FIGURES")]
    if not figures:
        raise SystemExit(f"wrk said nothing useful:\n{said}")
    return [int(figure) for figure in figures[0]]


def round_of(folder, contender, scenario, seconds):
    pids = descendants(contender.process.pid)
    before = cpu_us(pids)
    requests, duration, p50, p99, p999, errors = wrk(folder, contender.port, scenario, seconds)
    after = cpu_us(pids)
    requests = max(requests, 1)
    cpu = (after[0] - before[0]) / requests
    user_ticks, system_ticks = after[1] - before[1], after[2] - before[2]
    user = cpu * user_ticks / max(user_ticks + system_ticks, 1)
    return dict(cpu=cpu, user=user, system=cpu - user, rate=requests / duration * 1e6, p50=p50, p99=p99, p999=p999, errors=errors)


def measure(bench, scenario, rounds, seconds):
    """By contender's name, a list of rounds."""
    results = {contender.name: [] for contender in bench.contenders}
    for contender in bench.contenders:
        wrk(bench.folder, contender.port, scenario, 1)
    for number in range(rounds):
        turn = bench.contenders if number % 2 == 0 else bench.contenders[::-1]
        for contender in turn:
            results[contender.name].append(round_of(bench.folder, contender, scenario, seconds))
    return results


def median(rounds, key):
    return statistics.median(one[key] for one in rounds)


def ratio(rounds, base, key):
    return statistics.median(one[key] / max(other[key], 1e-9) for one, other in zip(rounds, base))


def table(title, results, bases):
    """`bases` are the contenders whose ratios are columns."""
    bases = [base for base in bases if base in results]
    ratios = [f"CPU x {base}" for base in bases] + [f"p99 x {base}" for base in bases]
    header = ["proxy", "CPU us/req", "user", "system", "req/s", "p50 us", "p99 us", "p99.9 us"] + ratios + ["errors"]
    lines = [f"\n## {title}", "| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
    for name, rounds in results.items():
        cells = [name] + [f"{median(rounds, key):.2f}" for key in ("cpu", "user", "system")]
        cells += [f"{median(rounds, key):.0f}" for key in ("rate", "p50", "p99", "p999")]
        cells += [f"{ratio(rounds, results[base], key):.2f}" for key in ("cpu", "p99") for base in bases]
        cells.append(str(sum(one["errors"] for one in rounds)))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
