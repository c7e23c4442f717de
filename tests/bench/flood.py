"""One program that prints as fast as it can: how fast its output is in its file, byte for byte, and
what that does to the requests that the same engine serves meanwhile."""
import os
import re
import subprocess
import time

from supervisors import Pilothouse, Supervisord

LINE = b"a line of output as programs write them, of seventy-nine bytes and its line end\n"
FLOOD = "import sys,os\nline=%r*800\nleft=%d\nwhile left>0: left-=os.write(1,line[:left])\nimport time; time.sleep(1000)"


def script(folder, megabytes):
    path = os.path.join(folder, "flood.py")
    with open(path, "w") as file:
        file.write(FLOOD % (LINE, megabytes << 20))
    return path


class Flooded:
    """A supervisor with one program that floods its file."""

    def __init__(self, supervisor, megabytes):
        self.supervisor = supervisor
        self.bytes = megabytes << 20
        self.log = os.path.join(supervisor.folder, "flood.log")
        self.script = script(supervisor.folder, megabytes)

    def seconds(self):
        with self.supervisor:
            self.supervisor.wait("it writes", lambda: self.size() > 0)
            begun = time.monotonic()
            return self.supervisor.wait("it is written", lambda: self.size() >= self.bytes) - begun

    def size(self):
        try:
            return os.stat(self.log).st_size
        except OSError:
            return 0


def ours(arguments, lines=""):
    supervisor = Pilothouse(arguments.pilothouse, 0)
    flooded = Flooded(supervisor, arguments.megabytes)
    with open(supervisor.config, "a") as file:
        file.write(f'\n{lines}[program.flood]\ncommand = "python3 {flooded.script}"\nstdout = {{ file = "{flooded.log}", max_bytes = "0B" }}\n')
    return flooded


def theirs(arguments):
    supervisor = Supervisord(arguments.supervisor, 0)
    flooded = Flooded(supervisor, arguments.megabytes)
    with open(supervisor.config, "a") as file:
        file.write(f"\n[program:flood]\ncommand=python3 {flooded.script}\nstdout_logfile={flooded.log}\nstdout_logfile_maxbytes=0\n")
    return flooded


SITE = """
[[server]]
listen = ["127.0.0.1:18040"]
[[server.route]]
path = "/"
respond = { body = "ok" }
"""


def p99_us(seconds):
    said = subprocess.run(["wrk", "-t1", "-c8", f"-d{seconds}s", "--latency", "http://127.0.0.1:18040/"], capture_output=True, text=True).stdout
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", said).groups()
    return float(number) * {"us": 1, "ms": 1000, "s": 1e6}[unit]


def p99_ratio(arguments):
    """With an endless flood, against without."""
    found = []
    for megabytes in (0, 1 << 20):
        supervisor = Pilothouse(arguments.pilothouse, 0)
        path = script(supervisor.folder, megabytes)
        with open(supervisor.config, "a") as file:
            file.write(SITE + f'[program.flood]\ncommand = "python3 {path}"\nstdout = {{ file = "{supervisor.folder}/flood.log", max_bytes = "50MB", backups = 1 }}\n')
        with supervisor:
            supervisor.wait("it serves", lambda: subprocess.run(["curl", "-sf", "-o", "/dev/null", "http://127.0.0.1:18040/"]).returncode == 0)
            found.append(p99_us(5))
    return found


def table(arguments):
    seconds = (ours(arguments).seconds(), theirs(arguments).seconds())
    rates = [arguments.megabytes / second for second in seconds]
    calm, flooded = p99_ratio(arguments)
    return (
        f"\n## A flood of {arguments.megabytes} MiB\n\n| | supervisord | pilothouse | times |\n|---|---|---|---|\n"
        f"| into its file | {rates[1]:,.0f} MiB/s | {rates[0]:,.0f} MiB/s | {rates[0] / rates[1]:.1f} |\n"
        f"| p99 of the engine's own answers meanwhile, x without | | {flooded / calm:.2f} | |"
    )
