#!/bin/sh
# Puts together in one folder what measures ranks under Slurm on a machine with GPUs, CUDA and a C++ compiler but without network, Node
# or Slurm: chunkflow in a few files, Node, Slurm's daemons, cudnn-frontend's headers, and an NCCL that lets ranks share a GPU.
#   sh experiments/cluster/carry.sh [FOLDER]        (default: carry, which git ignores)
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
to=${1:-$root/carry}
frontend=1.32.0
nccl=2.31.2
libraries="libreadline8 liblz4-1 libnuma1 libgcrypt20 libbz2-1.0 libgpg-error0 libpam0g libtinfo6"
most_mib=44
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mistake() {
  echo "error: $1" >&2
  exit 2
}

[ -x "$root/node_modules/.bin/esbuild" ] || mistake "node_modules has no esbuild; run npm ci"
command -v pip >/dev/null || mistake "pip is missing, which fetches the wheels"
mkdir -p "$to/scripts" "$to/cluster"

node "$root/scripts/python-bundle.mjs" >/dev/null
tar -C "$root/python/chunkflow_offload" -cJf "$to/cli.tar.xz" cli
cp "$root"/experiments/cluster/*.yaml "$root"/experiments/cluster/*.sh "$to/cluster/"
"$root/node_modules/.bin/esbuild" "$root/scripts/with-slurm.ts" --bundle --platform=node --format=esm --log-level=error \
  --outfile="$to/scripts/with-slurm.mjs"

# Slow to make, and the same as long as Node is.
version=$(node --version)
if [ "$(cat "$to/node.version" 2>/dev/null || true)" != "$version" ]; then
  strip -o "$work/node" "$(node -p process.execPath)"
  xz --x86 --lzma2=preset=9,dict=64MiB -c "$work/node" >"$to/node.xz"
  echo "$version" >"$to/node.version"
fi
if [ ! -e "$to/slurm.tar.xz" ]; then
  node "$root/scripts/slurm.mjs" >/dev/null
  cp -r "$root/.slurm/unpacked" "$work/unpacked"
  # What Slurm's own packages stand on.
  mkdir "$work/debs"
  # shellcheck disable=SC2086
  (cd "$work/debs" && apt-get -q download $libraries >/dev/null 2>&1) || mistake "apt-get could not download $libraries"
  for deb in "$work"/debs/*.deb; do dpkg-deb -x "$deb" "$work/unpacked"; done
  rm -rf "$work/unpacked/usr/share"
  tar -C "$work" -cJf "$to/slurm.tar.xz" unpacked
fi
if [ ! -e "$to/frontend.tar.xz" ]; then
  pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.12 \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 -d "$work" "nvidia-cudnn-frontend==$frontend"
  (cd "$work" && python3 -m zipfile -e nvidia_cudnn_frontend-*.whl frontend && tar -C frontend -cJf "$to/frontend.tar.xz" include)
fi
# NCCL lets several ranks share a GPU from 2.30 on; of its code one generation of GPUs is kept.
if [ ! -e "$to/libnccl.so.2.xz" ]; then
  [ -n "${THIN_LIBRARY:-}" ] || mistake "THIN_LIBRARY: expected a program that keeps one architecture of a CUDA library: SRC DST 90"
  pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.12 \
    --platform manylinux_2_18_x86_64 -d "$work" "nvidia-nccl-cu13==$nccl"
  (cd "$work" && python3 -m zipfile -e nvidia_nccl_cu13-*.whl nccl)
  "$THIN_LIBRARY" "$work/nccl/nvidia/nccl/lib/libnccl.so.2" "$work/libnccl.so.2" 90
  xz --x86 --lzma2=preset=9,dict=64MiB -c "$work/libnccl.so.2" >"$to/libnccl.so.2.xz"
fi

size=$(du -sm "$to" | cut -f 1)
[ "$size" -le "$most_mib" ] || mistake "$to is $size MiB; expected at most $most_mib"
echo "$to: $size MiB"
