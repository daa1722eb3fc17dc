"""Exact reduction: dead ends dropped, chains merged; each arc keeps the original edges that it stands for."""

# mypy: disable-error-code="no-untyped-def, no-untyped-call"
# ruff: noqa: PLR0917
# Compiled functions take plain arrays, more of them than a function elsewhere; numba finds their types.

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from gridgov.evacuation.instance import Bools, Instance
from gridgov.network.compiling import compiled
from gridgov.network.validation import Int64s


class Reduction(NamedTuple):
    """A smaller instance; its arc i stands for ``arcs[first[i]:first[i + 1]]`` of the instance that was reduced."""

    instance: Instance
    first: Int64s
    arcs: Int64s


def reduce_instance(instance: Instance, keep: Bools | None = None) -> Reduction:
    """Drop dead ends without terminals and merge nodes between two neighbours.

    A merged arc has the least capacity and the sum of the times of its parts. Turning around inside a chain is lost;
    nobody needs it, for whoever turns may as well have waited.

    Parameters
    ----------
    keep : bool array, shape (arcs,), optional
        Arcs to keep; all others are dropped first.
    """
    terminal = np.zeros(instance.n, dtype=np.bool_)
    terminal[instance.zone_node] = True
    terminal[instance.shelter_node] = True
    terminal[~instance.waiting] = True
    alive = np.ones(instance.m, dtype=np.bool_) if keep is None else keep.copy()
    tail, head = instance.tail.copy(), instance.head.copy()
    cap, tau, last_entry = instance.cap.copy(), instance.tau.copy(), instance.last_entry.copy()
    following = np.full(instance.m, -1, dtype=np.int64)
    _drop_dead_ends(instance.n, tail, head, alive, terminal)
    _merge_chains(instance.n, tail, head, cap, tau, last_entry, alive, terminal, following)
    kept = np.flatnonzero(alive)
    first, arcs = _parts(kept, following)
    nodes = np.unique(np.concatenate([tail[kept], head[kept], instance.zone_node, instance.shelter_node]))
    number = np.full(instance.n, -1, dtype=np.int64)
    number[nodes] = np.arange(len(nodes))
    chain_first, chain, edge_ms = _composed(instance, first, arcs)
    reduced = replace(
        instance,
        n=len(nodes),
        tail=number[tail[kept]],
        head=number[head[kept]],
        tau=tau[kept],
        cap=cap[kept],
        last_entry=last_entry[kept],
        chain_first=chain_first,
        chain=chain,
        edge_ms=edge_ms,
        origin=instance.origin[nodes],
        waiting=instance.waiting[nodes],
        zone_node=number[instance.zone_node],
        shelter_node=number[instance.shelter_node],
    )
    return Reduction(reduced, first, arcs)


def _composed(instance: Instance, first: Int64s, arcs: Int64s) -> tuple[Int64s, Int64s, Int64s]:
    """Return the original edges of merged arcs."""
    size = np.diff(instance.chain_first)[arcs]
    ends = np.cumsum(size)
    position = np.arange(int(size.sum())) - np.repeat(ends - size, size) + np.repeat(instance.chain_first[arcs], size)
    chain_first = np.concatenate([[0], ends])[first].astype(np.int64)
    return chain_first, instance.chain[position], instance.edge_ms[position]


@compiled
def _rows(n, ends, alive):
    """Return the living arcs by one of their ends."""
    first = np.zeros(n + 1, np.int64)
    for arc in range(len(ends)):
        if alive[arc]:
            first[ends[arc] + 1] += 1
    for node in range(n):
        first[node + 1] += first[node]
    at = first[:-1].copy()
    arcs = np.empty(first[n], np.int64)
    for arc in range(len(ends)):
        if alive[arc]:
            arcs[at[ends[arc]]] = arc
            at[ends[arc]] += 1
    return first, arcs


