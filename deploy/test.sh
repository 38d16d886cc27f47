#!/usr/bin/env bash
# Checks the source and runs every test, cheapest first. Works from any directory; the second run is quick.
# Arguments go to `swift test`, for instance: deploy/test.sh --filter LaunchingTests
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source=deploy/common.sh
source "$here/common.sh"

install_packages
check_swift
cd "$root"

say "formatting and style (swift format lint)"
swift format lint --strict --recursive --parallel Sources Tests Package.swift

say "building everything; a warning is a failure"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
swift build --build-tests 2>&1 | tee "$log"
# Of this package only: checkouts of dependencies are not ours to change.
if grep -E '(^|: )warning: ' "$log" | grep -vE '\.build/|/checkouts/' | sort -u | grep .; then
  fail "the build has the warnings above; a clean build has none"
fi

say "all tests"
swift test --skip-build "$@"
