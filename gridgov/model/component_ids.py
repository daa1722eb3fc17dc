"""部件编码: the id of a city component (16 characters), split as the profile says.

Sources disagree on the split (6 + 2 + 3 + 5 in one text after GB/T 30428.2, 6 + 2 + 2 + 6 in the older form): so it is
data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

from gridgov.errors import ParameterError


@dataclass(frozen=True, slots=True)
class IdPart:
    """One part of an id: so many digits, a number from `minimum` to `maximum`."""

    name: str
    length: int
    minimum: int = 0
    maximum: int = 0  # 0: whatever the digits hold

    @property
    def largest(self) -> int:
        """The largest number allowed."""
        return self.maximum or 10**self.length - 1


@dataclass(frozen=True, slots=True)
class ComponentIdScheme:
    """How an id is put together.

    `class_parts` are the names of the parts that make the code of the class; a minor of `extension_from` or more is a
    city's own (0: there are none).

    Raises
    ------
    ParameterError
        The parts do not make up the length, or a class part is none of them.
    """

    parts: tuple[IdPart, ...]
    length: int = 16
    class_parts: tuple[str, ...] = ("major", "minor")
    extension_from: int = 0

    def __post_init__(self) -> None:
        names = [part.name for part in self.parts]
        if (total := sum(part.length for part in self.parts)) != self.length:
            raise ParameterError(f"the parts of a component id have {total} digits together, not {self.length}")
        if len(set(names)) != len(names) or not set(self.class_parts) <= set(names):
            raise ParameterError(f"the parts {', '.join(names)} of a component id are not unique or lack a class part")
        for part in self.parts:
            if part.length < 1 or not 0 <= part.minimum <= part.largest < 10**part.length:
                raise ParameterError(f"the part '{part.name}' of a component id has an impossible length or range")

    def parse(self, text: str) -> ComponentId:
        """Return an id in its parts.

        Raises
        ------
        ParameterError
            It has another length, a sign that is no digit, or a part out of its range.
        """
        split = " + ".join(f"{part.length} {part.name}" for part in self.parts)
        if len(text) != self.length or not (text.isascii() and text.isdigit()):
            raise ParameterError(f"component id '{text}' must have {self.length} digits: {split}")
        ends = list(accumulate(part.length for part in self.parts))
        values = {part.name: text[end - part.length : end] for part, end in zip(self.parts, ends, strict=True)}
        for part in self.parts:
            if not part.minimum <= int(values[part.name]) <= part.largest:
                raise ParameterError(
                    f"component id '{text}': the {part.name} {values[part.name]} is not within "
                    f"{part.minimum:0{part.length}d}-{part.largest:0{part.length}d}"
                )
        class_code = "".join(values[name] for name in self.class_parts)
        own = bool(self.extension_from) and int(values[self.class_parts[-1]]) >= self.extension_from
        return ComponentId(values, class_code, own)


@dataclass(frozen=True, slots=True)
class ComponentId:
    """An id in its parts by name, the code of its class, and whether that class is a city's extension."""

    parts: Mapping[str, str]
    class_code: str
    is_extension: bool

    def __str__(self) -> str:
        return "".join(self.parts.values())
