#!/bin/bash
# Measures a list of cases on this machine's GPUs within a time: profile, plans, libraries, steps. Started anew, it goes on.
#   bash carry/attach/run.sh SECONDS RANKS CASE...
# A case is MODEL:TOKENS[:BLOCKS][@float8_e4m3fn][@host]: with matrices of 8 bits, or with weights that begin on the host.
# Environment:
#   OUT      folder for results: steps, profiles, plans and logs as one archive, renewed every 20 s
#   MACHINE  name or file that plans are made for (default: h100-sxm-xRANKS)
#   TRANSPORTS  of the plans' collectives, such as "shm staged-copy" (default: shm)
#   PLANS    presets separated by blanks (default: those of make_plans.py);  CAPS  likewise, shares of memory
#   PEERS    variants beside plans (default: "sglang sglang:resident=0.3");  ROUNDS (2)  STEPS (10)
#   WORK     folder for what is kept between calls (default: /tmp/w)
#   FREE_GIB  memory that each GPU is left with, for models that do not fit
#   TINY=1   a dry run on CPU cores
set -u

[ $# -ge 3 ] || { echo "usage: run.sh SECONDS RANKS CASE..." >&2; exit 2; }
# The last 15 s are for what has begun, and for packing.
deadline=$((SECONDS + $1 - 15))
ranks=$2
shift 2
carry=$(cd "$(dirname "$0")/.." && pwd)
work=${WORK:-/tmp/w}
out=${OUT:-$work/out}
steps=$work/steps-x$ranks.jsonl
mkdir -p "$work" "$out" "$work/profiles" "$work/plans" "$work/logs"

left() { echo $((deadline - SECONDS)); }
note() { echo "[$(left) s left] $*"; }

unpack_node() {
  [ ! -x "$work/node" ] || return 0
  python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), open(sys.argv[2], "wb"), 1 << 20)' \
    "$carry/node.xz" "$work/node.new" && chmod +x "$work/node.new" && mv "$work/node.new" "$work/node"
}
unpack_wheels() {
  [ ! -d "$work/site" ] || return 0
  python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --disable-pip-version-check \
    --target "$work/site.new" "$carry"/wheels/*.whl && mv "$work/site.new" "$work/site"
}
unpack_node &
unpack_wheels || exit 1
wait "$!" || exit 1
note "unpacked"
export PYTHONPATH="$carry/python:$work/site" PYTHONUNBUFFERED=1
export CHUNKFLOW_NODE="$work/node" CHUNKFLOW_GENERATOR="$carry/python/chunkflow_offload/cli/chunkflow.js" CHUNKFLOW_CACHE="$work/cache"
export CHUNKFLOW="$work/node $carry/python/chunkflow_offload/cli/chunkflow.js"
if [ -z "${CUDA_HOME:-}" ] && nvcc=$(command -v nvcc); then
  CUDA_HOME=$(dirname "$(dirname "$(readlink -f "$nvcc")")")
  export CUDA_HOME
fi
# Segments that grow: others leave gaps, which differ by up to 0.4 GiB between runs of one and the same model.
export PYTORCH_CUDA_ALLOC_CONF="${PYTORCH_CUDA_ALLOC_CONF:-expandable_segments:True}"
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-4}" TOKENIZERS_PARALLELISM=false HF_HUB_OFFLINE=1
# The study is of GPUs that talk over the host, as GPUs without NVLink do.
export NCCL_P2P_DISABLE="${NCCL_P2P_DISABLE:-1}" NCCL_NVLS_ENABLE=0 TORCH_SYMM_MEM_DISABLE_MULTICAST=1

many() { local flag=$1; shift; for each in "$@"; do printf '%s\n%s\n' "$flag" "$each"; done; }
mapfile -t flags < <(
  many --transport ${TRANSPORTS:-shm}
  many --plan ${PLANS:-}
  many --cap ${CAPS:-}
  many --peer ${PEERS-sglang sglang:resident=0.3}
)
[ "${TINY:-}" != 1 ] || flags+=(--tiny)
[ -z "${FREE_GIB:-}" ] || flags+=(--free-gib "$FREE_GIB")

log=$work/logs/study-x$ranks.log
on_ranks() { # SECONDS SCRIPT ARGUMENTS...: on all ranks, ended after SECONDS
  local limit=$1
  shift
  if [ "$ranks" = 1 ]; then set -- python3 "$@"
  else set -- python3 -m torch.distributed.run --nproc_per_node "$ranks" "$@"; fi
  timeout -k 10 "$limit" "$@" 2>>"$log" | tee -a "$log"
  return "${PIPESTATUS[0]}"
}
why() { tail -60 "$log" | grep -aE "Error|error:|Signal|Fatal" | tail -3 | cut -c1-300; }
export archive="$out/attach-x$ranks.tar.gz" work steps
pack() {
  tar -C "$work" -czf "$archive.new" "$(basename "$steps")" profiles plans logs 2>/dev/null
  # 1: a file has changed meanwhile, such as the log.
  [ $? -le 1 ] && mv "$archive.new" "$archive"
}
export -f pack

touch "$steps"
# Nobody knows what a call that was killed was in: it has not died in it.
rm -f "$steps".*.running
for try in 1 2 3 4 5; do
  [ "$(left)" -ge 20 ] || { note "not begun: try $try"; break; }
  note "try $try"
  on_ranks "$(($(left) + 10))" "$carry/attach/study.py" "$@" --work "$work" --out "$steps" --machine "${MACHINE:-h100-sxm-x$ranks}" \
    --rounds "${ROUNDS:-2}" --steps "${STEPS:-10}" --seconds "$(left)" --sglang "$carry/sglang" --pack pack "${flags[@]}"
  status=$?
  [ "$status" != 0 ] || break
  # What the time ended may be measured in the next call.
  [ "$(left)" -gt -9 ] || { rm -f "$steps".*.running; break; }
  note "FAILED: $(why)"
  # The next try leaves out what this one has died in.
  ls "$steps".*.running >/dev/null 2>&1 || break
  pack
done
python3 "$carry/attach/show_steps.py" "$steps"
pack
note "ended"
