#!/bin/sh
# A C++ compiler that keeps the objects of sources that are alike once preprocessed: the libraries of different plans differ in
# one of their sources. For `... -c FILE -o OBJECT`; everything else goes to c++ as it is.
set -eu
compiles=
object=
for word; do
  [ "$word" = -c ] && compiles=yes
  object=$word
done
[ -n "$compiles" ] || exec c++ "$@"
kept=$CHUNKFLOW_CACHE/objects
mkdir -p "$kept"
c++ "$@" -E -P
key=$(sha256sum <"$object" | cut -c 1-40)
if [ ! -f "$kept/$key" ]; then
  c++ "$@"
  cp "$object" "$kept/$key.$$"
  mv "$kept/$key.$$" "$kept/$key"
fi
cp "$kept/$key" "$object"
