#!/bin/sh
# Compiles, or copies the object of an equal compilation that is kept: test programs stand on one runtime, and each of their build
# folders would compile it again.
#   keptObjects.sh COMPILER ARGUMENTS...     the folder of objects: CHUNKFLOW_KEPT_OBJECTS
# Equal are compilations of one compiler with the same options, source, and files of the include folders, wherever they lie. For
# `... -o OBJECT -c SOURCE` as CMake writes it; everything else, and a machine without the tools for it, just compiles.
set -eu

kept=${CHUNKFLOW_KEPT_OBJECTS:-}
object=
source=
depfile=
include=
options=
previous=
for word; do
  case $previous in
    -o) object=$word ;;
    -c) source=$word ;;
    -MF) depfile=$word ;;
    # Names of the object in what is written of its headers.
    -MT) ;;
    *)
      case $word in
        -o | -c | -MF | -MT) ;;
        # The runtime's; with two of them it just compiles. A target's own name is in no source.
        -I*)
          [ -z "$include" ] || kept=
          include=${word#-I}
          ;;
        -D*_EXPORTS) ;;
        *) options="$options $word" ;;
      esac
      ;;
  esac
  previous=$word
done
if [ -z "$kept" ] || [ -z "$object" ] || [ ! -f "$source" ] || [ ! -d "$include" ] || ! command -v sha256sum flock >/dev/null; then
  exec "$@"
fi

# In what is written of headers a space has a backslash before it, and names would not be found again.
case $source$object$include in *[[:space:]]*) exec "$@" ;; esac

folder=$(dirname "$source")
headers() {
  find "$1" -maxdepth "$2" -type f \( -name '*.hpp' -o -name '*.h' -o -name '*.cpp' -o -name '*.cuh' \) | LC_ALL=C sort
}
key=$(
  {
    "$1" --version
    echo "$options"
    sed "s|$include|@include@|g" "$source"
    # A runtime is included by other folders' sources, a program's headers by its own.
    (cd "$include" && headers . 3 | xargs sha256sum)
    case $folder in
      "$include"*) ;;
      *) (cd "$folder" && find . -maxdepth 1 -name '*.hpp' | LC_ALL=C sort | xargs -r sha256sum) ;;
    esac
  } | sha256sum | cut -c 1-40
)
mkdir -p "$kept"
# Two builds at once: the second waits for the first's object.
exec 9>"$kept/$key.lock"
flock 9
if [ ! -f "$kept/$key.o" ]; then
  # What is complained of is complained of again: only silent compilations are kept.
  "$@" 9>&- 2>"$kept/$key.said" || { status=$?; cat "$kept/$key.said" >&2; rm -f "$kept/$key.said"; exit "$status"; }
  cat "$kept/$key.said" >&2
  [ ! -s "$kept/$key.said" ] || { rm -f "$kept/$key.said"; exit 0; }
  rm -f "$kept/$key.said"
  cp "$object" "$kept/$key.$$"
  [ -z "$depfile" ] ||
    sed -e "s|$object|@object@|g" -e "s|$source|@source@|g" -e "s|$folder/|@folder@/|g" -e "s|$include/|@include@/|g" \
      "$depfile" >"$kept/$key.d"
  mv "$kept/$key.$$" "$kept/$key.o"
  exit 0
fi
cp "$kept/$key.o" "$object"
touch -c "$kept/$key.o" "$kept/$key.d"
[ -z "$depfile" ] ||
  sed -e "s|@object@|$object|g" -e "s|@source@|$source|g" -e "s|@folder@|$folder|g" -e "s|@include@|$include|g" \
    "$kept/$key.d" >"$depfile"
