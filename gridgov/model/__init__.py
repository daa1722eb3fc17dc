"""The nouns of the field: frozen records and enums without input/output and without algorithms."""

from gridgov.model.findings import Finding, FindingAction, FindingLevel
from gridgov.model.incidents import IncidentKind, IncidentState
from gridgov.model.layers import FieldSpec, LayerSpec, LayerStyle
from gridgov.model.plans import DispatchOption, DispatchPlan, Exclusion, Manoeuvre
from gridgov.model.workers import TravelMode, WorkerStatus

__all__ = [
    "DispatchOption",
    "DispatchPlan",
    "Exclusion",
    "FieldSpec",
    "Finding",
    "FindingAction",
    "FindingLevel",
    "IncidentKind",
    "IncidentState",
    "LayerSpec",
    "LayerStyle",
    "Manoeuvre",
    "TravelMode",
    "WorkerStatus",
]
