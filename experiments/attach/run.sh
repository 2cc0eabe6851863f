#!/bin/bash
# Measures a list of cases on this machine's GPUs within a time: profile, plans, libraries, steps. Started anew, it goes on.
#   bash carry/attach/run.sh SECONDS RANKS CASE...
# A case is MODEL:TOKENS[:BLOCKS][@float8_e4m3fn][@host]: with matrices of 8 bits, or with weights that begin on the host.
# Environment:
#   OUT      folder for results: steps, profiles, plans and logs as one archive, renewed after each case
#   MACHINE  name or file that plans are made for (default: h100-sxm-xRANKS)
#   TRANSPORTS  of the plans' collectives, such as "shm staged-copy" (default: shm)
#   PLANS    presets separated by blanks (default: those of make_plans.py);  CAPS  likewise, shares of memory
#   PEERS    variants beside plans (default: "sglang sglang:0.3");  ROUNDS (2)  STEPS (10)
#   WORK     folder for what is kept between calls (default: /tmp/w)
#   TINY=1   a dry run on CPU cores
set -u

[ $# -ge 3 ] || { echo "usage: run.sh SECONDS RANKS CASE..." >&2; exit 2; }
deadline=$((SECONDS + $1))
ranks=$2
shift 2
carry=$(cd "$(dirname "$0")/.." && pwd)
work=${WORK:-/tmp/w}
out=${OUT:-$work/out}
steps=$work/steps-x$ranks.jsonl
mkdir -p "$work" "$out" "$work/profiles" "$work/plans" "$work/logs"

left() { echo $((deadline - SECONDS)); }
note() { echo "[$(left) s left] $*"; }

if [ ! -x "$work/node" ]; then
  python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), open(sys.argv[2], "wb"), 1 << 20)' \
    "$carry/node.xz" "$work/node.new" && chmod +x "$work/node.new" && mv "$work/node.new" "$work/node" || exit 1
fi
if [ ! -d "$work/site" ]; then
  python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --disable-pip-version-check \
    --target "$work/site.new" "$carry"/wheels/*.whl && mv "$work/site.new" "$work/site" || exit 1
fi
export PYTHONPATH="$carry/python:$work/site" PYTHONUNBUFFERED=1
export CHUNKFLOW_NODE="$work/node" CHUNKFLOW_GENERATOR="$carry/python/chunkflow_offload/cli/chunkflow.js" CHUNKFLOW_CACHE="$work/cache"
export CHUNKFLOW="$work/node $carry/python/chunkflow_offload/cli/chunkflow.js"
if [ -z "${CUDA_HOME:-}" ] && nvcc=$(command -v nvcc); then
  CUDA_HOME=$(dirname "$(dirname "$(readlink -f "$nvcc")")")
  export CUDA_HOME
fi
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-4}" TOKENIZERS_PARALLELISM=false HF_HUB_OFFLINE=1
# The study is of GPUs that talk over the host, as GPUs without NVLink do.
export NCCL_P2P_DISABLE="${NCCL_P2P_DISABLE:-1}" NCCL_NVLS_ENABLE=0 TORCH_SYMM_MEM_DISABLE_MULTICAST=1

tiny=() backend=cuda
[ "${TINY:-}" = 1 ] && tiny=(--tiny) backend=host
machine=${MACHINE:-h100-sxm-x$ranks}
many() { local flag=$1; shift; for each in "$@"; do printf '%s\n%s\n' "$flag" "$each"; done; }
mapfile -t plan_flags < <(many --transport ${TRANSPORTS:-shm}; many --plan ${PLANS:-}; many --cap ${CAPS:-})
mapfile -t peers < <(many --variant ${PEERS-sglang sglang:0.3})

python_ranks() { # SECONDS LOG SCRIPT ARGUMENTS...: on all ranks, ended after SECONDS
  local limit=$1 log=$2
  shift 2
  if [ "$ranks" = 1 ]; then set -- python3 "$@"
  else set -- python3 -m torch.distributed.run --nproc_per_node "$ranks" "$@"; fi
  timeout -k 10 "$limit" "$@" 2>>"$log" | tee -a "$log"
  return "${PIPESTATUS[0]}"
}
why() { grep -aE "Error|error:|SKIPPED" "$1" | tail -3 | cut -c1-300; }
pack() { tar -C "$work" -czf "$out/attach-x$ranks.tar.gz.new" "$(basename "$steps")" profiles plans logs 2>/dev/null && mv "$out/attach-x$ranks.tar.gz.new" "$out/attach-x$ranks.tar.gz"; }

touch "$steps"
for text in "$@"; do
  [ "$(left)" -ge 45 ] || { note "not begun: $text"; continue; }
  name=${text%%@*} options=()
  case $text in *@float8_e4m3fn*) options+=(--storage float8_e4m3fn) ;; esac
  case $text in *@host*) options+=(--weights-on host) ;; esac
  slug=$(echo "$text" | tr -c 'a-z0-9.\n' -)-x$ranks
  log=$work/logs/$slug.log
  profile=$(cat "$work/profiles/$slug.path" 2>/dev/null)
  if [ -z "$profile" ]; then
    note "$text: profile"
    profile=$(python_ranks "$(left)" "$log" "$carry/attach/write_profile.py" "$name" --folder "$work/profiles" "${options[@]}" "${tiny[@]}" | tail -1)
    [ -f "$profile" ] || { note "FAILED: $text has no profile: $(why "$log")"; pack; continue; }
    echo "$profile" >"$work/profiles/$slug.path"
  fi
  if [ ! -s "$work/plans/$slug.list" ]; then
    note "$text: plans and libraries"
    timeout -k 10 "$(left)" python3 "$carry/attach/make_plans.py" "$profile" --machine "$machine" \
      --folder "$work/plans/$slug" --backend "$backend" "${plan_flags[@]}" 2>>"$log" >"$work/plans/$slug.new" &&
      mv "$work/plans/$slug.new" "$work/plans/$slug.list" || { note "FAILED: $text has no plans: $(why "$log")"; pack; continue; }
    grep -a SKIPPED "$log" | cut -c1-300
  fi
  mapfile -t attached < <(sed 's/^/attach:/' "$work/plans/$slug.list")
  mapfile -t variants < <(many --variant none "${attached[@]}")
  # A process that dies in one variant is started again for the others.
  for try in 1 2 3 4 5; do
    [ "$(left)" -ge 30 ] || break
    note "$text: steps of $((${#attached[@]} + 1 + ${#peers[@]} / 2)) variants, try $try"
    python_ranks "$(left)" "$log" "$carry/attach/measure.py" "$name" "${variants[@]}" "${peers[@]}" --out "$steps" \
      --profile "$profile" --rounds "${ROUNDS:-2}" --steps "${STEPS:-10}" --seconds "$(($(left) - 15))" \
      --sglang "$carry/sglang" "${options[@]}" "${tiny[@]}"
    status=$?
    [ "$status" != 0 ] || break
    # What the time ended may be measured in the next call.
    [ "$status" != 124 ] || { rm -f "$steps".*.running; break; }
    note "FAILED: $(why "$log")"
  done
  grep -aE "SKIPPED|OTHER BITS|: ended" "$log" | sort -u | cut -c1-300
  pack
done
python3 "$carry/attach/show_steps.py" "$steps"
pack
