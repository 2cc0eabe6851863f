"""ChunkFlow's command line: `python -m chunkflow_offload plan --profile wan.profile.json ...`."""

from __future__ import annotations

import os
import sys

from .errors import NativeError
from .toolchain import generator, node


def main() -> None:
    """Runs the command line in this process' place."""
    try:
        program, script = str(node()), str(generator())
    except NativeError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(2)
    os.execv(program, [program, script, *sys.argv[1:]])


if __name__ == "__main__":
    main()
