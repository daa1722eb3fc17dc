"""危险: from a drawing, an elevation model or a release to zones in time; arrays and geometry in, `Hazard` out.

drawing.py   a drawn polygon: repaired where that is harmless, refused in one sentence where it is not
flood.py     water that rises from a river or a breach over the elevation model
plume.py     poisonous gas: the distances of a handbook, or a Gaussian plume
fire.py      a wildfire's front: ellipses by wind, slope and fuel, the earliest arrival over the land
slope.py     how far a landslide reaches, by the angle of reach
elevation.py the elevation model as an array; cells.py cells → zones; cell_kernels.py the compiled searches
warming.py   `warm_up`: compile once
zoning.py    areas → zones that do not overlap; words, findings and certainty of a hazard
"""

from gridgov.hazards.drawing import drawn_hazard
from gridgov.hazards.elevation import Elevation
from gridgov.hazards.fire import FireInputs, fire_hazard
from gridgov.hazards.flood import FloodInputs, flood_hazard
from gridgov.hazards.plume import Release, Wind, plume_hazard, spill_hazard
from gridgov.hazards.slope import SlopeInputs, slope_hazard
from gridgov.hazards.warming import warm_up

__all__ = [
    "Elevation",
    "FireInputs",
    "FloodInputs",
    "Release",
    "SlopeInputs",
    "Wind",
    "drawn_hazard",
    "fire_hazard",
    "flood_hazard",
    "plume_hazard",
    "slope_hazard",
    "spill_hazard",
    "warm_up",
]
