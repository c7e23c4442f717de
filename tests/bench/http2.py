#!/usr/bin/env python3
"""HTTP/2: pilothouse beside nginx, in one run on this machine.

    cargo build --release
    python3 tests/bench/http2.py --pilothouse target/release/pilothouse

prints, as Markdown, the CPU that a request costs and how many are answered a second, on connections that
carry many streams at a time: in plain, with the same origins behind both, for small and large bodies. Each
has one worker. Load is made by h2load. The servers run on core 0, load on core 1, over loopback only.
"""
import argparse
import re
import statistics
import subprocess

import load
from contenders import LOAD_CORE, ORIGIN_PORTS, Bench, Contender, descendants, nginx_head, nginx_temp_paths, write


class Proxy(Contender):
    """Whose clients speak HTTP/2 from their first byte on, and whose origins speak HTTP/1.1."""

    def nginx(self, folder):
        servers = " ".join(f"server 127.0.0.1:{port};" for port in ORIGIN_PORTS)
        return write(f"{folder}/{self.name}.conf", nginx_head(folder, self.name) + f"""worker_processes 1;
http {{ access_log off; keepalive_requests 1000000000; keepalive_timeout 300s; tcp_nodelay on;
 {nginx_temp_paths(folder, self.name)}
 proxy_buffer_size 8k; proxy_buffers 16 32k; proxy_busy_buffers_size 64k; proxy_max_temp_file_size 0;
 upstream u {{ {servers} keepalive 256; keepalive_requests 1000000000; }}
 server {{ listen 127.0.0.1:{self.port} http2 backlog=4096;
  location / {{ proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection "";
   proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }} }} }}
""")

    def pilothouse(self, folder):
        backends = ", ".join(f'{{ address = "127.0.0.1:{port}" }}' for port in ORIGIN_PORTS)
        return write(f"{folder}/{self.name}.toml", f"""[engine]
name = "{self.name}"
workers = 1

[[server]]
listen = {{ address = "127.0.0.1:{self.port}", http2 = true }}
keepalive_requests = 1000000000
route = [{{ path = "/", upstream = "u" }}]

[upstream.u]
keepalive = 256
keepalive_requests = 1000000000
backend = [{backends}]
""")


class Scenario:
    """`BODY_BYTES:CONNECTIONS:STREAMS`, the last of each connection."""

    def __init__(self, text):
        self.body, self.connections, self.streams = (int(field) for field in text.split(":"))

    def title(self):
        return f"body {self.body} B, {self.connections} connections of {self.streams} streams"


def h2load(port, scenario, seconds):
    """(requests that were answered, those that failed)"""
    command = ["taskset", "-c", LOAD_CORE, "h2load", "-t1", f"-c{scenario.connections}", f"-m{scenario.streams}",
               f"-D{seconds}", "-w24", "-W28", f"http://127.0.0.1:{port}/{scenario.body}"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60).stdout
    found = re.search(r"^requests: .* (\d+) succeeded, (\d+) failed", said, re.M)
    if not found:
        raise SystemExit(f"h2load said nothing useful:\n{said}")
    return int(found[1]), int(found[2])


def round_of(proxy, scenario, seconds):
    pids = descendants(proxy.process.pid)
    before = load.cpu_us(pids)[0]
    answered, failed = h2load(proxy.port, scenario, seconds)
    return dict(cpu=(load.cpu_us(pids)[0] - before) / max(answered, 1), rate=answered / seconds, failed=failed)


def compare(proxies, scenario, rounds, seconds):
    results = {proxy.name: [] for proxy in proxies}
    for proxy in proxies:
        h2load(proxy.port, scenario, 1)
    for number in range(rounds):
        for proxy in proxies if number % 2 == 0 else proxies[::-1]:
            results[proxy.name].append(round_of(proxy, scenario, seconds))
    print(f"\n## {scenario.title()}; {rounds} rounds of {seconds} s, medians\n")
    print("| proxy | CPU us/req | req/s | CPU x nginx | req/s x nginx | failed |\n|---|---|---|---|---|---|")
    for name, found in results.items():
        cpu, rate = (statistics.median(one[key] for one in found) for key in ("cpu", "rate"))
        ratios = " | ".join(f"{load.ratio(found, results['nginx'], key):.2f}" for key in ("cpu", "rate"))
        print(f"| {name} | {cpu:.2f} | {rate:.0f} | {ratios} | {sum(one['failed'] for one in found)} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pilothouse", required=True, metavar="BINARY")
    parser.add_argument("--scenarios", default="128:8:16,16384:8:16,1048576:4:4")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each round")
    arguments = parser.parse_args()
    proxies = [Proxy("nginx", "nginx", 18060), Proxy("pilothouse", "pilothouse", 18070)]
    with Bench(proxies, arguments.pilothouse):
        for text in arguments.scenarios.split(","):
            compare(proxies, Scenario(text), arguments.rounds, arguments.seconds)


if __name__ == "__main__":
    main()
