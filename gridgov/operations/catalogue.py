"""图层目录, "one map": what layers there are, from where and when, how good they are, and their versions.

A layer is named by its id, a version of it as ``land_cover@2020``: the newest version whose name (date and digest)
begins so. Without an ``@`` the newest version is meant, by the date of its content.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from gridgov.errors import NotFoundError, ParameterError, RightsError, StorageError
from gridgov.i18n import LANGS, Lang, label
from gridgov.maps.previews import raster_preview, vector_preview
from gridgov.model import Finding
from gridgov.model.rights import EVERYWHERE, Person, Right, require
from gridgov.operations.findings import findings_of
from gridgov.operations.publishing import change_versions
from gridgov.workspace import LayerEntry, Manifest, Workspace

LIVE = frozenset({"incidents", "workers"})  # what they are now is in the store, and who may see them is asked there
_PREVIEW_ROWS = 8
_LEVELS = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class LayerRecord:
    """What the catalogue says about one version of a layer.

    Attributes
    ----------
    ref : str
        By which it is asked for: the id, or ``id@version`` of one that is not in use.
    group, geometry, unit : str
        Of its kind.
    current : bool
        Whether it is the version in use.
    findings : tuple of (level, count)
        Of the checks: errors, warnings, remarks.
    fields : tuple of str
        Of its kind; empty: a raster.
    """

    ref: str
    entry: LayerEntry
    group: str
    unit: str
    current: bool
    versions: int
    findings: tuple[tuple[str, int], ...]
    fields: tuple[str, ...]

    @property
    def layer_id(self) -> str:
        """Id of the layer."""
        return self.entry.layer_id

    def name(self, lang: Lang) -> str:
        """Return the layer's name."""
        return self.entry.names[lang]


@dataclass(frozen=True, slots=True)
class LayerPreview:
    """A small picture (PNG) of a layer and its first rows; either may be missing."""

    picture: bytes | None
    rows: pd.DataFrame | None


def list_layers(
    workspace: Workspace, person: Person, *, query: str = "", group: str = "", kind: str = ""
) -> list[LayerRecord]:
    """Return the layers in use whose description holds every word of the query, in the order of the workspace.

    Parameters
    ----------
    query : str
        Words, in either language: looked for in names, id, kind, source, licence, date and names of fields and classes.
    group, kind : str
        Only these; empty: all.
    """
    require(person, Right.LAYER_READ)
    words = query.casefold().split()
    found = []
    for layer_id in workspace.layer_ids:
        record = _record(workspace, workspace.entry(layer_id))
        if (group and record.group != group) or (kind and record.entry.kind != kind):
            continue
        if not words or all(word in _words(workspace, record) for word in words):
            found.append(record)
    return found


def describe_layer(workspace: Workspace, person: Person, ref: str) -> LayerRecord:
    """Return what is known of a layer or of one version of it.

    Raises
    ------
    LayerNotFoundError
        There is none.
    """
    require(person, Right.LAYER_READ)
    return _record(workspace, workspace.entry(ref))


def layer_versions(workspace: Workspace, person: Person, layer_id: str) -> list[LayerRecord]:
    """Return all versions of a layer, newest first, withdrawn ones included.

    Raises
    ------
    LayerNotFoundError
        There is no such layer.
    """
    require(person, Right.LAYER_READ)
    versions = workspace.versions(layer_id)
    if not versions:
        workspace.entry(layer_id)  # says what there is
    return [_record(workspace, entry) for entry in versions]


def read_layer_version(workspace: Workspace, person: Person, ref: str) -> Any:
    """Return the rows of a version as a frame (WGS 84; shared: do not change it), or the path of its raster.

    Raises
    ------
    LayerNotFoundError
        There is none.
    RightsError
        The person may not see layers, or it is one of people or incidents, which operations of their own read.
    """
    require(person, Right.LAYER_READ)
    entry = workspace.entry(ref)
    if entry.kind in LIVE:
        raise RightsError(f"rows of '{entry.layer_id}' are about people: they are read where incidents and workers are")
    return workspace.raster_path(ref) if entry.geometry == "raster" else workspace.layer(ref)


