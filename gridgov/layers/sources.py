"""Whether a source is a file that can be read at all, before any format is thought of."""

from __future__ import annotations

from pathlib import Path

from gridgov.errors import SourceError


def check_source(path: Path, layer_id: str | None = None) -> None:
    """Name the real cause if a source is no file that can be opened.

    Raises
    ------
    SourceError
        It does not exist, is a folder, or the system refuses to open it.
    """
    of = "in the import file" if layer_id is None else f"of layer '{layer_id}'"
    try:
        with path.open("rb") as file:
            file.read(1)
    except FileNotFoundError as error:
        raise SourceError(f"{path}: no such file; correct the source {of}") from error
    except IsADirectoryError as error:
        raise SourceError(f"{path}: a folder, not a file; name the file in it as the source {of}") from error
    except PermissionError as error:
        raise SourceError(f"{path}: no permission to read this file; give yourself the right to read it") from error
    except OSError as error:
        raise SourceError(f"{path}: cannot read this file ({error.strerror}); see to the disk or the path") from error
