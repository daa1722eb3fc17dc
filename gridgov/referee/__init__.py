"""第二裁判: Eclipse SUMO replays a plan on the same roads, and says what its junctions can carry.

engine.py      where SUMO is and how it is run        roads.py       a road network as SUMO's nodes and edges
replaying.py   plan → departures → verdict            saturation.py  how many vehicles each class of road passes

SUMO is an extra (``pip install 'gridgov[referee]'``, EPL-2.0): files are written to a temporary folder, its programs
run as processes of their own, and nothing of it is imported. It runs its mesoscopic model with junction control: queues
spill back, and at a junction one stream waits for the other. That is what a plan of flows does not know, so that
capacities are measured first (`calibrate`), the plan is made with them, and then replayed.
"""

from gridgov.referee.replaying import Verdict, replay_in_sumo
from gridgov.referee.roads import RefereeRoads
from gridgov.referee.saturation import ClassCapacity, calibrate, capacities_toml

__all__ = [
    "ClassCapacity",
    "RefereeRoads",
    "Verdict",
    "calibrate",
    "capacities_toml",
    "replay_in_sumo",
]