def preview_layer(workspace: Workspace, person: Person, ref: str, *, rows: int = _PREVIEW_ROWS) -> LayerPreview:
    """Return a small picture and the first rows; neither of people and incidents.

    Raises
    ------
    LayerNotFoundError
        There is no such layer.
    StorageError
        Its file cannot be read.
    """
    require(person, Right.LAYER_READ)
    entry, spec = workspace.entry(ref), workspace.spec(ref)
    if entry.kind in LIVE:
        return LayerPreview(None, None)
    if entry.geometry == "raster":
        key = f"preview {entry.layer_id} {entry.digest}"
        return LayerPreview(workspace.cached(key, lambda: raster_preview(workspace.raster_path(ref), spec)), None)
    frame = workspace.layer(ref)
    head = pd.DataFrame(frame.head(rows))
    if entry.geometry == "table":
        return LayerPreview(None, head)
    box = entry.bounds or workspace.bounds
    key = f"preview {entry.layer_id} {entry.digest}"
    picture = workspace.cached(key, lambda: vector_preview(frame, spec, box))
    return LayerPreview(picture, head.drop(columns=str(frame.geometry.name)))


def layer_findings(workspace: Workspace, person: Person, ref: str) -> list[Finding]:
    """Return what the checks found in a layer or a version of it.

    Raises
    ------
    LayerNotFoundError
        There is no such layer.
    """
    require(person, Right.LAYER_READ)
    return findings_of(_findings(workspace, workspace.entry(ref)))


def aside_file(workspace: Workspace, person: Person, ref: str) -> bytes:
    """Return the rows of a layer that were kept aside, with their reasons, as CSV (UTF-8 with a mark).

    Raises
    ------
    RightsError
        The person may not bring in layers: what was kept aside is unchecked, and may be about people.
    NotFoundError
        No row was kept aside.
    """
    require(person, Right.LAYER_WRITE)
    entry = workspace.entry(ref)
    if entry.kind in LIVE:
        raise RightsError(f"rows of '{entry.layer_id}' are about people: those kept aside lie on the server only")
    file = workspace.folder_of(entry) / "aside" / f"{entry.layer_id}.csv"
    if not file.is_file():
        raise NotFoundError(f"no row of '{ref}' was kept aside")
    try:
        return file.read_bytes()
    except OSError as error:
        raise StorageError(f"{file}: cannot be read ({error.strerror})") from error


def withdraw_version(workspace: Workspace, person: Person, ref: str) -> LayerEntry:
    """Take a version out of use: the next newest is used then. Its files stay, and `restore_version` brings it back.

    The workspace as it is opened does not change; the next opening has the change.

    Raises
    ------
    ParameterError
        It came with the last import, or it was withdrawn before.
    """
    return _set_withdrawn(workspace, person, ref, withdraw=True)


def restore_version(workspace: Workspace, person: Person, ref: str) -> LayerEntry:
    """Bring a withdrawn version back into use.

    Raises
    ------
    ParameterError
        It is not withdrawn.
    """
    return _set_withdrawn(workspace, person, ref, withdraw=False)


def require_layers(person: Person) -> None:
    """Refuse who may not change the layers: they are of the whole workspace.

    Raises
    ------
    RightsError
    """
    require(person, Right.LAYER_WRITE)
    if EVERYWHERE[0] not in person.areas:
        raise RightsError(f"layers are of the whole workspace: account {person.account_id} has a part of it as area")


