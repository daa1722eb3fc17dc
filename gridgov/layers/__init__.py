"""Layers in: specifications, import files, reading, checking and repair. Bad rows are kept aside, never dropped."""

from gridgov.layers.checking import check
from gridgov.layers.import_file import ImportLayer, ImportPlan, read_import_file
from gridgov.layers.inspection import CheckResult
from gridgov.layers.places import District, road_points
from gridgov.layers.rasters import import_raster, raster_facts, raster_place
from gridgov.layers.reading import read_layer, write_aside
from gridgov.layers.road_rules import SpeedProfile, load_speeds
from gridgov.layers.roads import read_osm_roads
from gridgov.layers.specs import load_specs, read_spec
from gridgov.layers.unpacking import MAX_BYTES, SUFFIXES, plain_name, unpack
from gridgov.layers.vectors import vector_facts

__all__ = [
    "MAX_BYTES",
    "SUFFIXES",
    "CheckResult",
    "District",
    "ImportLayer",
    "ImportPlan",
    "SpeedProfile",
    "check",
    "import_raster",
    "load_specs",
    "load_speeds",
    "plain_name",
    "raster_facts",
    "raster_place",
    "read_import_file",
    "read_layer",
    "read_osm_roads",
    "read_spec",
    "road_points",
    "unpack",
    "vector_facts",
    "write_aside",
]
