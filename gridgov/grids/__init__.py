"""Community grids: their 15-digit codes, their topology, point → grid, and figures by division."""

from gridgov.grids.codes import GridCode, check_codes, code_fault
from gridgov.grids.division import LEVELS, Level, dissolve, roll_up
from gridgov.grids.locate import GridLocator
from gridgov.grids.topology import check_topology, gaps, overlaps

__all__ = [
    "LEVELS",
    "GridCode",
    "GridLocator",
    "Level",
    "check_codes",
    "check_topology",
    "code_fault",
    "dissolve",
    "gaps",
    "overlaps",
    "roll_up",
]
