"""危险: from a drawing, an elevation model or a release to zones in time; arrays and geometry in, `Hazard` out.

drawing.py   a drawn polygon: repaired where that is harmless, refused in one sentence where it is not
zoning.py    cells with a level and a time of arrival → zones; parts of the land, the weakest certainty
"""

from gridgov.hazards.drawing import drawn_hazard

__all__ = ["drawn_hazard"]
