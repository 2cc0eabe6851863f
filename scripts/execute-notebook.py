"""Executes a notebook where it lies and writes it elsewhere: execute-notebook.py NOTEBOOK OUT."""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

source, out = map(Path, sys.argv[1:])
notebook = nbformat.read(source, as_version=4)
resources = {"metadata": {"path": str(source.parent)}}
NotebookClient(notebook, timeout=1200, kernel_name="python3", record_timing=False, resources=resources).execute()
nbformat.write(notebook, out)
