"""An event listener on Supervisor's own childutils: appends what it is told to the file it is given."""

import sys

from supervisor import childutils

path = sys.argv[1]
while True:
    headers, payload = childutils.listener.wait(sys.stdin, sys.stdout)
    with open(path, "a", encoding="utf-8") as out:
        out.write(f"{headers['eventname']} {headers['server']} {payload!r}\n")
    childutils.listener.ok(sys.stdout)
