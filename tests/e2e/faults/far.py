"""A file system of one folder, kept in memory, that answers or does not, as it is told:

far.py FOLDER

Says "mounted"; obeys "hang" and "go" on standard input, each answered with the same word; is gone with
the end of it.
"""

import ctypes
import errno
import os
import select
import stat
import struct
import sys
import time

FOLDER = sys.argv[1].encode()
ROOT = 1
LOOKUP, FORGET, GETATTR, SETATTR, UNLINK, RENAME = 1, 2, 3, 4, 10, 12
OPEN, READ, WRITE, STATFS, RELEASE, FSYNC, FLUSH, INIT = 14, 15, 16, 17, 18, 20, 25, 26
OPENDIR, READDIR, RELEASEDIR, CREATE, INTERRUPT, DESTROY, BATCH_FORGET, RENAME2 = 27, 28, 29, 35, 36, 38, 42, 45
SILENT = {FORGET, INTERRUPT, BATCH_FORGET}
DETACH = 2
SET_SIZE, SET_MTIME = 1 << 3, 1 << 5

names = {}
nodes = {}
libc = ctypes.CDLL(None, use_errno=True)


class Node:
    def __init__(self):
        self.number = len(nodes) + 2
        self.bytes = bytearray()
        self.mtime = int(time.time())
        nodes[self.number] = self


def attributes(number):
    node = nodes.get(number)
    mode = stat.S_IFREG | 0o644 if node else stat.S_IFDIR | 0o755
    size, mtime = (len(node.bytes), node.mtime) if node else (0, 0)
    numbers = (number, size, (size + 511) // 512, mtime, mtime, mtime)
    return struct.pack("=6Q10I", *numbers, 0, 0, 0, mode, 1, os.getuid(), os.getgid(), 0, 4096, 0)


def entry(number):
    return struct.pack("=4Q2I", number, 0, 0, 0, 0, 0) + attributes(number)


def text(body):
    return body.split(b"\0")[0]


def rename(folder, body):
    old, new = body[folder:].split(b"\0")[:2]
    if old not in names:
        return -errno.ENOENT
    names[new] = names.pop(old)
    return b""


def answer(code, number, body):
    """The bytes of the answer, or the number of an error."""
    if code == INIT:
        return struct.pack("=4I2H2I2H8I", 7, 31, 65536, 0, 16, 12, 65536, 1, 0, 0, *[0] * 8)
    if code == LOOKUP:
        return entry(names[text(body)]) if text(body) in names else -errno.ENOENT
    if code == GETATTR:
        return struct.pack("=Q2I", 0, 0, 0) + attributes(number)
    if code == SETATTR:
        valid, _, _, size, _, _, mtime = struct.unpack_from("=2I5Q", body)
        if valid & SET_SIZE:
            node = nodes[number]
            node.bytes = node.bytes[:size] + bytes(max(0, size - len(node.bytes)))
        if valid & SET_MTIME:
            nodes[number].mtime = mtime
        return struct.pack("=Q2I", 0, 0, 0) + attributes(number)
    if code == CREATE:
        name = text(body[16:])
        if name not in names:
            names[name] = Node().number
        return entry(names[name]) + struct.pack("=Q2I", 0, 0, 0)
    if code in (OPEN, OPENDIR):
        return struct.pack("=Q2I", 0, 0, 0)
    if code == READ:
        _, offset, size = struct.unpack_from("=2QI", body)
        return bytes(nodes[number].bytes[offset : offset + size])
    if code == WRITE:
        _, offset, size = struct.unpack_from("=2QI", body)
        node = nodes[number]
        node.bytes += bytes(max(0, offset - len(node.bytes)))
        node.bytes[offset : offset + size] = body[40 : 40 + size]
        node.mtime = int(time.time())
        return struct.pack("=2I", size, 0)
    if code == STATFS:
        return struct.pack("=5Q10I", 1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 4096, 255, 4096, *[0] * 7)
    if code == UNLINK:
        return b"" if names.pop(text(body), None) else -errno.ENOENT
    if code == RENAME:
        return rename(8, body)
    if code == RENAME2:
        return rename(16, body)
    if code in (RELEASE, RELEASEDIR, FSYNC, FLUSH, DESTROY, READDIR):
        return b""
    return -errno.ENOSYS


def serve(device):
    request = os.read(device, 1 << 20)
    _, code, unique, number = struct.unpack_from("=2I2Q", request)
    if code in SILENT:
        return
    said = answer(code, number, request[40:])
    error, said = (said, b"") if isinstance(said, int) else (0, said)
    try:
        os.write(device, struct.pack("=IiQ", 16 + len(said), error, unique) + said)
    except OSError:
        pass  # Whoever asked has been killed.


def main():
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}".encode()
    if libc.mount(b"far", FOLDER, b"fuse", 0, options) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
    print("mounted", flush=True)
    hangs = False
    while True:
        watched = [0] if hangs else [0, device]
        ready = select.select(watched, [], [])[0]
        if 0 in ready:
            word = sys.stdin.readline().strip()
            if not word:
                break
            hangs = word == "hang"
            print(word, flush=True)
        if device in ready and not hangs:
            serve(device)
    libc.umount2(FOLDER, DETACH)


main()
