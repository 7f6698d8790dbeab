"""Rows of the layers that tell of service classes: connections, rings, and how each class fares after any cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from trassa.optical.access.rings import Ring
from trassa.optical.access.trees import Tree
from trassa.optical.line import Line
from trassa.optical.plant.drops import Connection, Drop
from trassa.optical.services.edge import edge_places
from trassa.optical.survival import Outcome, cuts_of, intact, joined

__all__ = ["connection_rows", "edge_rows", "ring_names", "ring_rows", "service_rows", "tree_names"]

Row = dict[str, int | float | str | bool]


def ring_names(lines: Sequence[Line]) -> list[tuple[str, Line, int, Ring]]:
    """Every ring with its name, its line and the number of its span."""
    rings = [(line, span, ring) for line in lines for span, ring in line.rings]
    return [(f"RG-{number:02d}", *ring) for number, ring in enumerate(rings, start=1)]


def tree_names(lines: Sequence[Line]) -> list[tuple[str, Line, int, Tree]]:
    """Every passive tree with its name, its line and the number of its span."""
    trees = [(line, span, tree) for line in lines for span, tree in line.trees]
    return [(f"TR-{number:02d}", *tree) for number, tree in enumerate(trees, start=1)]


def connection_rows(lines: Sequence[Line], connections: Sequence[Connection]) -> list[Row]:
    """A row for everything that is to be connected, in order of measure and name."""
    drops = {drop.connection.name: drop for line in lines for drop in line.drops}
    access = {drop.connection.name: name for name, _, _, ring in ring_names(lines) for drop in ring.drops}
    access |= {b.drop.connection.name: name for name, _, _, tree in tree_names(lines) for b in tree.branches}
    rows: list[Row] = []
    for connection in sorted(connections, key=lambda one: (one.measure_m, one.name)):
        drop = drops.get(connection.name)
        rows.append(
            {
                "connection": connection.name,
                "service": connection.service,
                "measure_m": connection.measure_m,
                "carriageway": connection.carriageway,
                "offset_m": connection.offset_m,
                "tap_m": drop.tap_m if drop else float("nan"),
                "drop_m": drop.lengths.route_m if drop else float("nan"),
                "access": access.get(connection.name, "own fibres") if drop else "",
            }
        )
    return rows


def edge_rows(lines: Sequence[Line]) -> list[Row]:
    """A row for every hut with servers; none where no round trip is promised."""
    limit_us = lines[0].rules.edge_round_trip_us
    if limit_us is None:
        return []
    rows: list[Row] = []
    for line in lines:
        places = edge_places(line, limit_us)
        for hut, round_trip_us in zip(places.huts, places.round_trip_us, strict=True):
            at_m = line.chain.huts[hut].measure_m
            rows.append({"hut": line.hut_names[hut], "measure_m": at_m, "round_trip_us": round_trip_us})
    return rows


def ring_rows(lines: Sequence[Line]) -> list[Row]:
    """A row for every segment of every ring, in order of measure."""
    rows: list[Row] = []
    for name, line, span, ring in ring_names(lines):
        huts = [(line.hut_names[number], line.chain.huts[number].measure_m) for number in (span, span + 1)]
        for segment in ring.segments:
            ends = [_end(segment.first, huts[0]), _end(segment.second, huts[1])]
            rows.append(
                {
                    "ring": name,
                    "first": ends[0][0],
                    "second": ends[1][0],
                    "start_m": ends[0][1],
                    "end_m": ends[1][1],
                    "cable": line.cables[0],
                    "route_m": segment.lengths.route_m,
                    "fibre_m": segment.lengths.fibre_m,
                    "first_day_loss_db": segment.budget.first_day_loss_db,
                    "typical_loss_db": segment.budget.typical_loss_db,
                    "loss_db": segment.budget.loss_db,
                    "attenuator_db": segment.budget.attenuator_db,
                    "optics": segment.optics.name,
                    "budget_db": segment.optics.budget_db,
                    "margin_db": segment.budget.margin_db,
                }
            )
    return rows


def _end(member: Drop | None, hut: tuple[str, float]) -> tuple[str, float]:
    return hut if member is None else (member.connection.name, member.tap_m)


def service_rows(lines: Sequence[Line], connections: Sequence[Connection]) -> list[Row]:
    """A row for every service class of the settings that has connections, on a line or on none.

    While one line is cut, those on the others fare as with nothing cut.
    """
    rows: list[Row] = []
    for service in lines[0].rules.services:
        if all(connection.service != service.name for connection in connections):
            continue
        backbones = [line.backbone_of(service.name) for line in lines]
        quiet = [intact(backbone) for backbone in backbones]
        cuts = [
            (cut.start_m, joined((cut.outcome, *quiet[:number], *quiet[number + 1 :])))
            for number, backbone in enumerate(backbones)
            for cut in cuts_of(backbone)
        ]
        rows.append(
            {
                "service": service.name,
                "connections": sum(drop.connection.service == service.name for line in lines for drop in line.drops),
                "rate_mbps": service.rate_mbps,
                "latency_us": joined(quiet).worst_latency_us,
                **_worst(cuts),
            }
        )
    return rows


def _worst(cuts: Sequence[tuple[float, Outcome]]) -> Mapping[str, int | float]:
    stranded = [outcome.stranded for _, outcome in cuts]
    latency_us = np.array([outcome.worst_latency_us for _, outcome in cuts], dtype=np.float64)
    served = np.isfinite(latency_us)
    at = int(np.argmax(stranded)) if any(stranded) else int(np.nanargmax(latency_us)) if served.any() else -1
    return {
        "worst_latency_us": float(np.fmax.reduce(latency_us, initial=np.nan)),
        "worst_margin_db": float(np.fmin.reduce([o.worst_margin_db for _, o in cuts], initial=np.nan)),
        "worst_start_m": cuts[at][0] if at >= 0 else float("nan"),
        "pairs_stranded": sum(stranded),
    }
