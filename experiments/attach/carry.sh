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

# chunkflow: code in a few files, with the data that it reads from beside its package.json.
rm -rf "$to/chunkflow" "$to/python" "$to/attach"
mkdir -p "$to/chunkflow/dist/cli" "$to/chunkflow/codegen/attach"
"$root/node_modules/.bin/esbuild" "$root/cli/main.ts" "$root/sim/frontWorker.ts" --bundle --splitting --minify --keep-names \
  --platform=node --format=esm --target=node20 --entry-names='[name]' --outdir="$to/chunkflow/dist/cli" --log-level=error \
  --external:@resvg/resvg-js --external:vega --external:vega-lite \
  --banner:js='import { createRequire as carriedRequire } from "node:module"; const require = carriedRequire(import.meta.url);'
cp "$root/node_modules/highs/build/highs.wasm" "$to/chunkflow/dist/cli/"
cp -r "$root/bin" "$root/cuda-templates" "$root/runtime" "$root/package.json" "$to/chunkflow/"
mkdir -p "$to/chunkflow/model"
cp -r "$root/model/catalogue" "$root/model/systems" "$to/chunkflow/model/"
cp "$root/codegen/attach/build.sh" "$to/chunkflow/codegen/attach/"

mkdir -p "$to/python/chunkflow_offload" "$to/attach"
cp "$root"/python/chunkflow_offload/*.py "$to/python/chunkflow_offload/"
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
