#!/bin/sh
# On a machine with GPUs and what carry.sh put together: measures an experiment's cells under Slurm, with ranks of two nodes on one machine
# that NCCL joins through sockets. Needs root, which Slurm's node daemons run as.
#   sh FOLDER/cluster/run.sh EXPERIMENT RESULTS [NODE=GPU,GPU ...]
set -eu

carry=$(cd "$(dirname "$0")/.." && pwd)
name=$1
results=$2
shift 2
mkdir -p "$results"
results=$(cd "$results" && pwd)

unpacked() { xz -dc "$carry/$1" >"$2"; }
[ -x "$carry/bin/node" ] || { mkdir -p "$carry/bin" && unpacked node.xz "$carry/bin/node" && chmod +x "$carry/bin/node"; }
[ -d "$carry/.slurm/unpacked" ] || { mkdir -p "$carry/.slurm" && tar -C "$carry/.slurm" -xJf "$carry/slurm.tar.xz"; }
[ -d "$carry/cli" ] || tar -C "$carry" -xJf "$carry/cli.tar.xz"
frontend=$carry/cli/third_party/cudnn-frontend
[ -d "$frontend" ] || { mkdir -p "$frontend" && tar -C "$frontend" -xJf "$carry/frontend.tar.xz"; }
PATH=$carry/bin:$PATH
export PATH

# Ranks find the first node by its name, and everybody talks over the loopback interface.
for node in node1 node2; do
  grep -q "[[:space:]]$node\$" /etc/hosts || echo "127.0.0.1 $node" >>/etc/hosts
done
export CHUNKFLOW_INTERFACE=lo
if [ $# -eq 0 ]; then
  # All ranks share the first GPU.
  [ -e "$carry/libnccl.so.2" ] || unpacked libnccl.so.2.xz "$carry/libnccl.so.2"
  export LD_PRELOAD="$carry/libnccl.so.2"
  nodes="--node node1 --node node2"
  asked=
else
  nodes=
  for node in "$@"; do nodes="$nodes --node $node"; done
  asked="--gpus-per-node 2"
fi

chunkflow() { node "$carry/cli/chunkflow.js" "$@"; }
# shellcheck disable=SC2086
node "$carry/scripts/with-slurm.mjs" --host-names --cpus 8 $nodes -- node "$carry/cli/chunkflow.js" experiment run \
  "$carry/cluster/$name.yaml" --results "$results/$name" --slurm --backend cuda --build-here --ranks-per-node 2 \
  --cpus-per-task 2 $asked --wait >"$results/$name.log" 2>&1 || echo "ended with exit code $?" >>"$results/$name.log"
cat "$results/$name.log"
chunkflow experiment collect "$carry/cluster/$name.yaml" --results "$results/$name" --out "$results/$name.jsonl" || true
