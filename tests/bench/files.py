#!/usr/bin/env python3
"""Files from a folder: pilothouse beside nginx, in one run on this machine.

    cargo build --release
    python3 tests/bench/files.py --pilothouse target/release/pilothouse

prints CPU per request, latency and throughput as Markdown. A scenario is BODY_BYTES:CONNECTIONS[:close];
both serve the same files with sendfile, nginx once as it comes and once with its `open_file_cache`,
which answers from what it knew a minute ago; pilothouse looks at every file at every request. The
servers run on core 0, load on core 1, over loopback only.
"""
import argparse

import load
from contenders import Bench, Contender, nginx_head, nginx_temp_paths, write


class Site(Contender):
    """A server of the folder that the bench's origin serves, too."""

    def nginx(self, folder):
        cache = "open_file_cache max=1000; open_file_cache_valid 60s;" if self.extras else ""
        return write(f"{folder}/{self.name}.conf", nginx_head(folder, self.name) + f"""worker_processes 1;
http {{ access_log off; sendfile on; keepalive_requests 1000000000; keepalive_timeout 300s; tcp_nodelay on; {cache}
 {nginx_temp_paths(folder, self.name)}
 server {{ listen 127.0.0.1:{self.port} backlog=4096; root {folder}/www; }} }}
""")

    def pilothouse(self, folder):
        return write(f"{folder}/{self.name}.toml", f"""[engine]
name = "{self.name}"
workers = 1

[[server]]
listen = ["127.0.0.1:{self.port}"]
keepalive_requests = 1000000000
route = [{{ path = "/", root = "{folder}/www" }}]
""")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pilothouse", required=True, metavar="BINARY")
    parser.add_argument("--scenarios", default="1024:64,16384:64,65536:64,1048576:16,1024:64:close")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of each round")
    arguments = parser.parse_args()
    sites = [
        Site("nginx", "nginx", 18010),
        Site("nginx-cache", "nginx", 18011, extras=True),
        Site("pilothouse", "pilothouse", 18030),
    ]
    with Bench(sites, arguments.pilothouse) as bench:
        for text in arguments.scenarios.split(","):
            scenario = load.Scenario(text)
            title = f"{scenario.title()}; {arguments.rounds} rounds of {arguments.seconds} s, medians"
            results = load.measure(bench, scenario, arguments.rounds, arguments.seconds)
            print(load.table(title, results, ("nginx", "nginx-cache")), flush=True)


if __name__ == "__main__":
    main()
