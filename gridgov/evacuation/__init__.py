"""疏散: from zones, shelters and roads with capacities to a plan and the bound that no plan can beat.

planning.py  `plan_evacuation`      parameters.py  `EvacuationParams`      problem.py  the question, checked
instance.py  the question in whole units and milliseconds; splitting_off.py: who cannot be saved
reduction.py  dead ends and chains taken out      steady.py  constant rates, the first plan
bound.py  what no plan can beat; residual.py, labels.py: its potentials      certificate.py  the proof
search.py  better bounds and plans, in time      clocks.py, expansion.py  the network over time
decomposition.py, windows.py, retiming.py, schedule.py  from flows to who leaves when
limiting.py, routes.py  few routes per zone      mobilisation.py  people who get ready bit by bit
bottlenecks.py  the price of a lane      contraflow.py  turned lanes      warming.py  `warm_up`: compile once

Nothing here reads a file, a date or random numbers; the time limit reads a stopwatch.
"""

from gridgov.evacuation.parameters import EvacuationParams
from gridgov.evacuation.planning import plan_evacuation
from gridgov.evacuation.problem import EvacuationProblem, make_problem
from gridgov.evacuation.warming import warm_up

__all__ = ["EvacuationParams", "EvacuationProblem", "make_problem", "plan_evacuation", "warm_up"]
