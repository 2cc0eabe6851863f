#!/bin/sh
# Builds the programs of this bundle and measures them, one after another.
set -u

usage() {
  cat <<'TEXT'
Usage: ./measure.sh [--results DIR] [--jobs N] [--only ID] [-- ARGUMENTS]

  --results DIR   where results go: DIR/ID.jsonl for each program (default: results)
  --jobs N        compilers at once (default: one for each core)
  --only ID       only this program; may be given several times
  ARGUMENTS       of the programs (default: the lines of programs/ID/arguments.txt or of arguments.txt; where there is none,
                  @ARGUMENTS@); `-- --help` lists them all

Environment:
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

invoked_from=$(pwd)
cd "$(dirname "$0")" || exit 1
results=results
jobs=
only=
failed=0
backend=${CHUNKFLOW_BACKEND:-cuda}

while [ $# -gt 0 ]; do
  case $1 in
    --results | --jobs | --only)
      [ $# -ge 2 ] || mistake "$1: expected a value behind it"
      case $1 in
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
  sha256sum --check --quiet SHA256SUMS 2>/dev/null | sed 's/^/note: not as it was bundled: /' >&2
fi

{
  uname -a
  for command in "nvidia-smi -q" "nvidia-smi topo -m"; do
    echo "\$ $command"
    $command 2>&1
  done
} >"$results/machine.txt"

build=build-$backend
echo "configuring for $backend ..." >&2
if ! cmake -S . -B "$build" -G "$generator" "-DCHUNKFLOW_BACKEND=$backend" \
  ${CHUNKFLOW_WHEELS:+"-DCHUNKFLOW_WHEELS=$CHUNKFLOW_WHEELS"} \
  ${CHUNKFLOW_ARCHITECTURES:+"-DCHUNKFLOW_ARCHITECTURES=$CHUNKFLOW_ARCHITECTURES"} \
  >"$results/configure.log" 2>&1; then
  # CMake puts its message behind the place, indented.
  message=$(sed -n '/^CMake Error/,/^$/p' "$results/configure.log" | grep -v '^CMake Error' | tr -s ' \n' ' ')
  echo "error: cmake failed:${message:- no message} (all of it: $results/configure.log)" >&2
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
echo "building ..." >&2
# shellcheck disable=SC2086
cmake --build "$build" --parallel "$jobs" --target $targets -- -k $([ "$generator" = Ninja ] && echo 0) \
  >"$results/build.log" 2>&1 </dev/null

while read -r id target; do
  wanted "$id" || continue
  if ! cmake --build "$build" --parallel "$jobs" --target "${target}_run" >"$results/$id.build.log" 2>&1 </dev/null; then
    fail "$id: does not build: $(first_error "$results/$id.build.log")(all of it: $results/$id.build.log)"
    continue
  fi
  mkdir -p "$results/programs/$id" && cp "programs/$id/manifest.json" "$results/programs/$id/"
  echo "$id: measuring ..." >&2
  (measure "$id" "$target" "$@")
  code=$?
  if [ $code -ne 0 ]; then fail "$id: ended with exit code $code"; fi
done <programs.txt

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
