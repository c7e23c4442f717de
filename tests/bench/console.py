#!/usr/bin/env python3
"""What a console costs, and what being watched costs the engine.

    cargo build --release
    python3 tests/bench/console.py --pilothouse target/release/pilothouse

prints, as Markdown: CPU of an idle console at 200x60 in each view, with 200 backends, 200 programs and
light traffic; CPU of the console from a key to the end of its frame, and that time on the clock, each
p99; a console's memory; the master's CPU with and without one that watches; CPU of a console that
follows a program's output of thousands of lines a second. Memory with the full quarter of an hour of
samples needs that long: `--minutes 15`.

Everything is observed from outside: /proc, and the bytes of a pseudo terminal. Loopback only.
"""
import argparse
import fcntl
import json
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BACKENDS = PROGRAMS = 200
SIZE = (60, 200)
FRAME_END = b"\x1b[?2026l"
VIEWS = ("Overview", "Backends", "Balance", "Programs", "Workers", "Requests", "Logs", "Events", "Config")
TICKS = os.sysconf("SC_CLK_TCK")


def ticks(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def cpu_ns(pid):
    """Of all its threads, finer than ticks."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as file:
            total += int(file.read().split()[0])
    return total


def memory_kib(pid):
    """Resident, and of that what is the console's alone."""
    with open(f"/proc/{pid}/status") as file:
        values = dict(line.split(":", 1) for line in file if line.startswith(("VmRSS", "RssAnon")))
    return [int(values[name].split()[0]) for name in ("VmRSS", "RssAnon")]


class Origin(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


class Engine:
    """Within `with`, one runs with everything, under a light load of its own."""

    def __init__(self, binary):
        self.binary = binary
        self.folder = tempfile.mkdtemp(prefix="console-bench-")
        self.is_over = threading.Event()

    def __enter__(self):
        # Every address of the loopback network is this origin's.
        self.origin = Server(("0.0.0.0", 0), Origin)
        threading.Thread(target=self.origin.serve_forever, daemon=True).start()
        port = self.origin.server_address[1]
        self.listen = 18090
        parts = [f'[engine]\nname = "bench"\nworkers = 2\n[[server]]\nlisten = ["127.0.0.1:{self.listen}"]\n']
        for number in range(4):
            parts.append(f'[[server.route]]\npath = "/{number}"\nupstream = "u{number}"\n')
        for number in range(4):
            parts.append(f"[upstream.u{number}]\n")
            for backend in range(BACKENDS // 4):
                address = f"127.0.{number + 1}.{backend + 1}:{port}"
                parts.append(f'[[upstream.u{number}.backend]]\naddress = "{address}"\n')
        for number in range(PROGRAMS - 1):
            parts.append(f'[program.p{number:03}]\ncommand = "sleep 1000003"\nstart_seconds = 0\n')
        talk = "sh -c 'while :; do yes a line of some eighty letters that a program writes into its log | head -n 2000; sleep 0.2; done'"
        parts.append(f'[program.talker]\ncommand = "{talk}"\nautostart = false\nstart_seconds = 0\n')
        self.config = os.path.join(self.folder, "pilothouse.toml")
        with open(self.config, "w") as file:
            file.write("".join(parts))
        self.environment = dict(
            os.environ, TERM="xterm-256color", LC_ALL="C.UTF-8",
            PILOTHOUSE_RUNTIME_DIR=os.path.join(self.folder, "run"), PILOTHOUSE_STATE_DIR=os.path.join(self.folder, "state"),
            XDG_CONFIG_HOME=os.path.join(self.folder, "config"), XDG_STATE_HOME=os.path.join(self.folder, "home"),
        )
        self.process = subprocess.Popen([self.binary, "run", "-c", self.config], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.until_all_run()
        threading.Thread(target=self.load, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.origin.shutdown()
        shutil.rmtree(self.folder)

    def ctl(self, *words):
        return subprocess.run([self.binary, *words, "-c", self.config], env=self.environment, capture_output=True, text=True)

    def status(self):
        return json.loads(self.ctl("status", "--json").stdout)

    def until_all_run(self):
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            answer = self.ctl("status", "--json")
            if answer.returncode == 0:
                running = [row for row in json.loads(answer.stdout)["programs"] if row["state"] == "RUNNING"]
                if len(running) >= PROGRAMS - 1:
                    return
            time.sleep(0.5)
        raise SystemExit("the engine does not run all of it")

    def master(self):
        children = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
                with open(f"/proc/{pid}/cmdline") as file:
                    words = file.read()
            except OSError:
                continue
            if parent == self.process.pid and "sleep" not in words:
                children.append(int(pid))
        return min(children)

    def load(self):
        """Some fifty requests a second over all upstreams."""
        number = 0
        while not self.is_over.wait(0.02):
            number += 1
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.listen}/{number % 4}", timeout=2) as answer:
                    answer.read()
            except OSError:
                pass


class Console:
    """Within `with`, one is attached to a terminal that is always read."""

    def __init__(self, engine, size=SIZE):
        self.engine, self.size = engine, size
        self.bytes_seen = self.frames = 0
        self.condition = threading.Condition()

    def __enter__(self):
        home = os.path.join(self.engine.folder, "home", "pilothouse")
        os.makedirs(home, exist_ok=True)
        open(os.path.join(home, "console-welcomed"), "w").close()
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execve(self.engine.binary, [self.engine.binary, "console", "-c", self.engine.config], self.engine.environment)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", *self.size, 0, 0))
        threading.Thread(target=self.read, daemon=True).start()
        self.until_quiet()
        return self

    def __exit__(self, *_):
        os.write(self.terminal, b"\x03")
        os.waitpid(self.pid, 0)
        os.close(self.terminal)

    def read(self):
        tail = b""
        while True:
            try:
                data = os.read(self.terminal, 65536)
            except OSError:
                return
            with self.condition:
                self.bytes_seen += len(data)
                self.frames += (tail + data).count(FRAME_END)
                tail = data[-(len(FRAME_END) - 1):]
                self.condition.notify_all()

    def until_quiet(self):
        """Attached, and everything that comes at first has come."""
        with self.condition:
            self.condition.wait_for(lambda: self.frames >= 3, 20)
        time.sleep(3)

    def press(self, keys):
        os.write(self.terminal, keys)

    def frame_after(self, keys):
        """Seconds on the clock, and of CPU, from a key to the end of the frame that follows it."""
        with self.condition:
            seen = self.frames
            begun, used = time.monotonic(), cpu_ns(self.pid)
            self.press(keys)
            self.condition.wait_for(lambda: self.frames > seen, 5)
            return time.monotonic() - begun, (cpu_ns(self.pid) - used) / 1e9


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure_idle(engine, seconds):
    print(f"\n## An idle console at {SIZE[1]}x{SIZE[0]}, {BACKENDS} backends, {PROGRAMS} programs, {seconds} s a view\n")
    print("| view | CPU | frames/s | bytes/s |\n|---|---|---|---|")
    with Console(engine) as console:
        for number, view in enumerate(VIEWS, 1):
            console.press(str(number).encode())
            time.sleep(2)
            used, frames, count = cpu_ns(console.pid), console.frames, console.bytes_seen
            time.sleep(seconds)
            used = (cpu_ns(console.pid) - used) / 1e9 / seconds
            print(f"| {view} | {used:.2%} | {(console.frames - frames) / seconds:.1f} | {(console.bytes_seen - count) / seconds:,.0f} |", flush=True)


def measure_frames(engine, count):
    print(f"\n## From a key to the end of its frame, {count} keys a view\n")
    print("| view | CPU p50 | CPU p99 | clock p50 | clock p99 |\n|---|---|---|---|---|")
    with Console(engine) as console:
        for number, view in enumerate(VIEWS, 1):
            console.press(str(number).encode())
            time.sleep(1)
            clock, cpu = [], []
            for at in range(count):
                # Frames are drawn at most thirty times a second.
                time.sleep(0.05)
                waited, used = console.frame_after(b"j" if at % 20 < 10 else b"k")
                clock.append(waited * 1000)
                cpu.append(used * 1000)
            row = [percentile(values, share) for values in (cpu, clock) for share in (0.5, 0.99)]
            print(f"| {view} | " + " | ".join(f"{value:.1f} ms" for value in row) + " |", flush=True)


def measure_watched(engine, seconds):
    master = engine.master()
    time.sleep(3)
    used = cpu_ns(master)
    time.sleep(seconds)
    alone = (cpu_ns(master) - used) / 1e9 / seconds
    with Console(engine):
        used = cpu_ns(master)
        time.sleep(seconds)
        watched = (cpu_ns(master) - used) / 1e9 / seconds
    print(f"\n## The engine's master, {seconds} s each\n\n| nobody watches | one console | the console's cost |\n|---|---|---|")
    print(f"| {alone:.2%} | {watched:.2%} | {watched - alone:.2%} |", flush=True)


def measure_log(engine, seconds):
    with Console(engine) as console:
        console.press(b"7")
        engine.ctl("program", "start", "talker")
        time.sleep(3)
        used, frames = cpu_ns(console.pid), console.frames
        time.sleep(seconds)
        used = (cpu_ns(console.pid) - used) / 1e9 / seconds
        rate = (console.frames - frames) / seconds
        engine.ctl("program", "stop", "talker")
    print(f"\n## Following about 10,000 lines a second\n\n| CPU | frames/s |\n|---|---|\n| {used:.1%} | {rate:.1f} |", flush=True)


def measure_memory(engine, minutes):
    with Console(engine) as console:
        for key in "123456789":
            console.press(key.encode())
            time.sleep(1)
        time.sleep(max(0, minutes * 60 - 9))
        console.press(b"1")
        time.sleep(2)
        resident, own = memory_kib(console.pid)
    print(f"\n## A console's memory after {minutes:g} minutes\n\n| resident | of that its own |\n|---|---|")
    print(f"| {resident / 1024:.1f} MiB | {own / 1024:.1f} MiB |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pilothouse", required=True)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--only", default="idle,frames,watched,log,memory")
    arguments = parser.parse_args()
    arguments.pilothouse = os.path.abspath(arguments.pilothouse)
    parts = {
        "idle": lambda engine: measure_idle(engine, arguments.seconds),
        "frames": lambda engine: measure_frames(engine, arguments.keys),
        "watched": lambda engine: measure_watched(engine, arguments.seconds),
        "log": lambda engine: measure_log(engine, arguments.seconds),
        "memory": lambda engine: measure_memory(engine, arguments.minutes),
    }
    with Engine(arguments.pilothouse) as engine:
        for part in arguments.only.split(","):
            parts[part](engine)


if __name__ == "__main__":
    main()
