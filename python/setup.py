"""Puts ChunkFlow's command line into the package before it is built; everything else is in pyproject.toml."""

import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
BUNDLE = HERE / "chunkflow_offload" / "cli" / "chunkflow.js"


class BuildWithCommandLine(build_py):
    """Bundles the command line of the checkout that the package lies in; a source distribution has it already."""

    def run(self) -> None:
        """Bundles, then builds as ever."""
        setup_script = HERE.parent / "scripts" / "with-setup.mjs"
        if setup_script.is_file():
            node = shutil.which("node")
            if node is None:
                sys.exit("error: node is missing, which bundles ChunkFlow's command line; get Node 20.19 or newer")
            subprocess.run([node, str(setup_script), "python-bundle"], check=True)
        if not BUNDLE.is_file():
            sys.exit(f"error: {BUNDLE} is missing; build the package from a checkout of ChunkFlow")
        super().run()


setup(cmdclass={"build_py": BuildWithCommandLine})