def _set_withdrawn(workspace: Workspace, person: Person, ref: str, *, withdraw: bool) -> LayerEntry:
    require_layers(person)
    entry = workspace.entry(ref)
    if not entry.folder or bool(entry.withdrawn_at) is withdraw:
        why = "came with the last import" if not entry.folder else "is so already"
        raise ParameterError(f"version {entry.version} of '{entry.layer_id}' {why}; name another version as id@version")
    at = workspace.wall_now().isoformat(timespec="seconds") if withdraw else ""
    changed = replace(entry, withdrawn_at=at)

    def change(manifest: Manifest) -> tuple[LayerEntry, ...]:
        same = (entry.layer_id, entry.folder)
        return tuple(changed if (e.layer_id, e.folder) == same else e for e in manifest.versions)

    change_versions(workspace.path, change)
    return changed


def _record(workspace: Workspace, entry: LayerEntry) -> LayerRecord:
    in_use = workspace.has(entry.layer_id) and workspace.entry(entry.layer_id) == entry
    ref = entry.layer_id if in_use else f"{entry.layer_id}@{entry.version}"
    spec = workspace.spec(ref)
    counts = _findings(workspace, entry)["level"].value_counts()
    return LayerRecord(
        ref=ref,
        entry=entry,
        group="terrain" if entry.kind == "elevation" else spec.group,
        unit=spec.unit,
        current=in_use,
        versions=len(workspace.versions(entry.layer_id)),
        findings=tuple((level, int(counts.get(level, 0))) for level in _LEVELS),
        fields=tuple(spec.fields),
    )


def _findings(workspace: Workspace, entry: LayerEntry) -> pd.DataFrame:
    found = workspace.findings_in(workspace.folder_of(entry))
    return found[found["layer"] == entry.layer_id]


def _words(workspace: Workspace, record: LayerRecord) -> str:
    """Everything that may be looked for, in one text."""
    entry, spec = record.entry, workspace.spec(record.ref)
    named = [*spec.fields.values()]
    texts = [entry.layer_id, entry.kind, entry.source, entry.licence, entry.date, entry.crs, *entry.names.values()]
    texts += [name for one in named for name in (one.name, *one.names.values())]
    texts += [name for names in spec.class_names.values() for name in names.values()]
    texts += [label(f"layer_group.{record.group}", lang) for lang in LANGS]
    return " ".join(texts).casefold()


def finding_table(workspace: Workspace, lang: Lang, findings: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return every finding, worst first: level, layer, row, what, what became of the row."""
    given = workspace.findings if findings is None else findings
    found = given.sort_values("level", key=lambda level: level.map(_LEVELS), kind="stable")
    messages = [
        label(f"finding.{rule}", lang, **{"field": field, "key": key, **json.loads(detail)})
        for rule, field, key, detail in zip(
            found["rule"], found["field"].fillna(""), found["key"].fillna(""), found["detail"], strict=True
        )
    ]
    return pd.DataFrame(
        {
            "level": [label(f"console.level_{level}", lang) for level in found["level"]],
            "layer": found["layer"],
            "row": ["" if pd.isna(row) else str(row) for row in found["row"]],
            "message": pd.Series(messages, dtype="str", index=found.index),
            "action": [label(f"cli.action.{action}", lang) for action in found["action"]],
        }
    )


def findings_of_layer(workspace: Workspace, person: Person, ref: str, lang: Lang) -> pd.DataFrame:
    """Return the findings of a layer or a version as a table for people.

    Raises
    ------
    LayerNotFoundError
        There is no such layer.
    """
    require(person, Right.LAYER_READ)
    return finding_table(workspace, lang, _findings(workspace, workspace.entry(ref)))


def layer_table(workspace: Workspace, lang: Lang) -> pd.DataFrame:
    """Return one row for each layer: name, id, rows, kept aside, findings, source, licence."""
    columns = ["name", "layer", "date", "rows", "aside", "findings", "source", "licence"]
    entries = [workspace.entry(layer_id) for layer_id in workspace.layer_ids]
    rows = [
        (e.names[lang], e.layer_id, e.date, e.rows, e.aside, e.findings, e.source, workspace.spec(e.layer_id).licence)
        for e in entries
    ]
    return pd.DataFrame(rows, columns=columns)
