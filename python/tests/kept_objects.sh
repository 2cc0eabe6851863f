#!/bin/sh
# The C++ compiler of all tests: equal compilations, of the TypeScript tests too, are made once.
set -eu
project=$(cd "$(dirname "$0")/../.." && pwd)
CHUNKFLOW_KEPT_OBJECTS=${CHUNKFLOW_KEPT_OBJECTS:-$project/out/objects} exec "$project/test/support/keptObjects.sh" c++ "$@"
