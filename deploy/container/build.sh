#!/usr/bin/env bash
# Builds the container image localhost/meshdecode without fetching anything: a static Swift runtime, and the shared libraries of
# this host that the executable loads. Arguments go to `buildah build`, for instance: --isolation chroot
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source=deploy/common.sh
source "$here/../common.sh"
command -v buildah >/dev/null || fail "buildah is not here; apt-get install buildah"

cd "$root"
say "building in release with a static Swift runtime"
swift build -c release --static-swift-stdlib --product meshdecode
bin=$(swift build -c release --static-swift-stdlib --show-bin-path)

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
mkdir -p "$context/rootfs/usr/bin" "$context/rootfs/tmp" "$context/rootfs/etc"
chmod 1777 "$context/rootfs/tmp"
cp "$bin/meshdecode" "$context/rootfs/usr/bin/"
cp -r "$bin/meshdecode_meshdecode.resources" "$context/rootfs/usr/bin/"
# Libraries at the paths where the loader looks for them; libnss_* are loaded when a name is resolved.
{
  ldd "$bin/meshdecode" | grep -o '/[^ ]*'
  find /lib/*-linux-gnu /usr/lib/*-linux-gnu -maxdepth 1 \( -name 'libnss_dns.so.2' -o -name 'libnss_files.so.2' \) 2>/dev/null
} | sort -u | while read -r library; do
  install -D "$(readlink -f "$library")" "$context/rootfs$library"
done
printf 'meshdecode:x:65532:65532::/tmp:/sbin/nologin\n' > "$context/rootfs/etc/passwd"
printf 'hosts: files dns\n' > "$context/rootfs/etc/nsswitch.conf"
say "$(du -sh "$context/rootfs" | cut -f1) in the image"
buildah build "$@" --tag localhost/meshdecode:latest --file "$here/Containerfile" "$context"
