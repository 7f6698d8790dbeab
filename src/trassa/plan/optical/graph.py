"""The line as a graph: huts, closures and connections, joined by the cable they hang on and by the light they send.

::

    medium  cable   hut ── closure ── closure ── hut      pieces of sheath
            drop    closure ── connection
            light   hut ── hut, connection ── hut, …      spans, links, rings and trees: loss and margin
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
from trassa.optical.plant.lengths import Lengths
from trassa.optical.settings import OpticalSettings
from trassa.plan.optical.papers.laid import laid_cables
from trassa.road.model import Road
from trassa.road.verge import beside

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
    for name, row in _nodes(road, layers, rules):
        if name in graph:
            raise InputError(f"graph: {name} is the name of two things on the line", cure="another name for it")
        graph.add_node(name, **_known({"label": name, **row}))
    for first, second, name, row in _edges(road, layers, rules):
        graph.add_edge(first, second, key=name, **_known({"label": name, **row}))
    return graph


def _known(row: Row) -> dict[str, Any]:
    return {
        name: value
        for name, value in row.items()
        if value != "" and not (isinstance(value, float) and not math.isfinite(value))
    }


def _nodes(road: Road, layers: Mapping[str, Layer], rules: OpticalSettings) -> Iterator[tuple[str, Row]]:
    verge = beside(road, rules.verge_offset_m)
    sites = {str(row["site"]): row for row in layers["sites"].rows()} if "sites" in layers else {}
    for row in layers["huts"].rows():
        said = {"role": row["role"], "at": row["name"], "origin": row["origin"]}
        yield str(row["hut"]), {"kind": "hut", **_placed(road, row, row), **said}
    for row in layers["closures"].rows():
        kind = {"cable": row["cable"], "closure_kind": row["kind"], "origin": row["origin"]}
        yield str(row["closure"]), {"kind": "closure", **_placed(verge, row), **kind}
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
    yield from _drops(layers)
    for row in layers["spans"].rows():
        first, second = str(row["span"]).split("–")
        yield first, second, f"{row['span']} {row['cable']}", _light("span", row, rules)
    for row in layers["links"].rows():
        yield str(row["site"]), str(row["hut"]), str(row["link"]), _light("link", row, rules)
    for row in layers["ring_segments"].rows():
        name = f"{row['ring']} {row['first']}–{row['second']}"
        yield str(row["first"]), str(row["second"]), name, {**_light("ring segment", row, rules), "ring": row["ring"]}
    for row in layers["tree_links"].rows() if "tree_links" in layers else ():
        name = f"{row['tree']} {row['connection']}–{row['hut']}"
        yield str(row["connection"]), str(row["hut"]), name, {**_light("tree", row, rules), "tree": row["tree"]}


def _pieces(road: Road, layers: Mapping[str, Layer], rules: OpticalSettings) -> Iterator[tuple[str, str, str, Row]]:
    """The cable between two neighbours among its huts and closures."""
    for cable, laid in laid_cables(road, layers, rules).items():
        for index, (first, second) in enumerate(pairwise(laid.stops)):
            lengths = laid.stop(index + 1) - laid.stop(index)
            yield first, second, f"{cable} {first}–{second}", _cabled("cable", cable, lengths)


def _drops(layers: Mapping[str, Layer]) -> Iterator[tuple[str, str, str, Row]]:
    """The branch of each connection, from the closure that it taps or from the hut that it begins in."""
    for row in layers["drop_cables"].rows():
        name = str(row["connection"])
        lengths = Lengths(float(row["route_m"]), float(row["sheath_m"]), float(row["fibre_m"]))
        more = {"fibres": row["fibres"], "in_use": row["in_use"]}
        yield str(row["closure"]), name, f"drop {name}", {**_cabled("drop", str(row["cable"]), lengths), **more}


def _cabled(medium: str, cable: str, lengths: Lengths) -> Row:
    return {"medium": medium, "kind": medium, "cable": cable, **vars(lengths)}


def _light(kind: str, row: Row, rules: OpticalSettings) -> Row:
    fibre_m = float(row["fibre_m"])
    lengths = {"route_m": float(row["route_m"]), "sheath_m": fibre_m * rules.helix_ratio, "fibre_m": fibre_m}
    budget = {name: row[name] for name in _BUDGET if name in row}
    return {"medium": "light", "kind": kind, "cable": row["cable"], **lengths, **budget}
