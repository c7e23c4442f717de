#!/usr/bin/env python3
"""What the firewall costs a clean request: user-space instructions and CPU, blocking beside off.

    cargo build --release
    python3 tests/bench/firewall.py --pilothouse target/release/pilothouse

prints Markdown: a bare request and one as a browser sends it, with query, cookies and its dozen
headers; the same one again, and with another query and page before it each time, since what is known to
be clean is not judged again. Instructions are callgrind's (needs valgrind), of the process that serves, start and stop
left out; CPU per request is what the kernel counts for all its processes, system calls included, of
rounds that take turns.
"""
import argparse
import itertools
import statistics

import clients
import contenders
import instructions
import load

BARE = clients.REQUEST
BROWSER = b"""GET /128?q=select+a+colour+from+the+union&page=2&sort=-date&filter%5Bname%5D=o%27neil HTTP/1.1
Host: bench
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8
Accept-Language: en-GB,en;q=0.5
Accept-Encoding: gzip, deflate, br, zstd
Referer: http://bench/search?q=it%27s&page=1
Cookie: _ga=GA1.1.1234567890.1700000000; theme=dark; session=0a1b2c3d4e5f60718293a4b5c6d7e8f9
Sec-CH-UA: "Chromium";v="124", "Not-A.Brand";v="99"
Sec-Fetch-Site: same-origin
Sec-Fetch-Mode: navigate
Upgrade-Insecure-Requests: 1

""".replace(b"\n", b"\r\n")
ROUND_REQUESTS = 64 * 300
NUMBERS = itertools.count()


def wandering():
    """The next of requests of which no two are the same."""
    number = b"%d" % next(NUMBERS)
    return BROWSER.replace(b"colour", b"colour+" + number).replace(b"it%27s", b"it%27s+" + number)


class Walled(contenders.Contender):
    """pilothouse before the usual origins; `extras` turns the firewall on."""

    def pilothouse(self, folder):
        is_on, self.extras = self.extras, False
        path = super().pilothouse(folder)
        self.extras = is_on
        with open(path) as file:
            text = file.read()
        mode = "block" if is_on else "off"
        return contenders.write(path, text.replace("keepalive_requests", f'firewall = {{ mode = "{mode}" }}\nkeepalive_requests', 1))


def counted(contender, binary):
    few, many = (instructions.count(contender, binary, rounds) for rounds in (instructions.ROUNDS_FEW, instructions.ROUNDS_MANY))
    return (many - few) / ((instructions.ROUNDS_MANY - instructions.ROUNDS_FEW) * instructions.CONNECTIONS)


def cpu_us(contender):
    """CPU of one round of requests, per request."""
    pids = contenders.descendants(contender.process.pid)
    before = load.cpu_us(pids)[0]
    held = clients.connect(contender.port, instructions.CONNECTIONS)
    for _ in range(ROUND_REQUESTS // instructions.CONNECTIONS):
        clients.ask_each(held)
    clients.close(held)
    return (load.cpu_us(pids)[0] - before) / ROUND_REQUESTS


def row(name, off, on, unit):
    return f"| {name} | {off:,.{unit}f} | {on:,.{unit}f} | {(on / off - 1) * 100:+.1f} % |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pilothouse", required=True, metavar="BINARY")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    pair = [Walled("off", "pilothouse", 18050), Walled("block", "pilothouse", 18051, extras=True)]
    print("| clean request, proxied, 128 B | off | block | more |\n|---|---|---|---|")
    for name, request in (("bare", BARE), ("browser's", BROWSER), ("browser's, never the same", wandering)):
        clients.REQUEST = request
        off, on = (counted(one, arguments.pilothouse) for one in pair)
        print(row(f"{name}: instructions", off, on, 0), flush=True)
        with contenders.Bench(pair, arguments.pilothouse) as bench:
            rounds = [[cpu_us(one) for one in bench.contenders] for _ in range(arguments.rounds + 1)]
        off, on = (statistics.median(times) for times in zip(*rounds[1:]))
        print(row(f"{name}: CPU, µs", off, on, 1), flush=True)


if __name__ == "__main__":
    main()
