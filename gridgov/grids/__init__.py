"""Community grids: their 15-digit codes, their topology, point → grid, figures by division, and cutting them anew.

borders.py   who is beside whom   workload.py  how much work a grid is
redesign.py  duty areas in balance, with a bound: duty_start.py, partition.py, recombination.py, exact_areas.py
redraw.py    grids joined and cut: cutting.py   code_changes.py  old codes → new codes, old figures restated
"""

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
