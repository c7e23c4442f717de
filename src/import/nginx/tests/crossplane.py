"""What crossplane makes of a file: a line for each directive, with all that is included in its place."""

import sys

import crossplane


def plain(word):
    return "<" + word.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t") + ">"


def show(block, payload, depth):
    for directive in block:
        args = directive["args"]
        if directive["directive"] == "include":
            for index in directive["includes"]:
                show(payload["config"][index]["parsed"], payload, depth)
            continue
        words = " ".join(map(plain, [directive["directive"], *args]))
        print(f"{'  ' * depth}{directive['line']} {words}")
        if "block" in directive:
            show(directive["block"], payload, depth + 1)


path = sys.argv[1]
payload = crossplane.parse(path, comments=False, strict=False, check_ctx=False, check_args=False)
assert payload["status"] == "ok", payload["errors"]
show(payload["config"][0]["parsed"], payload, 0)
