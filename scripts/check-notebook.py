#!/usr/bin/env python3
"""Executes notebook/table6.ipynb in this clone and looks at how every cell ended.

    python scripts/check-notebook.py            check that it runs, and what is stored in it
    python scripts/check-notebook.py --write    store the outputs of this execution

It needs nbclient and ipykernel (both from PyPI). The data cache is an empty folder, so that every
machine computes the same: synthetic pictures, on the CPU.
"""

import argparse
import json
import os
import re
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "notebook" / "table6.ipynb"
LARGEST_BYTES = 200_000
SECONDS_A_CELL = 900


def execute(notebook):
    """Runs all cells, as Jupyter does: in the notebook's own folder."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["TABLE6_DATA"] = cache
        # As for somebody who started Jupyter and not npm.
        os.environ.pop("npm_command", None)
        client = NotebookClient(notebook, timeout=SECONDS_A_CELL, kernel_name="python3")
        client.execute(cwd=str(NOTEBOOK.parent))


def tidy(notebook):
    """Leaves out what differs between two executions without meaning anything."""
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
        if cell.cell_type == "code":
            cell.outputs = merge_streams(cell.outputs)


def merge_streams(outputs):
    """Lines of one stream arrive in pieces of any size."""
    merged = []
    for output in outputs:
        last = merged[-1] if merged else None
        if last and output.output_type == "stream" == last.output_type and output.name == last.name:
            last.text += output.text
        else:
            merged.append(output)
    return merged


def kinds(cell):
    """What a cell shows, without its content: names of streams, types of what is displayed."""
    shown = []
    for output in cell.outputs:
        if output.output_type == "stream":
            shown.append(output.name)
        elif output.output_type == "error":
            shown.append("error")
        else:
            shown.append("+".join(sorted(output.data)))
    return shown


def without_pictures(output):
    """Base64 may spell anything."""
    shown = {kind: value for kind, value in output.get("data", {}).items() if kind != "image/png"}
    return {**output, "data": shown}


def problems(notebook, what):
    """Sentences about outputs that should not be in a notebook."""
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        text = json.dumps([without_pictures(output) for output in cell.outputs])
        if cell.execution_count is None:
            yield f"{what}: the cell {cell.id} was not executed"
        if "error" in kinds(cell) or "stderr" in kinds(cell):
            yield f"{what}: the cell {cell.id} did not end well: {text[:2000]}"
        if re.search(r"\\r(?!\\n)|\\u001b", text):
            yield f"{what}: the cell {cell.id} draws over its lines or colours them"
        for place in {str(ROOT), str(Path.home()), tempfile.gettempdir()} - {"/"}:
            if place in text:
                yield f"{what}: the cell {cell.id} shows a path of this machine, {place}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="store the outputs")
    write = parser.parse_args().write
    stored = nbformat.read(NOTEBOOK, as_version=4)
    fresh = nbformat.read(NOTEBOOK, as_version=4)
    found = []
    try:
        execute(fresh)
    except CellExecutionError as error:
        found.append(str(error))
    tidy(fresh)
    found += problems(fresh, "executed")
    if write and not found:
        NOTEBOOK.write_text(nbformat.writes(fresh, indent=1) + "\n", encoding="utf-8")
        stored = fresh
    found += problems(stored, "stored")
    for old, new in zip(stored.cells, fresh.cells):
        if old.cell_type == "code" and kinds(old) != kinds(new):
            found.append(f"the cell {old.id} stores {kinds(old)} and shows {kinds(new)}: run --write")
    size = NOTEBOOK.stat().st_size
    if size > LARGEST_BYTES:
        found.append(f"{NOTEBOOK.name} has {size} bytes, more than {LARGEST_BYTES}")
    for sentence in found:
        print(sentence, file=sys.stderr)
    if not found:
        count = sum(cell.cell_type == "code" for cell in fresh.cells)
        print(f"{NOTEBOOK.name}: {count} cells ended well; stored in {size} bytes")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
