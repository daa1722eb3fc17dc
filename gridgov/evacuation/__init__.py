"""疏散: from zones, shelters and roads with capacities to a plan and the bound that no plan can beat."""

from gridgov.evacuation.parameters import EvacuationParams
from gridgov.evacuation.planning import plan_evacuation
from gridgov.evacuation.problem import EvacuationProblem, make_problem

__all__ = ["EvacuationParams", "EvacuationProblem", "make_problem", "plan_evacuation"]
