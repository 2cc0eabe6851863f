#!/bin/sh
# Builds the programs of this bundle and measures them, one after another.
set -u

usage() {
  cat <<'TEXT'
Usage: ./measure.sh [--results DIR] [--jobs N] [--only ID] [NODES] [-- ARGUMENTS]

  --results DIR   where results go: DIR/ID.jsonl for each program (default: results)
  --jobs N        compilers at once (default: one for each core)
  --only ID       only this program; may be given several times
  NODES           this node's part of programs whose ranks are on several: --nodes N --node I --ranks-per-node R
                  --master HOST[:PORT] starts R ranks here; node 0 is HOST (default port: 29500)
  ARGUMENTS       of the programs (default: the lines of programs/ID/arguments.txt or of arguments.txt; where there is none,
                  @ARGUMENTS@); `-- --help` lists them all

Started once for each rank (RANK of `torchrun --no-python ./measure.sh`, SLURM_PROCID of `srun ./measure.sh`), it builds once on
each node, runs every program as that rank, and rank 0 writes the results.

Environment:
  CHUNKFLOW_SECRET                the same on all nodes, needed where ranks are on several: openssl rand -hex 16
  CHUNKFLOW_INTERFACE=ib0         interface, address or network (10.1.0.0/16) over which ranks meet and NCCL connects
  CHUNKFLOW_MEETING_LIMIT=1800    seconds that ranks wait for those that still build
  CHUNKFLOW_BACKEND=host          builds for CPU cores: proves that everything works, gives no times of a GPU
  CHUNKFLOW_ARCHITECTURES="90"    GPU generations to compile for
  CHUNKFLOW_WHEELS=DIR            virtual environment with NVIDIA's packages; else CUDA_HOME, /usr/local/cuda and the
                                  packages of the python3 on the PATH are searched
Exit code: 0 when all is well, 1 when something failed, 2 for a wrong argument.
TEXT
}

mistake() {
  echo "error: $1" >&2
  exit 2
}

fail() {
  echo "error: $1" >&2
  failed=1
}

# The first line that a build's output calls an error.
first_error() {
  grep -m 1 -A 1 -E 'error: |CMake Error|undefined reference|nvcc fatal' "$1" | tr '\n' ' '
}

need() {
  command -v "$1" >/dev/null 2>&1 || mistake "$1 is missing; get it: $2"
}

whole() {
  case $2 in '' | *[!0-9]* | 0?*) mistake "$1: expected a whole number, got '$2'" ;; esac
}

# Which rank this process is by whoever started it, as the programs see it; empty where it is none.
rank=
if [ -n "${RANK:-}" ]; then
  rank=$RANK
elif [ "${SLURM_NTASKS:-1}" != 1 ]; then
  rank=${SLURM_PROCID:-}
fi

invoked_from=$(pwd)
here=$(cd "$(dirname "$0")" && pwd) || exit 1
results=results
jobs=
only=
nodes=
node=
ranks_per_node=
master=
failed=0
backend=${CHUNKFLOW_BACKEND:-cuda}

