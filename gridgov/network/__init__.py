"""路网: the road network and the fast answers on it.

road_network.py  `RoadNetwork`: immutable nodes, edges and integer milliseconds; views for modes and scenarios
graph.py         from an OSMnx street graph          storage.py   one file, saved and loaded
assembly.py      lists → checked arrays              validation.py  the checks and their sentences
topology.py      what all views share; twin edges as one street; working arrays of searches
snapping.py      a point → the nearest `Place`       places.py    nodes and points on edges, in whole milliseconds
nearest.py       `nearest_workers`, one incident or a batch; `WorkerIndex`
matrix.py        travel times, many to many          kernels.py   the compiled searches under both
track_speeds.py  speeds of edges from recorded tracks
hours.py         the network as it is at an hour of the day, by class of road
isochrones.py    roads within some minutes, cut to the point, and the areas beside them
reaching.py      everything within a time of some places; time to the nearest of many
main_part.py     `MainPart`: who comes to the main part of the roads, and who is cut off from it
hierarchy.py     `Hierarchy` and `Metric`: customizable contraction hierarchies; _order: dissection_kernels under it,
                 _storage: the order in a file, _queries: matrices, nearest and routes; _kernels, _updates, _search
                 and _paths are compiled
planning.py      early-stop search or hierarchy       threads.py   rows in several threads
overlay.py       what a view changes                  compiling.py  how everything is compiled
routes.py        `Route`: edges, line, lengths       directions.py  a route in words
frames.py        edges as a GeoDataFrame             splitting.py   places as real nodes, for other engines
closing.py       closures: the edges that a geometry cuts, the network at a moment
edge_lines.py    drawn lines in an index   warming.py       `warm_up`: compile once, with progress

Times of edges are milliseconds in int32; 2**31 - 1 (`CLOSED`) marks a closed edge. Times of trips are int32, too, but
int64 in `travel_times` if one takes over 24.8 days. Coordinates are WGS 84 degrees, x = longitude.
Nothing here reads a clock or random numbers; only `RoadNetwork.save` and `load` touch a file.
"""

from gridgov.network.assembly import RoadDetails
from gridgov.network.closing import PlacedClosures, edges_cut_by, network_at, place_closures
from gridgov.network.directions import directions
from gridgov.network.hierarchy import Hierarchy, Metric
from gridgov.network.hierarchy_order import node_order
from gridgov.network.hierarchy_storage import stored_order
from gridgov.network.hours import with_hour
from gridgov.network.isochrones import Isochrones, isochrones
from gridgov.network.main_part import MainPart
from gridgov.network.matrix import TravelTimes, travel_times, travel_times_and_engine
from gridgov.network.nearest import Nearest, NearestBatch, WorkerIndex, nearest_workers, nearest_workers_batch
from gridgov.network.places import Location, Locations, Place, Places
from gridgov.network.planning import Engine
from gridgov.network.reaching import Direction, Reach, count_within, reach, time_to_nearest
from gridgov.network.road_network import RoadNetwork
from gridgov.network.routes import Route
from gridgov.network.splitting import SplitNetwork, split_at_places
from gridgov.network.validation import CLOSED
from gridgov.network.warming import warm_up

__all__ = [
    "CLOSED",
    "Direction",
    "Engine",
    "Hierarchy",
    "Isochrones",
    "Location",
    "Locations",
    "MainPart",
    "Metric",
    "Nearest",
    "NearestBatch",
    "Place",
    "PlacedClosures",
    "Places",
    "Reach",
    "RoadDetails",
    "RoadNetwork",
    "Route",
    "SplitNetwork",
    "TravelTimes",
    "WorkerIndex",
    "count_within",
    "directions",
    "edges_cut_by",
    "isochrones",
    "nearest_workers",
    "nearest_workers_batch",
    "network_at",
    "node_order",
    "place_closures",
    "reach",
    "split_at_places",
    "stored_order",
    "time_to_nearest",
    "travel_times",
    "travel_times_and_engine",
    "warm_up",
    "with_hour",
]
