"""分析: what the roads, the grids and the people say together; frames in, frames out.

access.py      time to the nearest of many, coverage of order k, population beyond some minutes
comparison.py  arrival times before and after: who comes later, who lost service, who is cut off
hotspots.py    hot grids (Gi*, false discoveries held)   scan.py  clusters in space and time, scan_kernels.py
patrol.py      patrols from hot spots and their back test   dispatch_month.py  a simulated month of dispatch
"""

from gridgov.analysis.access import PopulationBeyond, access_frame, population_beyond
from gridgov.analysis.comparison import compare_times

__all__ = ["PopulationBeyond", "access_frame", "compare_times", "population_beyond"]