cd "$here" || exit 1
while [ $# -gt 0 ]; do
  case $1 in
    --results | --jobs | --only | --nodes | --node | --ranks-per-node | --master)
      [ $# -ge 2 ] || mistake "$1: expected a value behind it"
      case $1 in
        --nodes) whole "$1" "$2" && nodes=$2 ;;
        --node) whole "$1" "$2" && node=$2 ;;
        --ranks-per-node) whole "$1" "$2" && ranks_per_node=$2 ;;
        --master) master=$2 ;;
        --results)
          case $2 in /*) results=$2 ;; *) results=$invoked_from/$2 ;; esac
          ;;
        --jobs)
          case $2 in '' | *[!0-9]* | 0*) mistake "--jobs: expected a number from 1, got '$2'" ;; esac
          jobs=$2
          ;;
        --only)
          cut -d ' ' -f 1 programs.txt | grep -Fqx -- "$2" ||
            mistake "--only: there is no program '$2'; this bundle has $(cut -d ' ' -f 1 programs.txt | tr '\n' ' ')"
          only="$only $2"
          ;;
      esac
      shift 2
      ;;
    --)
      shift
      break
      ;;
    --help | -h)
      usage
      exit 0
      ;;
    *) mistake "unknown argument '$1'; arguments of the programs go behind -- (--help says more)" ;;
  esac
done

# Starts this script once for each rank of this node.
start_ranks() {
  [ -z "$rank" ] || mistake "--nodes: this is rank $rank already (RANK or SLURM_PROCID); leave --nodes out"
  for given in "--nodes:$nodes" "--node:$node" "--ranks-per-node:$ranks_per_node" "--master:$master"; do
    [ -n "${given#*:}" ] || mistake "${given%%:*} is missing; --nodes, --node, --ranks-per-node and --master go together"
  done
  [ "$nodes" -ge 1 ] && [ "$ranks_per_node" -ge 1 ] || mistake "--nodes, --ranks-per-node: expected numbers from 1"
  [ "$node" -lt "$nodes" ] || mistake "--node: expected a number from 0 to $((nodes - 1)), got '$node'"
  port=29500
  case $master in
    *:*:*) ;; # an IPv6 address
    *:*) port=${master##*:} master=${master%:*} ;;
  esac
  whole --master "$port"
  MASTER_ADDR=$master MASTER_PORT=$port WORLD_SIZE=$((nodes * ranks_per_node)) LOCAL_WORLD_SIZE=$ranks_per_node
  export MASTER_ADDR MASTER_PORT WORLD_SIZE LOCAL_WORLD_SIZE
  for word in $only; do set -- --only "$word" "$@"; done
  [ -z "$jobs" ] || set -- --jobs "$jobs" "$@"
  cd "$invoked_from" || exit 1
  ranks=
  local_rank=0
  while [ "$local_rank" -lt "$ranks_per_node" ]; do
    RANK=$((node * ranks_per_node + local_rank)) LOCAL_RANK=$local_rank \
      "$here/measure.sh" --results "$results" "$@" </dev/null &
    ranks="$ranks $!"
    local_rank=$((local_rank + 1))
  done
  # shellcheck disable=SC2086
  trap 'kill $ranks 2>/dev/null' INT TERM
  for process in $ranks; do wait "$process" || failed=1; done
  exit $failed
}

if [ -n "$nodes$node$ranks_per_node$master" ]; then
  case $results in /*) ;; *) results=$here/$results ;; esac
  [ $# -eq 0 ] || set -- -- "$@"
  start_ranks "$@"
fi

chosen=$#
if [ $# -eq 0 ] && [ -f arguments.txt ]; then
  while IFS= read -r argument; do set -- "$@" "$argument"; done <arguments.txt
elif [ $# -eq 0 ]; then
  set -- @ARGUMENTS@
fi

case $backend in
  cuda | host) ;;
  *) mistake "CHUNKFLOW_BACKEND is '$backend'; expected cuda or host" ;;
esac
need cmake 'sudo apt-get install cmake, or pip install cmake'
need "${CXX:-c++}" 'sudo apt-get install g++'
generator='Unix Makefiles'
command -v ninja >/dev/null 2>&1 && generator=Ninja
[ -n "$jobs" ] || jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
mkdir -p "$results" || mistake "--results: $results cannot be made"
results=$(cd "$results" && pwd)
if command -v sha256sum >/dev/null 2>&1; then
  [ "${rank:-0}" != 0 ] || sha256sum --check --quiet SHA256SUMS 2>/dev/null | sed 's/^/note: not as it was bundled: /' >&2
fi

# Nodes may share this folder, and may not be alike: each builds for itself, and the first of its ranks does it for all.
build=build-$backend
logs=$results
built=0
if [ -n "$rank" ]; then
  need flock 'sudo apt-get install util-linux'
  CHUNKFLOW_MEETING_LIMIT=${CHUNKFLOW_MEETING_LIMIT:-1800}
  export CHUNKFLOW_MEETING_LIMIT
  build=$build-$(uname -n)
  logs=$results/nodes/$(uname -n)
  mkdir -p "$build" "$logs" || exit 1
  exec 9>"$build/lock"
  flock 9
  # Ranks of a node have one parent, whose start tells it from others of its number.
  launch="$PPID $(sed 's/.*) //' "/proc/$PPID/stat" | cut -d ' ' -f 20)"
  # What was edited since is built again.
  [ "$(cat "$build/launch" 2>/dev/null)" != "$launch" ] ||
    [ -n "$(find CMakeLists.txt programs runtime -newer "$build/launch" 2>/dev/null)" ] || built=1
fi

[ $built -eq 1 ] || {
  uname -a
  for command in "nvidia-smi -q" "nvidia-smi topo -m"; do
    echo "\$ $command"
    $command 2>&1
  done
} >"$logs/machine.txt"

[ $built -eq 1 ] || echo "configuring for $backend ..." >&2
if [ $built -eq 0 ] && ! cmake -S . -B "$build" -G "$generator" "-DCHUNKFLOW_BACKEND=$backend" \
  ${CHUNKFLOW_WHEELS:+"-DCHUNKFLOW_WHEELS=$CHUNKFLOW_WHEELS"} \
  ${CHUNKFLOW_ARCHITECTURES:+"-DCHUNKFLOW_ARCHITECTURES=$CHUNKFLOW_ARCHITECTURES"} \
  >"$logs/configure.log" 2>&1; then
  # CMake puts its message behind the place, indented.
  message=$(sed -n '/^CMake Error/,/^$/p' "$logs/configure.log" | grep -v '^CMake Error' | tr -s ' \n' ' ')
  echo "error: cmake failed:${message:- no message} (all of it: $logs/configure.log)" >&2
  exit 1
fi

# Whether a program was asked for.
wanted() {
  case "${only:-" $1"} " in *" $1 "*) return 0 ;; *) return 1 ;; esac
}

# Runs program $1, whose target is $2, with its own arguments or else with the others.
measure() {
  own=programs/$1/arguments.txt
  executable=$PWD/$build/bin/$2_run
  out=$results/$1.jsonl
  shift 2
  if [ "$chosen" -eq 0 ] && [ -f "$own" ]; then
    set --
    while IFS= read -r argument; do set -- "$@" "$argument"; done <"$own"
  fi
  # Paths that a user gives begin where the user is.
  [ "$chosen" -eq 0 ] || cd "$invoked_from" || return 1
  "$executable" --out "$out" "$@" </dev/null
}

# All at once keeps every core busy; what does not build is named below, by its program.
targets=
while read -r id target; do
  if wanted "$id"; then targets="$targets ${target}_run"; fi
done <programs.txt
if [ $built -eq 0 ]; then
  echo "building ..." >&2
  # shellcheck disable=SC2086
  cmake --build "$build" --parallel "$jobs" --target $targets -- -k $([ "$generator" = Ninja ] && echo 0) \
    >"$logs/build.log" 2>&1 </dev/null
fi

# Builds program $1, whose target is $2, or says why it cannot be.
build_one() {
  cmake --build "$build" --parallel "$jobs" --target "$2_run" >"$logs/$1.build.log" 2>&1 </dev/null && return
  fail "$1: does not build: $(first_error "$logs/$1.build.log")(all of it: $logs/$1.build.log)"
  return 1
}

# Ranks go through the same programs, so that one that does not build here ends the run of all.
if [ -n "$rank" ]; then
  [ $built -eq 1 ] || while read -r id target; do
    if wanted "$id"; then build_one "$id" "$target"; fi
  done <programs.txt
  [ $failed -eq 0 ] || exit 1
  [ $built -eq 1 ] || echo "$launch" >"$build/launch"
  exec 9>&-
fi

while read -r id target; do
  wanted "$id" || continue
  [ -n "$rank" ] || build_one "$id" "$target" || continue
  if [ "${rank:-0}" = 0 ]; then
    mkdir -p "$results/programs/$id" && cp "programs/$id/manifest.json" "$results/programs/$id/"
  fi
  [ "${rank:-0}" != 0 ] || echo "$id: measuring ..." >&2
  (measure "$id" "$target" "$@")
  code=$?
  if [ $code -ne 0 ]; then fail "$id: ended with exit code $code"; fi
done <programs.txt

[ "${rank:-0}" = 0 ] || exit $failed

# The last run of each file.
for file in "$results"/*.jsonl; do
  [ -f "$file" ] || continue
  echo
  awk '
    function text(name,   rest) {
      if (!match($0, "\"" name "\":")) return "-"
      rest = substr($0, RSTART + RLENGTH)
      if (substr(rest, 1, 1) == "\"") { rest = substr(rest, 2); sub(/".*/, "", rest) } else sub(/[,}\]].*/, "", rest)
      return rest
    }
    /^\{"record":"run"/ {
      place = text("place"); if (place == "host") place = "host (no GPU)"
      title = text("program") ": " place ", " text("startedAt"); count = cases = segments = 0
    }
    /^\{"record":"case"/ { cases++ }
    /^\{"record":"(segment|paced)"/ { segments++ }
    /^\{"record":"summary"/ {
      lines[count++] = sprintf("%-48s %-6s %11.3f %9.3f  %s", text("name"), text("mode"), text("medianS") * 1000,
                               text("madS") * 1000, text("steady") == "true" ? "" : "not steady")
    }
    END {
      print title
      if (cases > 0) print cases " cases, each round counted"
      if (segments > 0) print segments " segments"
      if (count == 0) { if (cases + segments == 0) print "nothing was measured"; exit }
      printf "%-48s %-6s %11s %9s\n", "plan", "mode", "median ms", "+- MAD"
      for (i = 0; i < count; i++) print lines[i]
    }' "$file"
done
echo
echo "results: $results; \`chunkflow measure --from $results\` shows them beside the predictions"
exit $failed
