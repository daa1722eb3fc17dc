"""What is left out or not understood while roads are read: counted by kind, with one example each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gridgov.layers.road_rules import unread_tags
from gridgov.model import Finding, FindingLevel

Node = tuple[int, float, float]  # id, lon, lat


@dataclass
class RoadLosses:
    """A tally of losses: (rule, field) -> how many, and the first example."""

    classes: Counter[str] = field(default_factory=Counter)  # values of highway that nobody may use
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], str] = field(default_factory=dict)

    def note(self, osmid: int, tags: Mapping[str, str], nodes: Sequence[Node]) -> None:
        """Look at one way that is kept; `nodes` without repetitions in a row."""
        for tag in unread_tags(tags):
            self._count("road_tag_unread", tag, tags[tag])
        if len(nodes) < 2:
            self._count("road_way_of_one_node", "geometry", str(osmid))
        elif len({node[1:] for node in nodes}) == 1:
            self._count("road_way_without_length", "geometry", str(osmid))

    def findings(self, layer_id: str, *, missing_nodes: int) -> list[Finding]:
        """Return one finding for each kind of loss."""
        found = []
        if missing_nodes:
            detail: dict[str, str | int | float] = {"count": missing_nodes}
            found.append(Finding(layer_id, None, None, "road_nodes_missing", FindingLevel.WARNING, detail=detail))
        for (rule, name), count in sorted(self.counts.items()):
            detail = {"count": count, "value": self.examples[rule, name][:80]}
            found.append(Finding(layer_id, None, name, rule, FindingLevel.WARNING, detail=detail))
        for highway, count in sorted(self.classes.items()):
            detail = {"highway": highway, "count": count}
            found.append(Finding(layer_id, None, "highway", "road_class_ignored", FindingLevel.INFO, detail=detail))
        return found

    def _count(self, rule: str, name: str, example: str) -> None:
        self.counts[rule, name] += 1
        self.examples.setdefault((rule, name), example)
