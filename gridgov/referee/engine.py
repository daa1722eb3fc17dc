"""Where SUMO is, and how its programs are run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from gridgov.errors import ParameterError

TIME_LIMIT_S = 1800.0
_INSTALL = "SUMO is not installed: run pip install 'gridgov[referee]' (Eclipse SUMO, about 150 MB, EPL-2.0)"


@dataclass(frozen=True, slots=True)
class Sumo:
    """An installed SUMO; `home` is its own folder."""

    home: Path

    @classmethod
    def find(cls) -> Sumo:
        """Return the SUMO of this Python environment.

        Raises
        ------
        ParameterError
            There is none; the message says how to install it.
        """
        spec = find_spec("sumo")
        places = list(spec.submodule_search_locations or []) if spec is not None else []
        for place in places:
            if (Path(place) / "bin").is_dir():
                return cls(Path(place))
        raise ParameterError(_INSTALL)

    def run(self, program: str, arguments: Sequence[str], folder: Path) -> None:
        """Run a program of SUMO in a folder.

        Raises
        ------
        ParameterError
            It fails or takes more than `TIME_LIMIT_S`; the message has its last line.
        """
        environment = {**os.environ, "SUMO_HOME": str(self.home), "PROJ_DATA": str(self.home / "data" / "proj")}
        try:
            done = subprocess.run(
                [str(self.home / "bin" / program), *arguments, "--xml-validation", "never"],
                cwd=folder, env=environment, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False,
            )  # fmt: skip
        except FileNotFoundError:
            raise ParameterError(f"{_INSTALL}; its program '{program}' is missing") from None
        except subprocess.TimeoutExpired:
            raise ParameterError(
                f"SUMO's {program} was stopped after {TIME_LIMIT_S:.0f} s; try a smaller area"
            ) from None
        if done.returncode != 0:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            errors = [line for line in lines if line.startswith("Error")] or lines[-1:] or ["no message"]
            raise ParameterError(f"SUMO's {program} failed: {errors[0]}")
