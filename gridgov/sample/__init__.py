"""The sample district 临江区 / Linjiang: a whole synthetic district, made from a recipe, written as real source files.

`write_sample` is the only public function; it makes the city (`city.make_city`: terrain, river, streets, blocks, grids,
people, places, incidents) and writes it (`writing.write_city`). Equal recipe and size give equal files.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

__all__ = ["write_sample"]


def write_sample(
    directory: Path,
    *,
    size: str = "district",
    recipe: Path | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Path:
    """Write the sample's source files and their import file into a folder.

    Parameters
    ----------
    directory : Path
        Is made when absent; files of the same names are replaced.
    size : str
        ``village`` (for tests), ``district`` or ``city``.
    recipe : Path, optional
        A recipe of one's own instead of the one that comes with gridgov.
    progress : callable, optional
        Gets the name of the step that begins and the share done (0 … 1).

    Returns
    -------
    Path
        The import file (`import.toml`).

    Raises
    ------
    gridgov.errors.SourceError
        The recipe cannot be read.
    gridgov.errors.ParameterError
        The recipe has no such size.
    """
    # the generator needs the whole GIS stack, which `import gridgov` must not load
    from gridgov.sample.city import make_city  # noqa: PLC0415
    from gridgov.sample.recipe import read_recipe  # noqa: PLC0415
    from gridgov.sample.writing import write_city  # noqa: PLC0415

    report = progress or (lambda _step, _share: None)
    return write_city(make_city(read_recipe(size, recipe), report), Path(directory), report)
