# Shared by setup.sh and test.sh: where the package is, and what it needs of the machine.
# shellcheck shell=bash

# shellcheck disable=SC2034  # used by the scripts that source this one
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)

say() { printf '== %s\n' "$*" >&2; }

fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# ZeroMQ carries everything between processes; PCRE2 splits text for tokenizers.
packages=(libzmq3-dev libpcre2-dev)

install_packages() {
  local missing=() package
  for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null || fail "these libraries are missing and apt-get is not here: ${missing[*]}; install them by hand"
  say "installing ${missing[*]}"
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "installing ${missing[*]} needs root; run as root or install sudo"
    sudo=(sudo)
  fi
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" </dev/null >&2
}

check_swift() {
  command -v swift >/dev/null || fail "swift is not on the PATH; install Swift 6.2 or later from swift.org"
  local version
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
  [ -n "$version" ] || fail "the version of swift cannot be read; install Swift 6.2 or later"
  if [ "$(printf '6.2\n%s\n' "$version" | sort -V | head -n 1)" != 6.2 ]; then
    fail "swift is version $version; version 6.2 or later is needed"
  fi
}
