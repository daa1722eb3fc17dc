"""Write docs/planning.md: the example script, cell by cell, with what each cell prints on the sample village.

    python docs/write_planning.py FOLDER     # FOLDER: a workspace of the village; made where it is not there

A test runs the same script and compares, so the page cannot say what the program does not.
The cells' assertions are left out of the page.
"""

from __future__ import annotations

import io
import os
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
SCRIPT = DOCS / "examples" / "a_planners_day.py"
PAGE = DOCS / "planning.md"
HEAD = (
    f"<!-- Written from examples/{SCRIPT.name} by write_planning.py: change the script, then write this again. -->\n\n"
)
FOOT = f"""
The script is [{SCRIPT.name}](examples/{SCRIPT.name}); there each cell also asserts what it says. The results are those
of the sample village, and a test compares them with what the script prints.
"""


def cells(text: str) -> list[tuple[bool, str, int]]:
    """Return the cells of a script: whether it is prose, its text, and the lines before it."""
    found = []
    starts = [match.start() for match in re.finditer(r"^# %%", text, re.MULTILINE)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        head, _, body = text[start:end].partition("\n")
        found.append(("[markdown]" in head, body.strip("\n"), text.count("\n", 0, start) + 1))
    return found


def run_cell(code: str, before: int, names: dict[str, Any]) -> str:
    """Run a cell and return what it printed; errors name the line of the script."""
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile("\n" * before + code, str(SCRIPT), "exec"), names)
    return printed.getvalue()


def written_page() -> str:
    """Run the script and return the page; EXAMPLE_WORKSPACE and EXAMPLE_OUT say where."""
    names: dict[str, Any] = {"__name__": "__main__"}
    parts = []
    for is_prose, body, before in cells(SCRIPT.read_text(encoding="utf-8")):
        if is_prose:
            parts.append(re.sub(r"^# ?", "", body, flags=re.MULTILINE) + "\n")
            continue
        shown = "\n".join(line for line in body.split("\n") if not line.lstrip().startswith("assert "))
        parts.append(f"```python\n{shown}\n```\n")
        if printed := run_cell(body, before, names):
            parts.append(f"```text\n{printed}```\n")
    names["workspace"].store.close()
    return HEAD + "\n".join(parts) + FOOT


if __name__ == "__main__":
    os.environ["EXAMPLE_WORKSPACE"] = sys.argv[1]
    PAGE.write_text(written_page(), encoding="utf-8")
