#!/usr/bin/env bash
# Measures MeshDecode beside llama.cpp on the same random-weight models and cores; see README.md here.
#   deploy/compare-peers/run.sh [--install] [--work DIR] [--llama-bin DIR] [--meshdecode FILE] [options of compare.py]
#   deploy/compare-peers/run.sh --collectives [--work DIR] [--meshdecode FILE] [options of collectives.py]
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
# shellcheck source=deploy/common.sh
source "$here/../common.sh"

work="${XDG_CACHE_HOME:-$HOME/.cache}/meshdecode-peers"
install=no llama_bin='' meshdecode='' collectives=no
rest=()
while [ $# -gt 0 ]; do
  case "$1" in
    --install) install=yes ;;
    --collectives) collectives=yes ;;
    --work) work=${2:?--work needs a directory}; shift ;;
    --llama-bin) llama_bin=${2:?--llama-bin needs a directory}; shift ;;
    --meshdecode) meshdecode=${2:?--meshdecode needs a file}; shift ;;
    *) rest+=("$1") ;;
  esac
  shift
done
mkdir -p "$work"

command -v python3 >/dev/null || fail "python3 is needed; install it"

if [ -z "$meshdecode" ]; then
  cd "$root"
  swift build -c release --product meshdecode >&2
  meshdecode="$(swift build -c release --show-bin-path)/meshdecode"
fi

if [ $collectives = yes ]; then
  exec python3 "$here/collectives.py" --work "$work" --meshdecode "$meshdecode" ${rest[@]+"${rest[@]}"}
fi

[ -x "$work/python/bin/pip" ] || python3 -m venv "$work/python"
"$work/python/bin/python" -c 'import gguf' 2>/dev/null || "$work/python/bin/pip" -q install gguf

# llama.cpp as its authors build it for one machine: native flags, OpenMP, no shared libraries.
build_llama() {
  say "building llama.cpp from the source package llama-cpp-python (the first time takes many minutes)"
  "$work/python/bin/pip" -q install cmake ninja scikit-build-core
  mkdir -p "$work/source"
  PATH="$work/python/bin:$PATH" "$work/python/bin/pip" -q download --no-deps --no-build-isolation \
    --no-binary :all: -d "$work/source" llama-cpp-python
  tar -xzf "$work"/source/llama_cpp_python-*.tar.gz -C "$work/source" --strip-components 1
  (
    export PATH="$work/python/bin:$PATH"
    cmake -G Ninja -S "$work/source/vendor/llama.cpp" -B "$work/llama.cpp" -DCMAKE_BUILD_TYPE=Release \
      -DGGML_NATIVE=ON -DBUILD_SHARED_LIBS=OFF -DLLAMA_CURL=OFF -DLLAMA_BUILD_TESTS=OFF \
      -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_SERVER=OFF
    cmake --build "$work/llama.cpp" --target llama-bench llama-batched-bench
  ) >&2
}

if [ -z "$llama_bin" ]; then
  if command -v llama-bench >/dev/null; then
    llama_bin=$(dirname "$(command -v llama-bench)")
  else
    [ -x "$work/llama.cpp/bin/llama-bench" ] || [ $install = no ] || build_llama
    llama_bin="$work/llama.cpp/bin"
  fi
fi

exec "$work/python/bin/python" "$here/compare.py" --work "$work" --llama-bin "$llama_bin" \
  --meshdecode "$meshdecode" ${rest[@]+"${rest[@]}"}
