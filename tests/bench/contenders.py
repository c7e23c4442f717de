"""The proxies under test and the origin behind them: their configurations and their processes.

Every proxy gets one worker, the same three origins, connections kept on both sides and no access
log, so that a ratio compares data paths and nothing else. Starts and stops processes; measures
nothing.
"""
import os
import shutil
import socket
import subprocess
import tempfile
import time

ORIGIN_PORTS = (18101, 18102, 18103)
BODIES = (128, 1024, 16384, 65536, 1048576)
CONNECTIONS_MAX = 9000
PROXY_CORE, LOAD_CORE = "0", "1"

NGINX_HEAD = """user root; daemon off; pid {folder}/{tag}.pid; error_log {folder}/{tag}.err crit;
worker_rlimit_nofile 20000; events {{ worker_connections {connections}; }}
"""


def write(path, text):
    with open(path, "w") as file:
        file.write(text)
    return path


def nginx_head(folder, tag):
    return NGINX_HEAD.format(folder=folder, tag=tag, connections=CONNECTIONS_MAX)


def nginx_temp_paths(folder, tag):
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return " ".join(f"{kind}_temp_path {folder}/{tag}_{kind};" for kind in kinds)


def origin_command(folder):
    os.makedirs(f"{folder}/www", exist_ok=True)
    for size in BODIES:
        write(f"{folder}/www/{size}", "x" * size)
    listens = " ".join(f"listen 127.0.0.1:{port} backlog=4096;" for port in ORIGIN_PORTS)
    config = write(f"{folder}/origin.conf", nginx_head(folder, "origin") + f"""worker_processes 1;
http {{ access_log off; sendfile on; tcp_nopush on; open_file_cache max=100;
 keepalive_requests 1000000000; keepalive_timeout 300s; {nginx_temp_paths(folder, "origin")}
 server {{ {listens} root {folder}/www; location = /128 {{ return 200 "{'x' * 128}"; }} }} }}
""")
    return ["nginx", "-c", config]


class Contender:
    """One proxy in one configuration; `extras` turns on what costs."""

    def __init__(self, name, kind, port, workers=1, extras=False):
        self.name, self.kind, self.port = name, kind, port
        self.workers, self.extras = workers, extras
        self.process = None

    def command(self, folder, binary):
        write_config = {"nginx": self.nginx, "haproxy": self.haproxy, "pilothouse": self.pilothouse}
        config = write_config[self.kind](folder)
        return {
            "nginx": ["nginx", "-c", config],
            "haproxy": ["haproxy", "-f", config],
            "pilothouse": [os.path.abspath(binary or ""), "run", "-c", config],
        }[self.kind]

    def nginx(self, folder):
        servers = " ".join(f"server 127.0.0.1:{port};" for port in ORIGIN_PORTS)
        reuseport = "reuseport" if self.workers > 1 else ""
        return write(f"{folder}/{self.name}.conf", nginx_head(folder, self.name) + f"""worker_processes {self.workers};
http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 300s; tcp_nodelay on;
 {nginx_temp_paths(folder, self.name)}
 proxy_buffer_size 8k; proxy_buffers 16 32k; proxy_busy_buffers_size 64k; proxy_max_temp_file_size 0;
 upstream u {{ {servers} keepalive 256; keepalive_requests 1000000000; }}
 server {{ listen 127.0.0.1:{self.port} backlog=4096 {reuseport};
  location / {{ proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection "";
   proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }} }} }}
""")

    def haproxy(self, folder):
        servers = "\n".join(f"  server s{i} 127.0.0.1:{port}" for i, port in enumerate(ORIGIN_PORTS))
        return write(f"{folder}/{self.name}.cfg", f"""global
  nbthread {self.workers}
  maxconn {CONNECTIONS_MAX}
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 60s
  option http-keep-alive
  http-reuse always
frontend f
  bind 127.0.0.1:{self.port} backlog 4096
  option forwardfor
  default_backend b
backend b
  balance roundrobin
{servers}
""")

    def pilothouse(self, folder):
        backends = "\n".join(f'  [[upstream.u.backend]]\n  address = "127.0.0.1:{port}"' for port in ORIGIN_PORTS)
        log = f'access_log = {{ file = "{folder}/access.log", format = "combined" }}' if self.extras else ""
        checks = 'check = { path = "/128", interval = "1s", timeout = "1s", fall = 3, rise = 2 }' if self.extras else ""
        return write(f"{folder}/{self.name}.toml", f"""[engine]
name = "{self.name}"
workers = {self.workers}

[[server]]
listen = ["127.0.0.1:{self.port}"]
keepalive_requests = 1000000000
{log}

  [[server.route]]
  path = "/"
  upstream = "u"

[upstream.u]
strategy = "round_robin"
keepalive = 256
keepalive_requests = 1000000000
{checks}

{backends}
""")


class Bench:
    """The origin and the contenders, running; a `with` block, so that nothing outlives a failure."""

    def __init__(self, contenders, binary, core=PROXY_CORE):
        self.contenders, self.binary, self.core = contenders, binary, core

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="bench-")
        os.chmod(self.folder, 0o755)
        self.origin = None
        try:
            self.origin = self.start(origin_command(self.folder), LOAD_CORE)
            wait_port(ORIGIN_PORTS[0], self.origin)
            for contender in self.contenders:
                command = contender.command(self.folder, self.binary)
                contender.process = self.start(command, self.core)
            for contender in self.contenders:
                wait_port(contender.port, contender.process)
        except BaseException:
            self.__exit__()
            raise
        time.sleep(0.5)
        return self

    def start(self, command, core):
        env = dict(os.environ, PILOTHOUSE_RUNTIME_DIR=f"{self.folder}/run", PILOTHOUSE_STATE_DIR=f"{self.folder}/state")
        quiet = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return subprocess.Popen(["taskset", "-c", core] + command, env=env, **quiet)

    def __exit__(self, *_failure):
        started = [contender.process for contender in self.contenders] + [self.origin]
        started = [process for process in started if process]
        for process in started:
            process.terminate()
        for process in started:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def wait_port(port, process, patience_s=20):
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            if process.poll() is not None:
                raise SystemExit(f"the server of port {port} ended with status {process.returncode}")
            time.sleep(0.05)
    raise SystemExit(f"port {port} did not open")


def descendants(pid):
    """The process and all below it."""
    found = [pid]
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as children:
                for child in children.read().split():
                    found += descendants(int(child))
    except FileNotFoundError:
        pass
    return found
