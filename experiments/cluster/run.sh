#!/bin/sh
# On a machine with GPUs and what carry.sh put together, from the root of the project: measures an experiment's cells under a Slurm of two
# nodes on this one machine, whose ranks NCCL joins through sockets. Needs root, which Slurm's node daemons run as.
#   sh FOLDER/cluster/run.sh EXPERIMENT RESULTS RANKS_PER_NODE [NODE=GPU,GPU ...]
# Cells run one after another, since this Slurm does not count GPUs. Without nodes all ranks share the first GPU. CALIBRATE=MACHINE measures
# that machine first, quickly. CPUS=0-31 keeps everything on those cores: sockets are memory copies, slower between processors. Exit code: 1
# where something was not measured; the rest is there.
set -eu

carry=$(cd "$(dirname "$0")/.." && pwd)
experiment=$1
results=$2
ranks=$3
shift 3
chunkflow() { node "$carry/cli/chunkflow.js" "$@"; }

if [ "${INSIDE_SLURM:-}" = 1 ]; then
  flags="--slurm --backend cuda --build-here --ranks-per-node $ranks --cpus-per-task 4 --at-once 1 --wait"
  code=0
  if [ -n "${CALIBRATE:-}" ]; then
    # shellcheck disable=SC2086
    chunkflow calibrate --machine "$CALIBRATE" --transport net --quick --results "$results/calibration" $flags || code=1
  fi
  # shellcheck disable=SC2086
  chunkflow experiment run "$carry/cluster/$experiment.yaml" --results "$results/$experiment" $flags || code=1
  exit $code
fi

mkdir -p "$results"
results=$(cd "$results" && pwd)
unpacked() { xz -dc "$carry/$1" >"$2"; }
[ -x "$carry/bin/node" ] || { mkdir -p "$carry/bin" && unpacked node.xz "$carry/bin/node" && chmod +x "$carry/bin/node"; }
[ -d "$carry/.slurm/unpacked" ] || { mkdir -p "$carry/.slurm" && tar -C "$carry/.slurm" -xJf "$carry/slurm.tar.xz"; }
[ -d "$carry/cli" ] || tar -C "$carry" -xJf "$carry/cli.tar.xz"
frontend=$carry/cli/third_party/cudnn-frontend
[ -d "$frontend" ] || { mkdir -p "$frontend" && tar -C "$frontend" -xJf "$carry/frontend.tar.xz"; }
PATH=$carry/bin:$PATH
export PATH INSIDE_SLURM=1

# Ranks find the first node by its name, and everybody talks over the loopback interface.
for node in node1 node2; do
  grep -q "[[:space:]]$node\$" /etc/hosts || echo "127.0.0.1 $node" >>/etc/hosts
done
export CHUNKFLOW_INTERFACE=lo
nodes="--node node1 --node node2"
if [ $# -eq 0 ]; then
  [ -e "$carry/libnccl.so.2" ] || unpacked libnccl.so.2.xz "$carry/libnccl.so.2"
  export LD_PRELOAD="$carry/libnccl.so.2"
else
  nodes=
  for node in "$@"; do nodes="$nodes --node $node"; done
fi
code=0
# shellcheck disable=SC2086
${CPUS:+taskset -c "$CPUS"} node "$carry/scripts/with-slurm.mjs" --host-names --cpus 8 $nodes -- \
  sh "$0" "$experiment" "$results" "$ranks" "$@" >"$results/$experiment.log" 2>&1 || code=1
cat "$results/$experiment.log"
chunkflow experiment collect "$carry/cluster/$experiment.yaml" --results "$results/$experiment" --out "$results/$experiment-steps.jsonl" || code=1
exit $code
