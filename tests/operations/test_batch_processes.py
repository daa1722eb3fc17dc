"""Processes of batches are apart from the script that starts them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from gridgov.operations.batch_processes import ScriptHidden


def test_the_script_is_hidden_until_the_last_one_leaves() -> None:
    main = sys.modules["__main__"]
    before = (main.__file__, main.__spec__)
    hidden = ScriptHidden()
    with hidden:
        with hidden:
            assert (main.__file__, main.__spec__) == (None, None)
        assert (main.__file__, main.__spec__) == (None, None)
    assert (main.__file__, main.__spec__) == before


def test_a_script_without_a_guard_runs_once_however_many_processes_it_starts(tmp_path: Path) -> None:
    """A notebook-style script has cells and no `if __name__ == "__main__":`."""
    script = tmp_path / "cells.py"
    script.write_text(
        "print('begins')\n"
        "from operator import add\n"
        "from gridgov.operations.batch_computing import Machines, compute_batch\n"
        "print(compute_batch(add, 10, [('one', 1), ('two', 2)], on=Machines(workers=1)))\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, "-W", "error", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("begins\n[11, 12]\n", "", 0)
