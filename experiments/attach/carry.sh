#!/bin/sh
# Puts together in one folder all that the study takes on a machine with GPUs, PyTorch and a C++ compiler but without network:
# the Python package, these scripts, chunkflow in a few files, Node, diffusers' wheel, and the files of SGLang's managers.
#   sh experiments/attach/carry.sh [FOLDER]        (default: carry, which git ignores)
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
to=${1:-$root/carry}
diffusers=0.42.1
sglang=0.5.23
crt=13.0.88
most_mib=60
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mistake() {
  echo "error: $1" >&2
  exit 2
}

[ -x "$root/node_modules/.bin/esbuild" ] || mistake "node_modules has no esbuild; run npm ci"
command -v pip >/dev/null || mistake "pip is missing, which fetches the wheels"
mkdir -p "$to/wheels"

# The Python package, with the command line in it.
rm -rf "$to/python" "$to/attach"
node "$root/scripts/python-bundle.mjs" >/dev/null
mkdir -p "$to/python" "$to/attach"
cp -r "$root/python/chunkflow_offload" "$to/python/"
find "$to/python" -name __pycache__ -prune -exec rm -rf {} +
cp "$root"/experiments/attach/*.py "$root"/experiments/attach/*.sh "$to/attach/"
for machine in ${MACHINES:-}; do cp "$machine" "$to/attach/"; done

# Slow to make, and the same as long as Node is.
version=$(node --version)
if [ "$(cat "$to/node.version" 2>/dev/null || true)" != "$version" ]; then
  python3 - "$(node -p process.execPath)" "$to/node.xz" <<'PY'
import lzma, shutil, sys
with open(sys.argv[1], "rb") as source, lzma.open(sys.argv[2], "wb", preset=6) as target:
    shutil.copyfileobj(source, target, 1 << 20)
PY
  echo "$version" >"$to/node.version"
fi

[ -e "$to/wheels/diffusers-$diffusers-py3-none-any.whl" ] ||
  pip download --quiet --disable-pip-version-check --no-deps -d "$to/wheels" "diffusers==$diffusers"
# A header that PyTorch's own wheels of CUDA 13.0 lack, for where there is no toolkit.
[ -e "$to/wheels/nvidia_cuda_crt-$crt"*.whl ] ||
  pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.12 --platform manylinux2014_x86_64 \
    --platform manylinux_2_17_x86_64 --platform manylinux_2_24_x86_64 --platform manylinux_2_28_x86_64 -d "$to/wheels" "nvidia-cuda-crt==$crt"
if [ "$(cat "$to/sglang/VERSION" 2>/dev/null || true)" != "$sglang" ]; then
  pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.12 \
    --implementation cp --platform manylinux_2_34_x86_64 -d "$work" "sglang==$sglang"
  mkdir -p "$to/sglang"
  python3 - "$work" "$to/sglang" <<'PY'
import pathlib, sys, zipfile
wheel = next(pathlib.Path(sys.argv[1]).glob("sglang-*.whl"))
prefix = "sglang/multimodal_gen/runtime/managers/memory_managers/"
with zipfile.ZipFile(wheel) as files:
    names = [name for name in files.namelist() if name.startswith(prefix) or "/LICENSE" in name or name.endswith(".dist-info/METADATA")]
    files.extractall(sys.argv[2], names)
PY
  echo "$sglang" >"$to/sglang/VERSION"
fi

mib=$(du -sm "$to" | cut -f1)
echo "$to: $mib MiB"
[ "$mib" -le "$most_mib" ] || mistake "$to: more than $most_mib MiB; leave something out"
