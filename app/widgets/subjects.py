"""What a coverage is of, in words: workers, shelters, a category of facilities."""

from __future__ import annotations

from app.widgets.frame import language, text
from gridgov.operations.coverage import SHELTERS, WORKERS
from gridgov.workspace import Workspace


def subject_name(opened: Workspace, of: str) -> str:
    """Return what a coverage is of, in the language of the page; a category without a name stays as it is."""
    if of in {WORKERS, SHELTERS}:
        return text(f"map_coverage.of_{of}")
    names = [opened.spec(layer).class_names for layer in opened.of_kind("facilities")]
    return next((named[of][language()] for named in names if of in named), of)
