"""The line as a graph: huts, closures and connections, joined by the cable they hang on and by the light they send.

::

    medium  cable   hut ── closure ── closure ── hut      pieces of sheath
            drop    closure ── connection
            light   hut ── hut, connection ── hut, …      spans, links and segments of rings: loss and margin
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np

from trassa.errors import InputError
from trassa.linear import Layer
from trassa.optical.lengths import Lengths
from trassa.optical.settings import OpticalSettings
from trassa.plan.line_papers.elements import laid_cables
from trassa.road.model import Road

__all__ = ["line_graph"]

Row = Mapping[str, Any]
_BUDGET = ("loss_db", "attenuator_db", "budget_db", "limit_db", "margin_db", "optics", "latency_us")


def line_graph(road: Road, layers: Mapping[str, Layer], rules: OpticalSettings) -> Any:
    """An undirected multigraph for :func:`networkx.write_graphml`; ids are the plan's names.

    Attributes carry their unit. Values that the plan does not know are left out. Connections other than radio sites
    have the coordinates of their foot on the carriageway. :class:`InputError` where a connection bears the name of
    a hut or closure.
    """
    graph = nx.MultiGraph(road=road.ref, axis=road.axis)
    for name, row in _nodes(road, layers):
        if name in graph:
            raise InputError(f"graph: {name} is the name of two things on the line", cure="another name for it")
        graph.add_node(name, **_known({"label": name, **row}))
    for first, second, name, row in _edges(road, layers, rules):
        graph.add_edge(first, second, key=name, **_known({"label": name, **row}))
    return graph


def _known(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not (isinstance(value, float) and math.isnan(value))}


def _nodes(road: Road, layers: Mapping[str, Layer]) -> Iterator[tuple[str, Row]]:
    side = {str(row["cable"]): row["carriageway"] for row in layers["cables"].rows()}
    sites = {str(row["site"]): row for row in layers["sites"].rows()} if "sites" in layers else {}
    for row in layers["huts"].rows():
        yield str(row["hut"]), {"kind": "hut", **_placed(road, row, row), "role": row["role"], "at": row["name"]}
    for row in layers["closures"].rows():
        place = _placed(road, {**row, "carriageway": side[str(row["cable"])]})
        yield str(row["closure"]), {"kind": "closure", **place, "cable": row["cable"], "closure_kind": row["kind"]}
    for row in layers["connections"].rows():
        name = str(row["connection"])
        place = _placed(road, row, sites.get(name))
        yield name, {"kind": "connection", **place, "service": row["service"], "access": row["access"]}


def _placed(road: Road, row: Row, known: Row | None = None) -> Row:
    measure_m = float(row["measure_m"])
    if known is None:
        line = road.alignments[row["carriageway"]]
        names = ("latitude_deg", "longitude_deg")
        known = {name: float(np.interp(measure_m, line.measure_m, getattr(line, name))) for name in names}
    return {
        "measure_m": measure_m,
        "km_text": road.calibration.text(measure_m),
        "carriageway": row["carriageway"],
        "latitude_deg": float(known["latitude_deg"]),
        "longitude_deg": float(known["longitude_deg"]),
    }


def _edges(road: Road, layers: Mapping[str, Layer], rules: OpticalSettings) -> Iterator[tuple[str, str, str, Row]]:
    yield from _pieces(road, layers, rules)
    yield from _drops(layers, rules)
    for row in layers["spans"].rows():
        first, second = str(row["span"]).split("–")
        yield first, second, f"{row['span']} {row['cable']}", _light("span", row, rules)
    for row in layers["links"].rows():
        yield str(row["site"]), str(row["hut"]), str(row["link"]), _light("link", row, rules)
    for row in layers["ring_segments"].rows():
        name = f"{row['ring']} {row['first']}–{row['second']}"
        yield str(row["first"]), str(row["second"]), name, {**_light("ring segment", row, rules), "ring": row["ring"]}


def _pieces(road: Road, layers: Mapping[str, Layer], rules: OpticalSettings) -> Iterator[tuple[str, str, str, Row]]:
    """The cable between two neighbours among its huts and closures."""
    for cable, route in laid_cables(road, layers, rules).items():
        closures = layers["closures"].where(cable=cable)
        stops = list(zip(closures["measure_m"].tolist(), closures["closure"].tolist(), strict=True))
        huts = zip(layers["huts"]["measure_m"].tolist(), layers["huts"]["hut"].tolist(), strict=True)
        stops += [hut for hut in huts if route.start_m <= hut[0] <= route.end_m]
        for (start_m, first), (end_m, second) in pairwise(sorted(stops)):
            lengths = route.at(end_m) - route.at(start_m)
            yield first, second, f"{cable} {first}–{second}", _cabled("cable", cable, lengths)


def _drops(layers: Mapping[str, Layer], rules: OpticalSettings) -> Iterator[tuple[str, str, str, Row]]:
    """The branch of each connection, from the closure that it taps or from the hut that stands there."""
    closures = layers["closures"]
    tapped = [("tap" in kind) for kind in closures["kind"].tolist()]
    leaves = {float(row["measure_m"]): str(row["closure"]) for row in closures.take(tapped).rows()}
    leaves |= {float(row["measure_m"]): str(row["hut"]) for row in layers["huts"].rows()}
    loops_m = rules.closure_loop_m / 2.0 + rules.termination_loop_m
    for row in layers["connections"].rows():
        if row["access"]:
            tap_m, second = float(row["tap_m"]), str(row["connection"])
            cables = layers["cables"]
            on = (cables["start_m"] <= tap_m) & (tap_m <= cables["end_m"])
            lengths = Lengths.laid(
                float(row["drop_m"]), slack_ratio=rules.slack_ratio, loops_m=loops_m, helix_ratio=rules.helix_ratio
            )
            yield leaves[tap_m], second, f"drop {second}", _cabled("drop", str(cables["cable"][on][0]), lengths)


def _cabled(medium: str, cable: str, lengths: Lengths) -> Row:
    return {"medium": medium, "kind": medium, "cable": cable, **vars(lengths)}


def _light(kind: str, row: Row, rules: OpticalSettings) -> Row:
    fibre_m = float(row["fibre_m"])
    lengths = {"route_m": float(row["route_m"]), "sheath_m": fibre_m * rules.helix_ratio, "fibre_m": fibre_m}
    budget = {name: row[name] for name in _BUDGET if name in row}
    return {"medium": "light", "kind": kind, "cable": row["cable"], **lengths, **budget}
