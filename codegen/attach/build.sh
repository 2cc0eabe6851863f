#!/bin/sh
# Builds the library of this folder with the C++ compiler alone: no CMake, no nvcc.
#   sh build.sh host|cuda OUT.so
# Environment: CXX; for cuda CHUNKFLOW_CUDA_INCLUDE and CHUNKFLOW_CUDA_LIB, the folders of cuda_runtime.h and of libcudart.so
# (several separated by colons; NVIDIA's wheels, which PyTorch brings, have both).
set -eu

mistake() {
  echo "error: $1" >&2
  exit 2
}

[ $# -eq 2 ] || mistake "expected two arguments: host or cuda, and the library to write"
backend=$1
case $2 in /*) out=$2 ;; *) out=$(pwd)/$2 ;; esac
here=$(cd "$(dirname "$0")" && pwd)
cxx=${CXX:-c++}
# Of several words the first is a program: "ccache g++".
command -v "${cxx%% *}" >/dev/null 2>&1 || mistake "${cxx%% *} is missing; get a C++20 compiler (sudo apt-get install g++), or name one in CXX"

runtime=$here/runtime
# Compiled in two pieces: most of a compiler's time goes into the standard library's headers, which the sources of a piece share.
attached="$runtime/attached/attached.cpp $runtime/attached/attached_rank.cpp $runtime/attached/c_interface.cpp
  $runtime/attached/copy_worker.cpp $runtime/attached/link.cpp $runtime/attached/weight_store.cpp"
below="$runtime/device/pinned_memory.cpp $runtime/plan/memory.cpp $runtime/ranks/shared_segment.cpp
  $runtime/transport/staging.cpp"
flags="-std=c++20 -O2 -fPIC -fvisibility=hidden -fno-gnu-unique -Wall -Wextra -I$runtime"
# A compiler may link its own libstdc++ in. Its symbols stay inside then: half bound to that of the process, streams and locales crash.
link="-shared -Wl,-Bsymbolic -Wl,--exclude-libs,ALL -Wl,--no-undefined -pthread -ldl -lrt"
case $backend in
  host)
    below="$below $runtime/device/checksum.cpp $runtime/device/host/device.cpp $runtime/device/host/graph.cpp"
    sources="$runtime/device/host/pages.cpp"
    ;;
  cuda)
    [ -n "${CHUNKFLOW_CUDA_INCLUDE:-}" ] || mistake "CHUNKFLOW_CUDA_INCLUDE is not set: the folder of cuda_runtime.h"
    [ -n "${CHUNKFLOW_CUDA_LIB:-}" ] || mistake "CHUNKFLOW_CUDA_LIB is not set: the folder of libcudart.so.NN"
    sources="$runtime/device/cuda/device.cpp $runtime/device/cuda/memory.cpp $runtime/device/cuda/driver.cpp
      $runtime/device/cuda/clock_nvml.cpp $runtime/device/cuda/stream_values.cpp $runtime/attached/kernels_ptx.cpp"
    rest=$CHUNKFLOW_CUDA_INCLUDE:
    while [ -n "$rest" ]; do
      flags="$flags -isystem ${rest%%:*}"
      rest=${rest#*:}
    done
    library=
    rest=$CHUNKFLOW_CUDA_LIB:
    while [ -n "$rest" ]; do
      for file in "${rest%%:*}"/libcudart.so*; do
        [ -e "$file" ] && [ -z "$library" ] && library=$file
      done
      link="$link -Wl,-rpath,${rest%%:*}"
      rest=${rest#*:}
    done
    [ -n "$library" ] || mistake "CHUNKFLOW_CUDA_LIB=$CHUNKFLOW_CUDA_LIB: no libcudart.so there"
    link="$library $link"
    ;;
  *) mistake "$backend: expected host or cuda" ;;
esac

work=$(mktemp -d "$out.build-XXXXXX")
trap 'rm -rf "$work"' EXIT
# shellcheck disable=SC2086
printf '#include "%s"\n' $attached >"$work/attached.cpp"
# shellcheck disable=SC2086
printf '#include "%s"\n' $below >"$work/below.cpp"
# Compilers side by side, as many as there are cores; the first that fails ends the build.
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
# shellcheck disable=SC2086
printf '%s\n' "$work/attached.cpp" "$work/below.cpp" "$here/attached_plan.cpp" $sources | xargs -P "$jobs" -I '{}' sh -c '
  # Sources of several folders have the same name.
  name=$(printf "%s" "${1#"$5/"}" | tr / -)
  $2 $3 -c "$1" -o "$4/$name.o"
' compile '{}' "$cxx" "$flags" "$work" "$here"
# shellcheck disable=SC2086
$cxx "$work"/*.o $link -o "$work/library.so"
mv "$work/library.so" "$out"
