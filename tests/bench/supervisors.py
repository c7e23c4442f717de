"""The two supervisors, with the same programs: how each is started, asked and watched.

A supervisor's programs are told from its own processes by their command. Everything is observed from
outside, in /proc, so that the watching costs both the same; only processes started here are ended.
"""
import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import xmlrpc.client

from contenders import descendants
from memory import pss_kib

PATIENCE_S = 180
SLEEP = "1000003"
TICKS = os.sysconf("SC_CLK_TCK")


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self.path)


class UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path):
        super().__init__()
        self.path = path

    def make_connection(self, host):
        return UnixConnection(self.path)


def is_program(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read() == b"sleep\0" + SLEEP.encode() + b"\0"
    except OSError:
        return False


def ticks(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


class Supervisor:
    """Within `with`, it runs; its programs sleep."""

    def __init__(self, programs):
        self.count = programs
        self.folder = tempfile.mkdtemp(prefix="supervise-")
        self.process = None
        self.begun = 0.0

    def __enter__(self):
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            self.command(), cwd=self.folder, env=self.environment(),
            stdout=open(os.path.join(self.folder, "said"), "w"), stderr=subprocess.STDOUT,
        )
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE_S)
        finally:
            for pid in self.programs():
                os.kill(pid, signal.SIGKILL)
            shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self):
        return dict(os.environ)

    def own(self):
        return [pid for pid in descendants(self.process.pid) if not is_program(pid)]

    def programs(self):
        return [pid for pid in descendants(self.process.pid) if is_program(pid)]

    def wait(self, what, condition, pause=0.005):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline or self.process.poll() is not None:
                with open(os.path.join(self.folder, "said")) as file:
                    raise SystemExit(f"{what}: not within {PATIENCE_S} s\n{file.read()[-4000:]}")
            time.sleep(pause)
        return time.monotonic()

    def wait_all_spawned(self):
        return self.wait("all are there", lambda: len(self.programs()) == self.count) - self.begun

    def states(self):
        try:
            return [row["statename"] for row in self.status_call()]
        except (OSError, http.client.HTTPException):
            return []

    def wait_all_running(self):
        return self.wait("all run", lambda: self.states() == ["RUNNING"] * self.count) - self.begun

    def status_call(self):
        proxy = xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=UnixTransport(self.socket()))
        return proxy.supervisor.getAllProcessInfo()

    def status_answer(self):
        """The same, but for what the client makes of it: a thousand structs cost Python's parser more than
        a supervisor that is any good."""
        connection = UnixConnection(self.socket())
        body = xmlrpc.client.dumps((), "supervisor.getAllProcessInfo")
        connection.request("POST", "/RPC2", body, {"Content-Type": "text/xml"})
        answer = connection.getresponse().read()
        connection.close()
        if answer.count(b"statename") != self.count:
            raise SystemExit(f"not the state of all: {answer[:200]}")

    def memory_kib(self):
        return pss_kib(self.own())

    def cpu_percent(self, seconds):
        pids = self.own()
        before = sum(map(ticks, pids))
        time.sleep(seconds)
        return (sum(map(ticks, pids)) - before) / TICKS / seconds * 100

    def kill_one(self, number):
        """A program that was not killed before, so that no limit on restarts takes part."""
        before, parents = set(self.programs()), set(self.own())
        victim = sorted(before)[number * 7]
        killed = time.monotonic()
        os.kill(victim, signal.SIGKILL)
        back = self.wait("it is back", lambda: self.has_other(before, parents), pause=0.001)
        # Its start is over before the next one is killed.
        time.sleep(1.5)
        return back - killed

    def has_other(self, before, parents):
        for parent in parents:
            children = []
            try:
                # Whichever thread has started them.
                for task in os.listdir(f"/proc/{parent}/task"):
                    with open(f"/proc/{parent}/task/{task}/children") as file:
                        children += [int(pid) for pid in file.read().split()]
            except OSError:
                continue
            # The newest come last, and most of the others are known.
            for pid in reversed(children):
                if pid not in before and pid not in parents and is_program(pid):
                    return True
        return False

    def kill_all(self):
        """Until all are there again, and until the first status after the deaths is answered."""
        before = set(self.programs())
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        killed = time.monotonic()
        self.status_call()
        answered = time.monotonic()
        back = self.wait("all are back", lambda: sum(pid not in before for pid in self.programs()) == self.count)
        return back - killed, answered - killed


class Supervisord(Supervisor):
    def __init__(self, bin_folder, programs):
        super().__init__(programs)
        self.bin = os.path.abspath(bin_folder)
        sections = [
            f"[unix_http_server]\nfile={self.socket()}",
            f"[supervisord]\nnodaemon=true\nlogfile={self.folder}/log\npidfile={self.folder}/pid\nminfds=20000\nchildlogdir={self.folder}",
            "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
            f"[supervisorctl]\nserverurl=unix://{self.socket()}",
        ] + [f"[program:p{number}]\ncommand=sleep {SLEEP}\nautorestart=true\nstdout_logfile=NONE\nstderr_logfile=NONE" for number in range(programs)]
        self.config = os.path.join(self.folder, "supervisord.conf")
        with open(self.config, "w") as file:
            file.write("\n".join(sections))

    def socket(self):
        return os.path.join(self.folder, "s.sock")

    def command(self):
        return [os.path.join(self.bin, "supervisord"), "-c", self.config]

    def status_command(self):
        subprocess.run([os.path.join(self.bin, "supervisorctl"), "-c", self.config, "status"], stdout=subprocess.DEVNULL)


class Pilothouse(Supervisor):
    def __init__(self, binary, programs):
        super().__init__(programs)
        self.binary = os.path.abspath(binary)
        sections = [f'[program.p{number}]\ncommand = "sleep {SLEEP}"\nautorestart = true' for number in range(programs)]
        self.config = os.path.join(self.folder, "pilothouse.toml")
        with open(self.config, "w") as file:
            file.write("\n".join(['[engine]\nname = "bench"\nworkers = 1'] + sections))

    def environment(self):
        return dict(os.environ, PILOTHOUSE_RUNTIME_DIR=self.folder, PILOTHOUSE_STATE_DIR=self.folder)

    def socket(self):
        return os.path.join(self.folder, "bench", "control.sock")

    def command(self):
        return [self.binary, "run", "-c", self.config]

    def status_command(self):
        subprocess.run([self.binary, "-s", self.socket(), "program", "list"], stdout=subprocess.DEVNULL, env=self.environment())
