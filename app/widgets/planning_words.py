"""The changes of a scenario in the words of the page's language."""

from __future__ import annotations

from app.widgets.frame import language
from gridgov.model.changes import Change
from gridgov.model.closures import Closure
from gridgov.operations import change_words
from gridgov.operations.closure_map import RoadsSize
from gridgov.workspace import Workspace


def closure_line(closure: Closure, size: RoadsSize) -> change_words.Line:
    """Return closed or slow roads in words."""
    return change_words.closure_line(closure, size, language())


def change_line(opened: Workspace, change: Change) -> change_words.Line:
    """Return a change in words."""
    return change_words.change_line(opened, change, language())
