"""The compiled searches: an early-stop Dijkstra over integer milliseconds, and what is needed around it.

One search serves everything. It starts at the *seeds* of a place and ends when it has settled the wanted number of
*members* (workers, or targets). A member is a virtual node behind the road nodes: member j has the number
``n_nodes + j``. It is reached over one of its *attachments*, each of which says "from this road node it is so many
milliseconds to member j". So a member on the middle of an edge, several members on one node, and members at both ends
of an edge need no special case, and since the heap orders by (time, number), members come out by (time, position).

Tables that the searches read (int64, one row each, columns below):

seeds, members      OWNER NODE OFFSET EDGE FAR WHOLE NEXT
    OWNER   position of the place in the caller's list
    NODE    road node at which the place meets the network
    OFFSET  ms between the place and NODE along EDGE
    EDGE    the edge on which the place lies, -1 for a place that is a node
    FAR     the other end of EDGE
    WHOLE   ms of the whole EDGE
    NEXT    next attachment at the same NODE, -1 for the last one (a linked list that starts in ``first[NODE]``)

Two places on one edge meet directly when the seed's position on it does not lie beyond the member's.

Everything here is compiled with numba: cached on disk, and without the interpreter's lock, so that threads run side
by side. The 4-ary heap holds ``time << shift | node`` in one int64.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from gridgov.network.compiling import compiled, inlined
from gridgov.network.validation import Floats, Int32s, Int64s

OWNER, NODE, OFFSET, EDGE, FAR, WHOLE, NEXT = range(7)
COLUMNS = 7
MEMBER, TIME, NODE_ENDS, EDGE_ENDS = range(4)  # rows of an answer of `nearest`
NOTHING = -1
_FIRST_ROOM = 512  # steps of all routes of one answer before their arrays must grow

Graph: TypeAlias = tuple[Int32s, Int32s, Int32s]  # first_edge, neighbour, time_ms
Seeds: TypeAlias = tuple[Int64s, Floats]  # table, positions on the edges
Members: TypeAlias = tuple[Int64s, Floats, Int64s]  # table, positions on the edges, first
Scratch: TypeAlias = tuple[Int64s, Int32s, Int32s, Int64s]  # reached, via, seen, heap
Streets: TypeAlias = tuple[Int32s, NDArray[np.bool_], Int64s, Int32s]
Roads: TypeAlias = tuple[Int32s, Int32s, Int32s, int]  # tail, head, travel_time_ms, closed
Number: TypeAlias = int | np.int64

# Positions in the heap are unsigned: numba then tests no negative indices, which saves a sixth of a search.
_ZERO, _ONE, _TWO, _FOUR = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(4)


@inlined
def _push(heap: Int64s, size: int, entry: Number) -> int:
    at = np.uint64(size)
    while at > _ZERO:
        above = (at - _ONE) >> _TWO
        if heap[above] <= entry:
            break
        heap[at] = heap[above]
        at = above
    heap[at] = entry
    return size + 1


@inlined
def _pop(heap: Int64s, size: int) -> tuple[np.int64, int]:
    top = heap[_ZERO]
    left = np.uint64(size - 1)
    entry = heap[left]
    at = _ZERO
    while True:
        child = (at << _TWO) + _ONE
        if child >= left:
            break
        least, place = heap[child], child
        end = min(child + _FOUR, left)
        child += _ONE
        while child < end:
            if heap[child] < least:
                least, place = heap[child], child
            child += _ONE
        if least >= entry:
            break
        heap[at] = least
        at = place
    heap[at] = entry
    return top, size - 1


@compiled
def link(first: Int64s, members: Int64s) -> None:
    """Hang every attachment into the list of its node; `first` must hold -1 at these nodes."""
    for a in range(len(members)):
        node = members[a, NODE]
        members[a, NEXT] = first[node]
        first[node] = a


@compiled
def unlink(first: Int64s, members: Int64s) -> None:
    """Undo `link`."""
    for a in range(len(members)):
        first[members[a, NODE]] = NOTHING


@compiled
def attach_nodes(nodes: Int64s, owners: Int64s) -> Int64s:
    """Return the attachments of places that are nodes."""
    table = np.empty((len(nodes), COLUMNS), np.int64)
    for row in range(len(nodes)):
        table[row, OWNER], table[row, NODE] = owners[row], nodes[row]
        table[row, OFFSET] = table[row, WHOLE] = 0
        table[row, EDGE] = table[row, FAR] = table[row, NEXT] = NOTHING
    return table


@compiled
def attach(edges: Int64s, fractions: Floats, streets: Streets, roads: Roads, leaving: bool) -> Seeds:
    """Return the attachments of places on edges, and the position of each on its edge.

    Parameters
    ----------
    edges, fractions : int64 and float64 arrays, shape (p,)
        The places.
    streets : (street_of_edge, flipped, first_of_street, edges_of_street)
        The edges that share one line on the ground; `flipped` edges run against the first one of their street.
    roads : (tail, head, travel_time_ms, closed)
        `closed` is the time that marks an edge as closed.
    leaving : bool
        True: attach where a trip from the place reaches the first node; False: where a trip to it leaves the last one.
    """
    street_of_edge, flipped, first_of_street, edges_of_street = streets
    tail, head, times, closed = roads
    count = 0
    for p in range(len(edges)):
        street = street_of_edge[edges[p]]
        count += first_of_street[street + 1] - first_of_street[street]
    table = np.empty((count, COLUMNS), np.int64)
    positions = np.empty(count, np.float64)
    row = 0
    for p in range(len(edges)):
        own = edges[p]
        street = street_of_edge[own]
        for i in range(first_of_street[street], first_of_street[street + 1]):
            edge = edges_of_street[i]
            if times[edge] == closed:
                continue
            fraction = fractions[p] if flipped[edge] == flipped[own] else 1.0 - fractions[p]
            whole = np.int64(times[edge])
            before = np.int64(np.rint(fraction * whole))
            table[row, OWNER] = p
            table[row, EDGE] = edge
            table[row, WHOLE] = whole
            table[row, NEXT] = NOTHING
            if leaving:
                table[row, NODE], table[row, FAR], table[row, OFFSET] = head[edge], tail[edge], whole - before
            else:
                table[row, NODE], table[row, FAR], table[row, OFFSET] = tail[edge], head[edge], before
            positions[row] = fraction
            row += 1
    return table[:row], positions[:row]


@inlined
def _offer(scratch: Scratch, size: int, shift: int, number: Number, time: Number, came_by: int) -> int:
    """Take a way to a node into account if it is the first or a faster one."""
    reached, via, seen, heap = scratch
    if seen[number] != seen[-1] or time < reached[number]:
        seen[number] = seen[-1]
        reached[number] = time
        via[number] = came_by
        size = _push(heap, size, (time << shift) | number)
    return size


@compiled
def settle(
    graph: Graph, seeds: Seeds, members: Members, k: int, backward: bool, shift: int, scratch: Scratch, found: Int64s
) -> tuple[int, int]:
    """Settle road nodes in order of time until k members are settled.

    Parameters
    ----------
    graph : (first_edge, neighbour, time_ms)
        Edges of each node in the direction of the search.
    seeds : (table, positions)
    members : (table, positions, first)
    k : int
        How many members to find at most.
    backward : bool
        The search runs against the edges: places on one edge meet when the member lies before the seed.
    shift : int
        Bits of the node number in a heap entry.
    scratch : (reached, via, seen, heap)
        Working arrays. `via` then says how each number was reached: a row of `graph` for a road node, an attachment
        for a member, and -1 - s where seed s led there at once.
    found : int64 array, shape (≥ k,)
        Receives the members in order.

    Returns
    -------
    (count, settled) : members found, road nodes settled
    """
    first_edge, neighbour, time_ms = graph
    seed_table, seed_positions = seeds
    table, positions, first = members
    reached, _, seen, heap = scratch
    n_nodes = len(first_edge) - 1
    low_bits = (np.int64(1) << np.int64(shift)) - 1
    if seen[-1] == np.int32(2**31 - 1):  # the round's number is used up: start counting again
        seen[:] = 0
    seen[-1] += 1
    size = 0
    for s in range(len(seed_table)):
        size = _offer(scratch, size, shift, seed_table[s, NODE], seed_table[s, OFFSET], -1 - s)
        if seed_table[s, EDGE] == NOTHING:
            continue
        a = first[seed_table[s, FAR]]
        while a != NOTHING:  # members on the same edge, with nothing between
            beyond = positions[a] - seed_positions[s]
            if table[a, EDGE] == seed_table[s, EDGE] and (beyond <= 0.0 if backward else beyond >= 0.0):
                between = seed_table[s, OFFSET] + table[a, OFFSET] - table[a, WHOLE]
                size = _offer(scratch, size, shift, n_nodes + table[a, OWNER], between, -1 - s)
            a = table[a, NEXT]
    count = 0
    settled = 0
    while size > 0 and count < k:
        entry, size = _pop(heap, size)
        number = entry & low_bits
        time = entry >> shift
        if time > reached[number]:
            continue
        if number >= n_nodes:
            found[count] = number - n_nodes
            count += 1
            continue
        settled += 1
        a = first[number]
        while a != NOTHING:
            size = _offer(scratch, size, shift, n_nodes + table[a, OWNER], time + table[a, OFFSET], a)
            a = table[a, NEXT]
        for row in range(first_edge[number], first_edge[number + 1]):
            size = _offer(scratch, size, shift, np.int64(neighbour[row]), time + np.int64(time_ms[row]), row)
    return count, settled


@compiled
def _walk(
    came_by: int,
    ways: tuple[Int32s, Int32s],
    tables: tuple[Int64s, Int64s],
    via: Int32s,
    steps: tuple[Int64s, Int64s],
    at: tuple[int, int],
) -> tuple[int, int]:
    """Write the nodes and edges from a member, which was reached by `came_by`, to its seed, from `at` on.

    What does not fit into `steps` is counted only; returns the ends of what was, or would be, written.
    """
    node_of_row, edge_of_row = ways
    seed_table, table = tables
    nodes, edges = steps
    at_node, at_edge = at
    if came_by < 0:  # on the same edge
        if at_edge < len(edges):
            edges[at_edge] = seed_table[-1 - came_by, EDGE]
        return at_node, at_edge + 1
    if table[came_by, EDGE] != NOTHING:
        if at_edge < len(edges):
            edges[at_edge] = table[came_by, EDGE]
        at_edge += 1
    node = table[came_by, NODE]
    while True:
        if at_node < len(nodes):
            nodes[at_node] = node
        at_node += 1
        came_by = via[node]
        if came_by < 0:
            break
        if at_edge < len(edges):
            edges[at_edge] = edge_of_row[came_by]
        at_edge += 1
        node = node_of_row[came_by]
    last = seed_table[-1 - came_by, EDGE]
    if last != NOTHING:
        if at_edge < len(edges):
            edges[at_edge] = last
        at_edge += 1
    return at_node, at_edge


@inlined
def _grown(array: Int64s, needed: int) -> Int64s:
    larger = np.empty(max(2 * needed, len(array)), np.int64)
    larger[: len(array)] = array
    return larger


@compiled
def nearest(
    graph: Graph,
    ways: tuple[Int32s, Int32s],
    seeds: Seeds,
    members: Members,
    shift: int,
    scratch: Scratch,
    best: Int64s,
) -> tuple[int, int, Int64s]:
    """Search backward from the seeds for the nearest members, and return their routes.

    Parameters
    ----------
    ways : (node_of_row, edge_of_row)
        The node that owns each row of `graph`, and the edge of it.
    best : int64 array, shape (4, k + 1)
        Receives in its rows `MEMBER` and `TIME` up to k members by (time, position), and in the rows `NODE_ENDS` and
        `EDGE_ENDS` where their routes lie in `steps`: route i has the nodes ``steps[NODE_ENDS[i]:NODE_ENDS[i + 1]]``
        and the edges ``steps[EDGE_ENDS[i]:EDGE_ENDS[i + 1]]``, both from the member to the seed.

    Returns
    -------
    (count, settled, steps) : members found, road nodes settled, int64 array of nodes and edges
    """
    count, settled = settle(graph, seeds, members, best.shape[1] - 1, True, shift, scratch, best[MEMBER])
    reached, via, _, _ = scratch
    tables = (seeds[0], members[0])
    n_nodes = len(graph[0]) - 1
    nodes, edges = np.empty(_FIRST_ROOM, np.int64), np.empty(_FIRST_ROOM, np.int64)
    at = (0, 0)
    for i in range(count):
        number = n_nodes + best[MEMBER, i]
        best[TIME, i], best[NODE_ENDS, i], best[EDGE_ENDS, i] = reached[number], at[0], at[1]
        end = _walk(via[number], ways, tables, via, (nodes, edges), at)
        if end[0] > len(nodes) or end[1] > len(edges):
            nodes, edges = _grown(nodes, end[0]), _grown(edges, end[1])
            end = _walk(via[number], ways, tables, via, (nodes, edges), at)
        at = end
    best[NODE_ENDS, count], best[EDGE_ENDS, count] = at[0], at[1]
    best[EDGE_ENDS, : count + 1] += at[0]
    steps = np.empty(at[0] + at[1], np.int64)
    steps[: at[0]] = nodes[: at[0]]
    steps[at[0] :] = edges[: at[1]]
    return count, settled, steps


@compiled
def nearest_many(
    graph: Graph,
    seeds: Seeds,
    seed_ends: Int64s,
    members: Members,
    shift: int,
    scratch: Scratch,
    index: Int64s,
    times: Int64s,
) -> None:
    """Fill row i of `index` and `times` with the nearest members of the seeds ``seed_ends[i]:seed_ends[i + 1]``."""
    seed_table, seed_positions = seeds
    reached = scratch[0]
    n_nodes = len(graph[0]) - 1
    for i in range(len(index)):
        own = slice(seed_ends[i], seed_ends[i + 1])
        count, _ = settle(
            graph,
            (seed_table[own], seed_positions[own]),
            members,
            index.shape[1],
            True,
            shift,
            scratch,
            index[i],
        )
        for j in range(count):
            times[i, j] = reached[n_nodes + index[i, j]]
        for j in range(count, index.shape[1]):
            index[i, j] = NOTHING
            times[i, j] = NOTHING


@compiled
def times_to_all(
    graph: Graph,
    seeds: Seeds,
    seed_ends: Int64s,
    members: Members,
    backward: bool,
    shift: int,
    scratch: Scratch,
    times: Int64s,
) -> None:
    """Fill row i of `times` from the seeds ``seed_ends[i]:seed_ends[i + 1]`` to every member; -1: there is no way."""
    seed_table, seed_positions = seeds
    reached = scratch[0]
    n_nodes = len(graph[0]) - 1
    n_members = times.shape[1]
    found = np.empty(n_members, np.int64)
    for i in range(len(times)):
        own = slice(seed_ends[i], seed_ends[i + 1])
        times[i, :] = NOTHING
        count, _ = settle(
            graph, (seed_table[own], seed_positions[own]), members, n_members, backward, shift, scratch, found
        )
        for j in range(count):
            times[i, found[j]] = reached[n_nodes + found[j]]


@compiled
def spread(
    graph: Graph,
    node_of_row: Int32s,
    seeds: Int64s,
    limit: int,
    shift: int,
    scratch: Scratch,
    answer: tuple[Int64s, Int64s],
) -> None:
    """Settle every road node within a time of the seeds.

    Parameters
    ----------
    node_of_row : int32 array
        The node that owns each row of `graph`.
    limit : int
        Milliseconds; a node exactly so far away is settled, too.
    answer : (times, owners), int64 arrays, shape (n_nodes,)
        Receive the time of each settled node and the OWNER of the seed from which it was reached; the others stay.
    """
    first_edge, neighbour, time_ms = graph
    times, owners = answer
    reached, via, seen, heap = scratch
    low_bits = (np.int64(1) << np.int64(shift)) - 1
    if seen[-1] == np.int32(2**31 - 1):
        seen[:] = 0
    seen[-1] += 1
    size = 0
    for s in range(len(seeds)):
        size = _offer(scratch, size, shift, seeds[s, NODE], seeds[s, OFFSET], -1 - s)
    while size > 0:
        entry, size = _pop(heap, size)
        number = entry & low_bits
        time = entry >> shift
        if time > limit:
            break
        if time > reached[number]:
            continue
        times[number] = time
        came_by = via[number]
        owners[number] = seeds[-1 - came_by, OWNER] if came_by < 0 else owners[node_of_row[came_by]]
        for row in range(first_edge[number], first_edge[number + 1]):
            size = _offer(scratch, size, shift, np.int64(neighbour[row]), time + np.int64(time_ms[row]), row)


push, pop = _push, _pop  # for the searches of other modules
