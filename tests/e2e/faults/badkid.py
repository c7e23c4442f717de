"""A program that misbehaves as its words say, one after the other:

badkid.py [ignore-term] [close-output] [hold-pipe] [long-line BYTES] [exit STATUS]

It says "up" once all of them are done, and stays, unless it was told to exit.
"""

import os
import signal
import sys
import time


def hold_pipe():
    """Somebody in a session of its own keeps our output open."""
    if os.fork() == 0:
        os.setsid()
        time.sleep(1000)


def long_line(length):
    piece = b"x" * 65536
    while length > 0:
        length -= os.write(1, piece[:length])


def close_output():
    os.close(1)
    os.close(2)


words = sys.argv[1:]
has_output = True
while words:
    word = words.pop(0)
    if word == "ignore-term":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    elif word == "close-output":
        close_output()
        has_output = False
    elif word == "hold-pipe":
        hold_pipe()
    elif word == "long-line":
        long_line(int(words.pop(0)))
    elif word == "exit":
        os._exit(int(words.pop(0)))
    else:
        sys.exit("badkid: unknown word " + word)
if has_output:
    os.write(1, b"\nup\n")
time.sleep(1000)
