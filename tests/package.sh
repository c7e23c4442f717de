#!/usr/bin/env bash
# Builds the Debian package, installs it, looks at what is there, upgrades nothing, removes and purges it,
# and looks that nothing is left. Root only, since it installs; a machine that has pilothouse already is
# left alone.
#
#   cargo install cargo-deb && cargo build --release && tests/package.sh
#
# With an argument: a package that is built already. `PILOTHOUSE_BINARY=FILE`: of this release instead of
# `target/release/pilothouse`, which it takes the place of.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() { echo "skipped: $*"; [ -z "${PILOTHOUSE_ORACLES_REQUIRED:-}" ] || exit 1; exit 0; }
[ "$(id -u)" = 0 ] || skip "only root installs packages"
command -v dpkg >/dev/null || skip "this is no Debian"
dpkg -s pilothouse >/dev/null 2>&1 && skip "pilothouse is installed on this machine"

package="${1:-}"
if [ -z "$package" ]; then
  command -v cargo-deb >/dev/null || skip "no cargo-deb: cargo install cargo-deb"
  folder=target/deb
  if [ -n "${PILOTHOUSE_BINARY:-}" ]; then
    install -D "$PILOTHOUSE_BINARY" target/release/pilothouse
  fi
  mkdir -p "$folder/man" "$folder/completions"
  target/release/pilothouse man "$folder/man" >/dev/null
  target/release/pilothouse completions bash >"$folder/completions/pilothouse"
  target/release/pilothouse completions zsh >"$folder/completions/_pilothouse"
  target/release/pilothouse completions fish >"$folder/completions/pilothouse.fish"
  package="$(cargo deb --no-build --output target/deb/pilothouse.deb | tail -n 1)"
fi

fail() { echo "failed: $*"; exit 1; }
there() { [ -e "$1" ] || fail "$1 is not there"; }
gone() { [ ! -e "$1" ] || fail "$1 is still there"; }

trap 'dpkg --purge pilothouse >/dev/null 2>&1 || true' EXIT
dpkg --install "$package"
files=(
  /usr/bin/pilothouse
  /usr/share/man/man1/pilothouse.1.gz
  /usr/share/man/man1/pilothouse-console.1.gz
  /usr/share/bash-completion/completions/pilothouse
  /usr/share/zsh/vendor-completions/_pilothouse
  /usr/share/fish/vendor_completions.d/pilothouse.fish
  /usr/lib/systemd/system/pilothouse.service
  /usr/lib/systemd/system/pilothouse.socket
  /usr/share/doc/pilothouse/REFERENCE.md
  /usr/share/doc/pilothouse/examples/full.toml
  /usr/share/doc/pilothouse/examples/crs.conf
)
for file in "${files[@]}" /etc/pilothouse/pilothouse.toml /etc/logrotate.d/pilothouse /var/log/pilothouse; do
  there "$file"
done
pilothouse check -c /etc/pilothouse/pilothouse.toml
if command -v systemd-analyze >/dev/null; then
  systemd-analyze verify /usr/lib/systemd/system/pilothouse.service
fi

# It runs, answers, and is told to stop.
run="$(mktemp -d)"
PILOTHOUSE_RUNTIME_DIR="$run/run" PILOTHOUSE_STATE_DIR="$run/state" \
  pilothouse run -c /etc/pilothouse/pilothouse.toml 2>"$run/log" &
engine=$!
curl --silent --fail --retry 50 --retry-connrefused --retry-delay 0 --retry-max-time 20 \
  http://127.0.0.1:8000/ | grep -q "pilothouse runs" || fail "no answer: $(cat "$run/log")"
kill -TERM "$engine"
wait "$engine" || fail "it ended with $?"
rm -rf "$run"

dpkg --remove pilothouse
for file in "${files[@]}"; do gone "$file"; done
there /etc/pilothouse/pilothouse.toml
dpkg --purge pilothouse
gone /etc/pilothouse
gone /etc/logrotate.d/pilothouse
gone /var/log/pilothouse
gone /var/lib/pilothouse
trap - EXIT
echo "installed, run, removed and purged: $package"
