#!/usr/bin/env python3
"""Takes every picture of this folder again, from the embedded default as it runs.

    cargo build --release
    python3 screenshots/regenerate.py --pilothouse target/release/pilothouse

Each view and the first view in each theme as SVG, drawn by the console itself; the same as PNG, by
rsvg-convert (Debian: librsvg2-bin, and fonts-jetbrains-mono for its letters); and `session.cast`, a
session on a terminal, for `asciinema play`. About four minutes; what the embedded default listens on
must be free. `--only pictures` or `--only session` does a part of it.
"""
import argparse
import fcntl
import glob
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
import time

HERE = os.path.dirname(os.path.abspath(__file__))
COLUMNS, ROWS = 100, 30
ESC = "\x1b"
# Seconds to look, then what is typed.
SESSION = [
    (5, "2"), (2, "j"), (0.4, "j"), (0.4, "j"), (1.5, "d"), (4, "u"), (3, "3"), (3, "w"), (3, "w"), (1, "w"), (1, "S"), (1, "j"), (0.6, "j"),
    (2, ESC), (1, "4"), (3, "l"), (3, "6"), (4, "7"), (3, "/"), (0.5, "e"), (0.2, "r"), (0.2, "r"), (1, "\r"), (2, ESC), (1, "1"), (1, "p"),
    (1, "{"), (1, "("), (1.5, "("), (1.5, "p"), (1, "T"), (1, "j"), (0.8, "j"), (0.8, "j"), (0.8, "j"), (1, ESC), (1, ":"), (0.5, "d"), (0.2, "r"),
    (0.2, "a"), (0.2, "i"), (0.2, "n"), (2, ESC), (1, "?"), (3, ESC), (1, "8"), (2, "q"),
]


def environment(folder):
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TMUX", "STY")}
    own = {name: os.path.join(folder, name.lower()) for name in ("PILOTHOUSE_RUNTIME_DIR", "PILOTHOUSE_STATE_DIR", "XDG_CONFIG_HOME", "XDG_STATE_HOME")}
    return kept | own | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}


def take_pictures(binary, folder):
    # What is taken no more is no picture of it.
    for path in glob.glob(os.path.join(HERE, "**", "*.*"), recursive=True):
        if path.endswith((".svg", ".png")):
            os.remove(path)
    command = [binary, "console", "--screenshot", HERE, "--size", f"{COLUMNS}x{ROWS}"]
    subprocess.run(command, cwd=folder, env=environment(folder), check=True)
    for path in glob.glob(os.path.join(HERE, "**", "*.svg"), recursive=True):
        subprocess.run(["rsvg-convert", path, "-o", path.removesuffix(".svg") + ".png"], check=True)


def record_session(binary, folder):
    child, terminal = pty.fork()
    if child == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        os.chdir(folder)
        os.execve(binary, [binary, "console"], environment(folder))
    begun = time.monotonic()
    events, left = [], list(SESSION)
    due = begun + left[0][0]
    while True:
        ready, _, _ = select.select([terminal], [], [], max(0, due - time.monotonic()))
        if ready:
            try:
                data = os.read(terminal, 65536)
            except OSError:
                break
            events.append((round(time.monotonic() - begun, 3), "o", data))
        if left and time.monotonic() >= due:
            os.write(terminal, left.pop(0)[1].encode())
            due = time.monotonic() + (left[0][0] if left else 30)
    os.waitpid(child, 0)
    head = {"version": 2, "width": COLUMNS, "height": ROWS, "title": "pilothouse", "env": {"TERM": "xterm-256color"}}
    with open(os.path.join(HERE, "session.cast"), "w") as file:
        file.write(json.dumps(head) + "\n")
        carried = b""
        for at, kind, data in events:
            # A read may end within a character.
            whole, carried = split(carried + data)
            file.write(json.dumps([at, kind, whole], ensure_ascii=False) + "\n")


def split(data):
    for cut in range(4):
        end = len(data) - cut
        try:
            return data[:end].decode(), data[end:]
        except UnicodeDecodeError:
            continue
    return data.decode(errors="replace"), b""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pilothouse", required=True)
    parser.add_argument("--only", choices=("pictures", "session"))
    arguments = parser.parse_args()
    binary = os.path.abspath(arguments.pilothouse)
    folder = tempfile.mkdtemp(prefix="screenshots-")
    remembered = os.path.join(environment(folder)["XDG_STATE_HOME"], "pilothouse")
    os.makedirs(remembered)
    open(os.path.join(remembered, "console-welcomed"), "w").close()
    engine = subprocess.Popen([binary, "run"], cwd=folder, env=environment(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(2)
        if arguments.only != "session":
            take_pictures(binary, folder)
        if arguments.only != "pictures":
            record_session(binary, folder)
    finally:
        engine.send_signal(signal.SIGTERM)
        engine.wait(60)
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