@compiled
def _only_neighbour(node, tail, head, alive, out_first, out, in_first, into):
    """Return the one neighbour of a node, -1 for none, -2 for several."""
    found = -1
    for i in range(out_first[node], out_first[node + 1]):
        if alive[out[i]] and head[out[i]] != found:
            if found >= 0:
                return -2
            found = head[out[i]]
    for i in range(in_first[node], in_first[node + 1]):
        if alive[into[i]] and tail[into[i]] != found:
            if found >= 0:
                return -2
            found = tail[into[i]]
    return found


@compiled
def _drop_dead_ends(n, tail, head, alive, terminal):
    """Kill the arcs of nodes with one neighbour, again and again."""
    for arc in range(len(tail)):
        if tail[arc] == head[arc]:
            alive[arc] = False
    out_first, out = _rows(n, tail, alive)
    in_first, into = _rows(n, head, alive)
    stack = np.arange(n)
    waiting = n
    again = np.empty(n + len(tail), np.int64)
    while waiting > 0:
        n_again = 0
        for i in range(waiting):
            node = stack[i]
            if terminal[node]:
                continue
            other = _only_neighbour(node, tail, head, alive, out_first, out, in_first, into)
            if other < 0:
                continue
            for j in range(out_first[node], out_first[node + 1]):
                alive[out[j]] = False
            for j in range(in_first[node], in_first[node + 1]):
                alive[into[j]] = False
            again[n_again] = other
            n_again += 1
        stack = again[:n_again].copy()
        waiting = n_again


@compiled
def _living(rows, start, end, alive):
    """Return how many living arcs stand in a row, and the first two."""
    count, one, two = 0, -1, -1
    for i in range(start, end):
        if alive[rows[i]]:
            if count == 0:
                one = rows[i]
            elif count == 1:
                two = rows[i]
            count += 1
    return count, one, two


@compiled
def _merge_chains(n, tail, head, cap, tau, last_entry, alive, terminal, following):  # noqa: PLR0912
    """Merge nodes that lie between exactly two neighbours, one arc each way at most."""
    out_first, out = _rows(n, tail, alive)
    in_first, into = _rows(n, head, alive)
    end = np.arange(len(tail))  # last part of each chain
    for node in range(n):
        if terminal[node]:
            continue
        n_out, b1, b2 = _living(out, out_first[node], out_first[node + 1], alive)
        n_in, a1, a2 = _living(into, in_first[node], in_first[node + 1], alive)
        if n_out == 0 or n_in == 0 or n_out > 2 or n_in > 2:
            continue
        x = tail[a1]
        y = head[b1] if head[b1] != x else (head[b2] if n_out == 2 else -1)
        if n_in == 2 and tail[a2] == x:
            continue
        if n_out == 2 and head[b1] == head[b2]:
            continue
        if y < 0:  # the only way out leads back to x
            if n_in == 1:
                continue
            y = tail[a2]
        if n_in == 2 and tail[a2] != y:
            continue
        if n_out == 2 and (head[b1] != x and head[b2] != x):
            continue
        if x == y:
            continue
        forward_in, back_in = a1, a2
        forward_out = b1 if head[b1] == y else (b2 if n_out == 2 else -1)
        back_out = b1 if head[b1] == x else (b2 if n_out == 2 and head[b2] == x else -1)
        for way in range(2):
            a = forward_in if way == 0 else back_in
            b = forward_out if way == 0 else back_out
            if a < 0 or b < 0:
                if a >= 0:
                    alive[a] = False
                if b >= 0:
                    alive[b] = False
                continue
            target = head[b]
            head[a] = target
            cap[a] = min(cap[a], cap[b])
            last_entry[a] = min(last_entry[a], last_entry[b] - tau[a])
            tau[a] += tau[b]
            following[end[a]] = b
            end[a] = end[b]
            alive[b] = False
            for i in range(in_first[target], in_first[target + 1]):
                if into[i] == b:
                    into[i] = a


@compiled
def _parts(kept, following):
    """Return the arcs that each kept arc consists of."""
    first = np.zeros(len(kept) + 1, np.int64)
    arcs = np.empty(len(following), np.int64)
    used = 0
    for i in range(len(kept)):
        arc = kept[i]
        while arc >= 0:
            arcs[used] = arc
            used += 1
            arc = following[arc]
        first[i + 1] = used
    return first, arcs[:used].copy()
