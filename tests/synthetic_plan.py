"""A made-up plan of any length, with everything a report has to show: made by formulas, not by the planner.

A bad stretch, an exempt tunnel, a hole, assumed heights and prices, and Cyrillic names are all in it.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trassa.linear import CARRIAGEWAYS, Calibration, Carriageway, LabelInterval, Layer, Schema
from trassa.optical.layers import SCHEMAS as OPTICAL
from trassa.plan.bom import BomLine
from trassa.plan.claim import Claim, Evidence, Exemption, Holds, Scope, Worst
from trassa.plan.proof import Proof
from trassa.pricing import Price
from trassa.provenance import Assumption
from trassa.radio.layers import SCHEMAS as RADIO
from trassa.road.alignment import Alignment, measures_of
from trassa.road.layers import SCHEMAS as ROAD
from trassa.road.model import Road

__all__ = ["SyntheticPlan", "synthetic_plan", "synthetic_road"]

Floats = npt.NDArray[np.float64]
START_KM = 258.0
SITE_SPACING_M = 4300.0

_CROSS_SECTION = "start_m end_m carriageway lanes speed_limit_kmh speed_limit_kind speed_limit_conditional lit toll"
_PLACE = "measure_m kind name carriageway offset_m latitude_deg longitude_deg powered"
_SITE = (
    "site candidate name kind measure_m km carriageway offset_m latitude_deg longitude_deg ground_m height_m "
    "height_assumed power_m fibre_drop_m cost_minor needed_for"
)
_OPTICAL = {
    "cables": "cable start_m end_m carriageway route_m sheath_m fibre_m fibres",
    "huts": "hut name measure_m km carriageway role power latitude_deg longitude_deg cost_minor",
    "spans": "span start_m end_m cable route_m fibre_m loss_db limit_db margin_db",
    "closures": "closure cable measure_m chamber route_m sheath_m fibre_m",
    "links": ("link site hut measure_m cable drop_m route_m fibre_m loss_db optics budget_db margin_db latency_us"),
}


@dataclass(frozen=True)
class SyntheticPlan:
    """What a report and a bill of materials are made from."""

    road: Road
    layers: dict[str, Layer]
    proof: Proof
    bill: tuple[BomLine, ...]
    assumptions: tuple[Assumption, ...]


def synthetic_plan(length_m: float = 40_000.0, *, holds: Holds = "yes", ref: str = "М-11") -> SyntheticPlan:
    """The whole plan; ``holds`` is the verdict on its second radio claim."""
    road = synthetic_road(length_m, ref)
    sites = _sites(road)
    layers = {
        **road.to_layers(),
        "sites": sites,
        "bins": _bins(road, sites, weak=holds == "no"),
        **_optical(road, sites),
    }
    layers["unserved"] = _unserved(road) if holds == "no" else Layer.empty(RADIO["unserved"])
    assumptions = (
        Assumption("radio.sigma_db", 8.0, "dB", True, "assumed: rural, no drive test"),
        Assumption("radio.within_bin_db", 0.5, "dB", True, "measured on this plan"),
        Assumption("optical.helix_ratio", 0.975, "1", False, "planner's default"),
    )
    return SyntheticPlan(road, layers, _proof(road, layers, holds, assumptions), _bill(sites, layers), assumptions)


def synthetic_road(length_m: float = 40_000.0, ref: str = "М-11") -> Road:
    """A road over hills north-west of 56° N 38° E, with a tunnel, a bridge, a hole and a bent calibration."""
    measure = measures_of(length_m)
    third = max(math.floor(length_m / 3000.0), 1) * 1000.0
    intervals = (
        LabelInterval(0.0, third, START_KM, START_KM + third / 1000.0, "interpolated"),
        LabelInterval(third, third + 1070.0, START_KM + third / 1000, START_KM + third / 1000 + 1, "interpolated"),
        LabelInterval(
            third + 1070.0,
            length_m,
            START_KM + third / 1000 + 1,
            START_KM + third / 1000 + 1 + (length_m - third - 1070.0) / 1000.0,
            "extrapolated",
        ),
    )
    alignments = {c: _alignment(c, measure, length_m) for c in CARRIAGEWAYS}
    empty = {name: Layer.empty(ROAD[name]) for name in ("posts", "masts")}
    calibration = Calibration(intervals, "Cyrl" if ref.startswith("М") else "Latn")
    return Road(
        ref, "surveyed", length_m, "increasing", calibration, alignments,
        structures=_structures(length_m), cross_sections=_cross_sections(length_m),
        places=_places(alignments["increasing"], length_m), findings=_findings(length_m), **empty,
    )  # fmt: skip


def _alignment(carriageway: Carriageway, measure: Floats, length_m: float) -> Alignment:
    bend = np.sin(measure / 9000.0) * 0.02 + np.sin(measure / 2700.0) * 0.004
    latitude = 56.0 + measure / 111_320.0 * 0.8 + bend + (0.00009 if carriageway == "decreasing" else 0.0)
    longitude = 38.0 - measure / 62_000.0 * 0.6 + bend
    height = 180.0 + 60.0 * np.sin(measure / 5200.0) + 12.0 * np.sin(measure / 900.0)
    nan = np.full(len(measure), np.nan)
    hole = (measure > length_m * 0.905) & (measure < length_m * 0.91)
    return Alignment(carriageway, measure, latitude, longitude, height, nan, nan, nan, ~hole)


def _at(line: Alignment, measure_m: float) -> dict[str, float]:
    return {
        "latitude_deg": float(np.interp(measure_m, line.measure_m, line.latitude_deg)),
        "longitude_deg": float(np.interp(measure_m, line.measure_m, line.longitude_deg)),
    }


_DEFAULT: dict[str, object] = {"int": 0, "float": math.nan, "text": "", "bool": False}


def _table(schema: Schema, names: str, rows: list[tuple[object, ...]]) -> Layer:
    """Rows of the named columns; columns a trade has added since are left at nothing."""
    empty = {column.name: _DEFAULT[column.type] for column in schema.columns}
    return Layer.from_rows(schema, [empty | dict(zip(names.split(), row, strict=True)) for row in rows])  # type: ignore[arg-type]


def _structures(length_m: float) -> Layer:
    rows: list[tuple[object, ...]] = []
    for carriageway in CARRIAGEWAYS:
        rows.append((length_m * 0.905, length_m * 0.91, carriageway, "hole", ""))
        for start in np.arange(3000.0, length_m - 12_000.0, 21_000.0).tolist():
            rows.append((start, start + 240.0, carriageway, "bridge", "мост через р. Шоша"))
            rows.append((start + 5000.0, start + 5900.0, carriageway, "tunnel", "Тоннель № 1"))
    return _table(ROAD["structures"], "start_m end_m carriageway kind name", rows)


def _cross_sections(length_m: float) -> Layer:
    rows: list[tuple[object, ...]] = []
    for carriageway in CARRIAGEWAYS:
        rows.append((0.0, length_m * 0.4, carriageway, 3, 130.0, "fixed", "", "no", "yes"))
        rows.append((length_m * 0.4, length_m * 0.5, carriageway, 2, 90.0, "fixed", "", "yes", "yes"))
        rows.append((length_m * 0.5, length_m * 0.8, carriageway, 2, math.nan, "none", "", "no", "yes"))
        rows.append((length_m * 0.8, length_m, carriageway, 2, 110.0, "fixed", "80 @ wet", "no", "no"))
    return _table(ROAD["cross_sections"], _CROSS_SECTION, rows)


def _places(line: Alignment, length_m: float) -> Layer:
    names = {"junction": "Солнечногорск", "service_area": "МФЗ Клин", "toll_plaza": "ПВП"}
    rows: list[tuple[object, ...]] = []
    for i, measure in enumerate(np.arange(900.0, length_m, 7700.0).tolist()):
        kind = list(names)[i % 3]
        at = _at(line, measure).values()
        rows.append((measure, kind, f"{i + 1} {names[kind]}", "both", 40.0, *at, kind != "junction"))
    return _table(ROAD["places"], _PLACE, rows)


def _findings(length_m: float) -> Layer:
    rows: list[tuple[object, ...]] = [
        (12_000.0, 12_000.0, "rejected_post", "warning", "post км 270 stands 281 m off the label of its neighbours"),
        (length_m * 0.905, length_m * 0.91, "hole", "warning", "no way of the ref between nodes 17 and 18"),
        (math.nan, math.nan, "dangling_reference", "note", "3 ways name 11 nodes that the extract lacks & <skips>"),
    ]
    return _table(ROAD["findings"], "start_m end_m kind severity detail", rows)


def _sites(road: Road) -> Layer:
    rows: list[tuple[object, ...]] = []
    line = road.alignments["increasing"]
    places = np.arange(1500.0, road.length_m, SITE_SPACING_M).tolist()
    for i, measure in enumerate(places):
        old = i % 3 == 1
        name = f"Вышка {i}" if old else f"N-{i:05d}"
        at = (*_at(line, measure).values(), float(np.interp(measure, line.measure_m, line.height_m)) + 4.0)
        cost = 8_000_000 if old else 14_500_000
        needed = f"radio.served.any-site-down at {road.text(min(measure + 2000.0, road.length_m))} →"
        rows.append(
            (f"S-{i + 1:02d}", i, name, "existing" if old else "new", measure, float(road.calibration.km(measure)),
             "increasing", 300.0 if old else 22.0, *at, 35.0 if i % 2 else 25.0, old,
             0.0 if old else 480.0, 300.0 if old else 30.0, cost, needed)
        )  # fmt: skip
    return _table(RADIO["sites"], _SITE, rows)


def _bins(road: Road, sites: Layer, *, weak: bool) -> Layer:
    edges = measures_of(road.length_m)
    parts: list[dict[str, npt.NDArray[np.generic]]] = []
    for carriageway in road.carriageways:
        start, end = edges[:-1], edges[1:]
        middle = (start + end) / 2.0
        height = road.alignments[carriageway].height_m[:-1]
        margins = 17.0 - 9.0 * np.abs(middle[:, None] - sites["measure_m"]) / 4000.0
        margins += (height[:, None] - 180.0) / 20.0 + np.sin(middle[:, None] / 310.0 + np.arange(len(sites)))
        if weak and carriageway == "increasing":
            margins[(middle > 20_010.0) & (middle < 20_620.0)] -= 11.0
        order = np.argsort(-margins, axis=1)
        best, second = order[:, 0], order[:, 1]
        row = np.arange(len(start))
        tunnel = np.zeros(len(start), dtype=bool)
        for extent in road.structure_extents("tunnel", carriageway):
            tunnel |= (middle >= extent.start_m) & (middle < extent.end_m)
        keep = road.alignments[carriageway].present[:-1]
        exempt = np.where(tunnel, "tunnel", "").astype(np.object_)
        named = np.full(len(start), carriageway, dtype=np.object_)
        columns = {
            "start_m": start, "end_m": end, "carriageway": named, "exempt": exempt, "server": sites["site"][best],
            "rsrp_dbm": margins[row, best] - 96.8, "margin_db": margins[row, best], "second": sites["site"][second],
            "second_margin_db": margins[row, second],
        }  # fmt: skip
        parts.append({name: column[keep] for name, column in columns.items()})
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    count = len(joined["start_m"])
    empty = {c.name: np.full(count, _DEFAULT[c.type], dtype=np.object_) for c in RADIO["bins"].columns}
    return Layer.from_columns(RADIO["bins"], **{**empty, **joined})


def _optical(road: Road, sites: Layer) -> dict[str, Layer]:
    line, length = road.alignments["increasing"], road.length_m
    count = max(2, math.ceil(length / 18_000.0) + 1)
    at = np.linspace(0.0, length, count).tolist()
    huts = [
        (f"H-{i + 1:02d}", f"АБК {i + 1}", m, float(road.calibration.km(m)), "increasing",
         "point_of_presence" if i in (0, count - 1) else "aggregation", "place" if i % 2 else "new",
         *_at(line, m).values(), 9_000_000)
        for i, m in enumerate(at)
    ]  # fmt: skip
    spans = [
        (f"H-{i + 1:02d}–H-{i + 2:02d}", a, b, "C-1", (b - a) * 1.001, (b - a) * 1.08, 9.7, 28.0, 18.3)
        for i, (a, b) in enumerate(itertools.pairwise(at))
    ]
    closures = [
        (f"CL-{i + 1:04d}", "C-1", m, f"CH-{i + 1:04d}", m * 1.001, m * 1.05, m * 1.08)
        for i, m in enumerate(np.arange(4000.0, length, 4000.0).tolist())
    ]
    links = [
        (f"{s['site']}–H-01", s["site"], "H-01", s["measure_m"], "C-1", s["offset_m"], 9000.0, 9720.0, 4.2,
         "10GBASE-LR", 6.2, 2.0, 47.6)
        for s in sites.rows()
    ]  # fmt: skip
    cables = [("C-1", 0.0, length, "increasing", length * 1.001, length * 1.0412, length * 1.0679, 96)]
    tables = {"cables": cables, "huts": huts, "spans": spans, "closures": closures, "links": links}
    return {name: _table(OPTICAL[name], _OPTICAL[name], rows) for name, rows in tables.items()}  # type: ignore[arg-type]


def _unserved(road: Road) -> Layer:
    rows: list[tuple[object, ...]] = [
        (20_010.0, 20_620.0, "increasing", -4.6, "radio.served.any-site-down", "behind the ridge of км 279",
         "a mast of 45 m at км 278+400, or need −114 dBm"),
    ]  # fmt: skip
    return _table(RADIO["unserved"], "start_m end_m carriageway margin_db claim reason cure", rows)


def _proof(road: Road, layers: dict[str, Layer], holds: Holds, assumptions: tuple[Assumption, ...]) -> Proof:
    exempt = (Exemption("radio.exempt_structures = tunnel", 1800.0, (road.span_text(8000.0, 8900.0),)),)
    scope = Scope("both carriageways, every bin", 2 * road.length_m, exempt)
    method = {"model": "ITU-R P.1812-7 §4.3 delta-Bullington", "time_percent": 50, "sigma_db": 8.0, "gap": 0.0004}
    digest = layers["bins"].digest()
    served = Claim(
        "radio.served", "RSRP ≥ −110 dBm on every bin at 95 %", scope, method, assumptions[:2],
        Worst(f"{road.text(21_400.0)} →", -93.4, -96.8, 3.4, "dB"), "estimate" if holds == "estimate" else "yes",
        (Evidence("bins", digest),),
    )  # fmt: skip
    margin = -4.6 if holds == "no" else 0.3
    failures = (f"{road.span_text(20_010.0, 20_620.0)} → behind the ridge",) if holds == "no" else ()
    down = replace(
        served, id="radio.served.any-site-down", promise="… with any one site down", holds=holds, failures=failures,
        worst=Worst(f"{road.text(20_300.0)} → with S-05 down", -96.8 + margin, -96.8, margin, "dB"),
    )  # fmt: skip
    cut = Claim(
        "optical.any-cut", "Every site reaches a point of presence after any cut", scope, {"model": "sweep"},
        assumptions[2:], Worst("S-03 after a cut at " + road.text(14_000.0), 21.0, 28.0, 7.0, "dB"), "yes",
        (Evidence("links", layers["links"].digest()),),
    )  # fmt: skip
    inputs = (
        {"name": "road.osm.pbf", "sha256": "ab" * 32, "size_bytes": 1_234_567},
        {"name": "N56E037.hgt", "sha256": "cd" * 32, "size_bytes": 25_934_402},
    )
    facts = {"ref": road.ref, "axis": road.axis, "length_m": road.length_m, "reference": road.reference}
    figures = {"radio": {"siting_status": "optimal", "gap": 0.0004}, "layers": {"bins": digest}}
    return Proof(facts, (served, down, cut), figures, inputs, "ef" * 32, {"trassa": "0.1.0", "python": "3.11.7"})


def _bill(sites: Layer, layers: dict[str, Layer]) -> tuple[BomLine, ...]:
    def price(minor: int, unit: str, *, assumed: bool = True) -> Price:
        source = "planner's range" if assumed else "offer 17/2026"
        return Price(
            amount_minor=minor, low_minor=minor // 2, high_minor=minor * 2, unit=unit, source=source, assumed=assumed
        )

    sheath_m = float(layers["cables"]["sheath_m"].sum())
    return (
        BomLine("New mast", "radio", float((sites["kind"] == "new").sum()), "piece", price(6_000_000, "piece")),
        BomLine("Site equipment", "radio", float(len(sites)), "piece", price(3_500_000, "piece", assumed=False)),
        BomLine("Кабель ВОЛС, 96 волокон", "optical", sheath_m, "m", price(317, "m")),
        BomLine("Hut", "optical", float(len(layers["huts"])), "piece", price(9_000_000, "piece")),
        BomLine("Closure", "optical", float(len(layers["closures"])), "piece", price(70_000, "piece")),
    )
