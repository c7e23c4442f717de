#!/usr/bin/env bash
# Builds the one static file, looks that it is one, and runs it as a container does: the first process of a
# folder that holds nothing but itself and its configuration, with a network of its own. Root only, for the
# namespaces.
#
#   apt-get install musl-tools && rustup target add x86_64-unknown-linux-musl && tests/static.sh
#
# Where rustup has no such target, a compiler that has Rust's own sources builds their library along; Debian's:
#
#   apt-get install musl-tools cargo-web rustc-web rust-web-src
#   CARGO=/usr/bin/cargo RUSTC=/usr/bin/rustc BUILD_STD=1 tests/static.sh
#
# With an argument: a file that is built already. Other options of cargo build: in CARGO_BUILD.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() { echo "skipped: $*"; [ -z "${PILOTHOUSE_ORACLES_REQUIRED:-}" ] || exit 1; exit 0; }
fail() { echo "failed: $*"; exit 1; }
target=x86_64-unknown-linux-musl

binary="${1:-}"
if [ -z "$binary" ]; then
  command -v musl-gcc >/dev/null || skip "no C compiler for musl: apt-get install musl-tools"
  export CC_x86_64_unknown_linux_musl=musl-gcc
  folder="${CARGO_TARGET_DIR:-target}"
  options=(--locked --release --target "$target")
  if [ -n "${BUILD_STD:-}" ]; then
    # Such a compiler brings neither musl nor an unwinder for it, and links to shared libraries.
    mkdir -p "$folder/$target/unwinder"
    unwinder="$(cd "$folder/$target/unwinder" && pwd)"
    cp "$(gcc -print-file-name=libgcc_eh.a)" "$unwinder/libunwind.a"
    # gcc's unwinder asks glibc for a shortcut, which musl has not; without one it goes the long way.
    echo 'int _dl_find_object(void *pc, void *found) { (void)pc; (void)found; return -1; }' |
      musl-gcc -x c -c - -o "$unwinder/find_object.o"
    ar r "$unwinder/libunwind.a" "$unwinder/find_object.o"
    # shellcheck disable=SC2016
    printf '%s\n' '#!/bin/bash' 'for word; do case "$word" in -pie | -static-pie | -Wl,-Bdynamic) ;; *) words+=("$word") ;; esac; done' \
      'exec musl-gcc "${words[@]}" -static -no-pie' >"$unwinder/linker"
    chmod 755 "$unwinder/linker"
    export RUSTC_BOOTSTRAP=1 CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER="$unwinder/linker"
    export CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_RUSTFLAGS="-C link-self-contained=no -L native=$unwinder"
    options+=(-Zbuild-std=std,panic_abort)
  fi
  # shellcheck disable=SC2086
  "${CARGO:-cargo}" build "${options[@]}" ${CARGO_BUILD:-}
  binary="$folder/$target/release/pilothouse"
fi

if ldd "$binary" >/dev/null 2>&1; then fail "$binary asks for libraries: $(ldd "$binary")"; fi
readelf --program-headers "$binary" | grep -q INTERP && fail "$binary asks for a loader"
[ "$(id -u)" = 0 ] || skip "only root makes namespaces: the file is static, and was not run"

root="$(mktemp -d)"
shim=
end() {
  [ -z "$shim" ] || kill -KILL "$shim" 2>/dev/null || true
  rm -rf "$root"
}
trap end EXIT
chmod 755 "$root"
mkdir -p "$root"/{usr/bin,etc/pilothouse,run/pilothouse,var/lib/pilothouse,proc,dev,tmp}
cp "$binary" "$root/usr/bin/pilothouse"
printf 'root:x:0:0::/:/\nweb:x:1234:1234::/:/\n' >"$root/etc/passwd"
printf 'root:x:0:\nweb:x:1234:\n' >"$root/etc/group"
cat >"$root/etc/pilothouse/pilothouse.toml" <<'END'
[engine]
user = "web"
confine_files = true
[[server]]
listen = ["127.0.0.1:8000"]
route = [{ path = "/", upstream = "app" }, { path = "/own", respond = { body = "own" } }]
[upstream.app]
[program.app]
command = "/usr/bin/pilothouse run -c /etc/pilothouse/inner.toml"
environment = { PILOTHOUSE_RUNTIME_DIR = "/tmp/run", PILOTHOUSE_STATE_DIR = "/tmp/state" }
serves = { upstream = "app", port = 9001 }
END
# What a program leaves behind when it is killed is the engine's to end and to reap.
cat >"$root/etc/pilothouse/inner.toml" <<'END'
[[server]]
listen = ["127.0.0.1:9001"]
route = [{ path = "/", respond = { body = "inner" } }]
END
# shellcheck disable=SC2016
unshare --mount --pid --fork --net --kill-child sh -c '
  mount -t proc proc "$0/proc" && mount -t tmpfs dev "$0/dev" && mknod -m 666 "$0/dev/null" c 1 3 &&
  ip link set lo up && exec chroot "$0" /usr/bin/pilothouse run' "$root" 2>"$root/log" &
shim=$!
inside() { nsenter --target "$first" --net --pid --mount --root --wd "$@"; }
ask() { nsenter --target "$first" --net curl --silent --max-time 5 "http://127.0.0.1:8000$1"; }
until_so() {
  for _ in $(seq 200); do "$@" && return; read -r -t 0.1 <> <(:) || true; done
  fail "waited in vain for: $* ($(cat "$root/log"))"
}
first=
begun() { first="$(cat "/proc/$shim/task/$shim/children")"; first="${first% }"; [ -n "$first" ]; }
until_so begun
answers() { [ "$(ask "$1")" = "$2" ]; }
until_so answers /own own
until_so answers / inner
grep -q "^NSpid:.*[[:space:]]1$" "/proc/$first/status" || fail "it is not the first process"
workers="$(inside /usr/bin/pilothouse status --json | grep -c '"state": "running"')"
[ "$workers" -gt 0 ] || fail "no worker runs"
named() { grep -ls "^Name:.*pilothouse" /proc/[0-9]*/status | xargs grep -ls "^Uid:[[:space:]]1234"; }
[ -n "$(named)" ] || fail "workers do not run as the user of the file"
grep -q "alert" "$root/log" && fail "$(cat "$root/log")"

# The program's own processes are orphans from now on, and nobody else's.
inside /usr/bin/pilothouse program kill app >/dev/null
until_so answers / inner
# shellcheck disable=SC2016
zombies() { nsenter --target "$first" --mount sh -c 'grep -ls "^State:.*Z" "$0"/proc/[0-9]*/status' "$root"; }
none_left() { [ -z "$(zombies || true)" ]; }
until_so none_left

inside /usr/bin/pilothouse upgrade >/dev/null
until_so answers / inner

kill -TERM "$first"
status=0
wait "$shim" || status=$?
shim=
[ "$status" = 0 ] || fail "it ended with $status: $(cat "$root/log")"
echo "static, and good as the first process of a container: $binary"
