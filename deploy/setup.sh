#!/usr/bin/env bash
# Installs what is missing, builds in release, and decodes text with the bundled model on two worker processes.
# Works from any directory; the second run is quick. Other arguments go to `meshdecode generate`:
#   deploy/setup.sh --tp 3 --prompt "In the beginning"
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source=deploy/common.sh
source "$here/common.sh"

install_packages
check_swift

say "building in release (the first time takes some minutes)"
cd "$root"
swift build -c release --product meshdecode
meshdecode="$(swift build -c release --show-bin-path)/meshdecode"
say "built $meshdecode"

if [ $# -eq 0 ]; then
  set -- --tp 2 --max-tokens 48 --prompt "It is a truth universally acknowledged, that"
fi
say "meshdecode generate $*"
exec "$meshdecode" generate "$@"
