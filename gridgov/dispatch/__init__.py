"""派遣: who can go, who is nearest by time, and why.

roster.py   workers on the road network of their own travel mode, prepared once for many questions
nearest.py  `plan_dispatch`: the k nearest workers who can go, their routes, and what kept the others out
"""

from gridgov.dispatch.nearest import DispatchParams, plan_dispatch
from gridgov.dispatch.roster import Roster

__all__ = ["DispatchParams", "Roster", "plan_dispatch"]
