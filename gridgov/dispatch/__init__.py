"""派遣: who can go, who is nearest by time, and why.

roster.py   workers on the road network of their own travel mode, prepared once for many questions
nearest.py  `plan_dispatch`: the k nearest workers who can go, their routes, and what kept the others out
assignment.py  `plan_assignment`: many incidents and many workers at once, the cheapest plan and why
allocation.py  the cheapest allocation over as few candidates as its proof allows
candidates.py  the nearest workers of many tasks   matching.py  the compiled matching, its prices and margins
flipping.py  the smallest change that flips a choice, tried out
sequencing.py  tours of workers with several tasks within time windows, with a bound
tours.py  the question of tours from a roster and incidents
"""

from gridgov.dispatch.assignment import AssignmentParams, plan_assignment
from gridgov.dispatch.flipping import check_flips
from gridgov.dispatch.matching import warm_up
from gridgov.dispatch.nearest import DispatchParams, plan_dispatch
from gridgov.dispatch.roster import Roster

__all__ = [
    "AssignmentParams", "DispatchParams", "Roster", "check_flips", "plan_assignment", "plan_dispatch", "warm_up",
]  # fmt: skip
