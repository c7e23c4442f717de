#!/usr/bin/env python3
"""TLS: pilothouse beside nginx, in one run on this machine.

    cargo build --release
    python3 tests/bench/tls.py --pilothouse target/release/pilothouse

prints, as Markdown, the CPU that a handshake costs (full, and one that goes on with a session) and what a
request costs on a connection that is kept, for small and large bodies. Both have the same certificate
(ECDSA, P-256) and one worker, and speak the cipher that the client would best have. Handshakes are made by
`openssl s_time`, requests by wrk. The servers run on core 0, load on core 1, over loopback only.
"""
import argparse
import os
import re
import statistics
import subprocess

import load
from contenders import LOAD_CORE, Bench, Contender, descendants, nginx_head, nginx_temp_paths, write

CIPHERS = {"-tls1_3": ["-ciphersuites", "TLS_AES_128_GCM_SHA256"], "-tls1_2": ["-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"]}


class Site(Contender):
    """A server of the folder that the bench's origin serves, too, over TLS."""

    def papers(self, folder):
        certificate, key = f"{folder}/site.pem", f"{folder}/site.key"
        if not os.path.exists(certificate):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                            "-nodes", "-days", "2", "-keyout", key, "-out", certificate, "-subj", "/CN=localhost"],
                           check=True, capture_output=True)
        return certificate, key

    def nginx(self, folder):
        certificate, key = self.papers(folder)
        return write(f"{folder}/{self.name}.conf", nginx_head(folder, self.name) + f"""worker_processes 1;
http {{ access_log off; sendfile on; keepalive_requests 1000000000; keepalive_timeout 300s; tcp_nodelay on;
 {nginx_temp_paths(folder, self.name)}
 server {{ listen 127.0.0.1:{self.port} ssl backlog=4096; root {folder}/www;
  ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;
  ssl_prefer_server_ciphers off; }} }}
""")

    def pilothouse(self, folder):
        certificate, key = self.papers(folder)
        return write(f"{folder}/{self.name}.toml", f"""[engine]
name = "{self.name}"
workers = 1

[[server]]
listen = {{ address = "127.0.0.1:{self.port}", tls = true }}
tls = {{ certificate = "{certificate}", key = "{key}" }}
keepalive_requests = 1000000000
route = [{{ path = "/", root = "{folder}/www" }}]
""")


def shake_hands(contender, how, seconds):
    """Microseconds of CPU for one connection."""
    version, kind = how
    pids = descendants(contender.process.pid)
    before = load.cpu_us(pids)[0]
    done = subprocess.run(["taskset", "-c", LOAD_CORE, "openssl", "s_time", "-connect", f"127.0.0.1:{contender.port}",
                           version, *CIPHERS[version], "-time", str(seconds), kind],
                          capture_output=True, text=True, check=True)
    cpu = load.cpu_us(pids)[0] - before
    count = int(re.findall(r"^(\d+) connections in \d+ real seconds", done.stdout, re.M)[-1])
    return cpu / max(count, 1)


def handshakes(sites, rounds, seconds):
    print(f"#### Handshakes; {rounds} rounds of {seconds} s, medians\n")
    print("| handshake | nginx, us | pilothouse, us | x nginx |\n|---|---|---|---|")
    for how in (("-tls1_3", "-new"), ("-tls1_2", "-new"), ("-tls1_2", "-reuse")):
        costs = {site.name: [] for site in sites}
        for _ in range(rounds):
            for site in sites:
                costs[site.name].append(shake_hands(site, how, seconds))
        nginx, ours = (statistics.median(costs[site.name]) for site in sites)
        print(f"| {how[0][1:]} {how[1][1:]} | {nginx:.0f} | {ours:.0f} | {ours / nginx:.2f} |", flush=True)
    print()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pilothouse", required=True, metavar="BINARY")
    parser.add_argument("--scenarios", default="1024:64,16384:64,1048576:16")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each round")
    arguments = parser.parse_args()
    sites = [Site("nginx", "nginx", 18040), Site("pilothouse", "pilothouse", 18050)]
    with Bench(sites, arguments.pilothouse) as bench:
        handshakes(sites, arguments.rounds, arguments.seconds)
        for text in arguments.scenarios.split(","):
            scenario = load.Scenario(text, scheme="https")
            title = f"{scenario.title()}; {arguments.rounds} rounds of {arguments.seconds} s, medians"
            results = load.measure(bench, scenario, arguments.rounds, arguments.seconds)
            print(load.table(title, results, ("nginx",)), flush=True)


if __name__ == "__main__":
    main()
