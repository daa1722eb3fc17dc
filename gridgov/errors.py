"""The errors gridgov raises: one tree, every leaf also a built-in error.

GridgovError
├── InputError            what the user gave cannot be used          (ValueError)
│   ├── SourceError       a whole file or source cannot be imported
│   ├── SpecError         a layer specification or import file is wrong
│   ├── SettingsError     a setting or environment variable is wrong
│   ├── ParameterError    an argument of a function or command is wrong
│   │   └── MoveRefusedError  an incident's state does not allow the move
│   ├── ConflictError     the record has changed since the caller read it
│   └── UploadError       a file that somebody sent is too large or no picture
├── SignInError           nobody is signed in, or name and password do not fit  (PermissionError)
├── RightsError           the person may not do that, or not there              (PermissionError)
├── NotFoundError         something named does not exist             (LookupError)
│   ├── WorkspaceNotFoundError
│   ├── LayerNotFoundError
│   └── RecordNotFoundError
├── StoppedError          somebody stopped it before its end         (InterruptedError)
└── StorageError          the disk or the database refused           (OSError)
    └── ComputingError    the machines that compute a batch did

Every message is one sentence that says what is wrong, where (file, row, id) and what to do about it; the command line
prints it as it is and exits with code 2.
"""

from __future__ import annotations


class GridgovError(Exception):
    """Base of all errors that gridgov raises on purpose."""


class InputError(GridgovError, ValueError):
    """What the user gave cannot be used."""


class SourceError(InputError):
    """A whole file or source cannot be imported.

    Attributes
    ----------
    code : str
        Why, where a page has a sentence of its own for it (``catalogue.refused.<code>``); mostly empty.
    fields : dict
        The values that the sentence names.
    """

    def __init__(self, message: str, *, code: str = "", fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.fields = fields or {}


class SpecError(InputError):
    """A layer specification or an import file is wrong."""


class SettingsError(InputError):
    """A setting or an environment variable is wrong."""


class ParameterError(InputError):
    """An argument of a function or a command is wrong."""


class ConflictError(InputError):
    """The record has changed since the caller read it."""


class MoveRefusedError(ParameterError):
    """An incident's state, or who did what before, does not allow the move.

    Attributes
    ----------
    code : str
        Why; its sentence is the text ``incident.refused.<code>``.
    fields : dict
        The values that the sentence names.
    """

    def __init__(self, message: str, code: str = "", fields: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.fields = fields or {}


class UploadError(InputError):
    """A file that somebody sent cannot be taken.

    Attributes
    ----------
    too_large : bool
        Whether its size is the reason (HTTP 413), else its content (415).
    code : str
        Why, where a page has a sentence of its own for it.
    fields : dict
        The values that the sentence names.
    """

    def __init__(
        self, message: str, *, too_large: bool = False, code: str = "", fields: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.too_large = too_large
        self.code = code
        self.fields = fields or {}


class SignInError(GridgovError, PermissionError):
    """Nobody is signed in, the session has ended, or name and password do not fit."""


class RightsError(GridgovError, PermissionError):
    """The person's role does not have the right, or not in that area."""


class NotFoundError(GridgovError, LookupError):
    """Something named does not exist."""

    def __str__(self) -> str:  # LookupError's KeyError-like repr would quote the sentence
        return str(self.args[0]) if self.args else ""


class WorkspaceNotFoundError(NotFoundError):
    """No workspace lies at the given path."""


class LayerNotFoundError(NotFoundError):
    """The workspace has no layer of that name."""


class RecordNotFoundError(NotFoundError):
    """No grid, worker, incident or other record has that id."""


class StorageError(GridgovError, OSError):
    """The disk or the database refused to read or write."""


class ComputingError(StorageError):
    """The machines that compute a batch refused, died or cannot be reached."""


class StoppedError(GridgovError, InterruptedError):
    """Somebody stopped a computation before its end."""
