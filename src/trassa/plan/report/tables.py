"""The report's tables as rows of text: every figure formatted once, here."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from trassa.linear import ARROWS, Layer
from trassa.money import Cost
from trassa.plan.amounts import amount_text, figure_text, margin_text, measured_text, range_text
from trassa.plan.bom import BomLine, total_of
from trassa.plan.claim import Claim, Worst
from trassa.provenance import Assumption
from trassa.road.model import Road

__all__ = [
    "MOST_ROWS",
    "assumption_rows",
    "cable_rows",
    "claim_rows",
    "cost_table",
    "cut_summary",
    "finding_rows",
    "hut_rows",
    "link_summary",
    "site_rows",
    "span_rows",
    "unserved_rows",
]

MOST_ROWS = 250
"""Rows of one table that are printed where a plan may have thousands; the rest are counted and named by file."""

_MOST_FAILURES = 20
_ORDER = {"no": 0, "estimate": 1, "yes": 2}
_WORDS = {"yes": "holds", "no": "does not hold", "estimate": "ESTIMATE"}
Row = dict[str, Any]


def claim_rows(claims: Iterable[Claim], currency: str) -> list[Row]:
    """The claims: those that fail first, among equals those in decibels by their margin, then the others."""
    return [_claim_row(claim, currency) for claim in sorted(claims, key=_urgency)]


def _urgency(claim: Claim) -> tuple[int, bool, float]:
    margin, decibels = claim.worst.margin, claim.worst.margin_unit == "dB"
    return _ORDER[claim.holds], not decibels, margin if decibels and margin is not None else 0.0


def _claim_row(claim: Claim, currency: str) -> Row:
    worst = claim.worst
    value, bound, margin = _worst_texts(claim.worst, currency)
    return {
        "id": claim.id,
        "holds": claim.holds,
        "word": _WORDS[claim.holds],
        "promise": claim.promise,
        "place": worst.place or "the whole plan",
        "value": value,
        "bound": bound,
        "margin": margin,
        "scope": claim.scope.text,
        "length": f"{figure_text(claim.scope.length_m / 1000.0, 2)} km",
        "exempt": [
            f"{e.rule}: {figure_text(e.length_m)} m" + (f" at {_some(e.places)}" if e.places else "")
            for e in claim.scope.exempt
        ],
        "method": [(key.replace("_", " "), _plain(v)) for key, v in claim.method.items() if key != "estimate_because"],
        "doubts": list(claim.method.get("estimate_because", ())),
        "assumptions": ", ".join(assumption.name for assumption in claim.assumptions) or "none",
        "evidence": [(evidence.layer, evidence.sha256) for evidence in claim.evidence],
        "failures": list(claim.failures[:_MOST_FAILURES]),
        "more_failures": max(len(claim.failures) - _MOST_FAILURES, 0),
    }


def _worst_texts(worst: Worst, currency: str) -> tuple[str, str, str]:
    """Value, bound and margin; money in whole units, and the difference of two dBm in dB."""
    if worst.unit == "minor units":
        found = [
            None if v is None else amount_text(round(v), currency) for v in (worst.value, worst.bound, worst.margin)
        ]
        return found[0] or "–", found[1] or "–", found[2] or "–"
    margin = margin_text(worst.margin, worst.margin_unit)
    return measured_text(worst.value, worst.unit), measured_text(worst.bound, worst.unit), margin


def site_rows(road: Road, sites: Layer, currency: str) -> list[Row]:
    """Every site."""
    return [
        row
        | {
            "place": f"{road.calibration.text(row['measure_m'])} {ARROWS[row['carriageway']]}",
            "offset": f"{figure_text(row['offset_m'])} m",
            "height": f"{row['height_m']:g} m",
            "ground": f"{figure_text(row['ground_m'])} m",
            "at": _at(row),
            "cost": amount_text(row["cost_minor"], currency),
        }
        for row in _rows(sites)
    ]


def hut_rows(road: Road, huts: Layer, currency: str) -> list[Row]:
    """Every hut."""
    return [
        row
        | {
            "place": f"{road.calibration.text(row['measure_m'])} {ARROWS[row['carriageway']]}",
            "role": row["role"].replace("_", " "),
            "power": {"place": "at the place", "new": "new connection"}.get(row["power"], row["power"]),
            "at": _at(row),
            "cost": amount_text(row["cost_minor"], currency),
        }
        for row in _rows(huts)
    ]


def cable_rows(road: Road, cables: Layer) -> list[Row]:
    """Cables with their three lengths, which are never one."""
    return [
        row
        | {"from_to": road.span_text(row["start_m"], row["end_m"]), "arrow": ARROWS[row["carriageway"]]}
        | {name: f"{figure_text(row[f'{name}_m'])} m" for name in ("route", "sheath", "fibre")}
        for row in _rows(cables)
    ]


def span_rows(spans: Layer) -> list[Row]:
    """Backbone spans, from hut to hut."""
    return [
        row
        | {name: f"{figure_text(row[f'{name}_m'] / 1000.0, 2)} km" for name in ("route", "fibre")}
        | {"loss": f"{row['loss_db']:.2f} dB", "limit": f"{row['limit_db']:.2f} dB", "margin": _db(row["margin_db"])}
        for row in _rows(spans)
    ]


def link_summary(links: Layer) -> list[str]:
    """What there is to say about the sites' links in three sentences; each link is in bom.xlsx."""
    if not len(links):
        return []
    weak, late = int(np.argmin(links["margin_db"])), int(np.argmax(links["latency_us"]))
    optics = Counter(links["optics"].tolist())
    return [
        f"{len(links)} links connect {len(set(links['site'].tolist()))} sites: "
        + ", ".join(f"{count} × {name}" for name, count in sorted(optics.items())),
        f"the weakest is {links['link'][weak]} with {_db(links['margin_db'][weak])} of margin",
        f"the longest is {links['link'][late]} with {links['latency_us'][late]:.1f} µs one way in fibre",
    ]


def cut_summary(road: Road, cuts: Layer) -> list[str]:
    """What the sweep over all cuts found."""
    if not len(cuts):
        return []
    stranded = cuts.take(cuts["stranded"] > 0)
    said = [f"{len(cuts)} cut intervals; {int(np.max(cuts['detoured']))} sites detoured by the worst of them"]
    if not len(stranded):
        return [*said, "no cut strands a site"]
    worst = int(np.argmax(stranded["stranded"]))
    where = road.span_text(float(stranded["start_m"][worst]), float(stranded["end_m"][worst]))
    return [
        *said,
        f"{len(stranded)} cuts strand sites; the worst, {where}, {stranded['stranded'][worst]} of them",
    ]


def cost_table(bill: Sequence[BomLine], currency: str) -> Row:
    """The bill by trade, its total, and what of it rests on assumed prices."""
    total = total_of(bill, currency)
    assumed = total_of((line for line in bill if line.price.assumed), currency)
    trades = []
    for trade in dict.fromkeys(line.trade for line in bill):
        lines = [line for line in bill if line.trade == trade]
        rows = [_cost_row(line, currency) for line in lines]
        trades.append({"name": trade, "rows": rows, "total": _amounts(total_of(lines, currency))})
    return {
        "trades": trades,
        "total": _amounts(total),
        "assumed_lines": sum(line.price.assumed for line in bill),
        "lines": len(bill),
        "assumed_share": f"{assumed.amount_minor / max(total.amount_minor, 1):.0%}",
    }


def _cost_row(line: BomLine, currency: str) -> Row:
    price = Cost(line.price.amount_minor, currency, line.price.low_minor, line.price.high_minor)
    whole = float(line.quantity).is_integer()
    return {
        "item": line.item,
        "quantity": f"{figure_text(line.quantity, 0 if whole else 1)} {line.unit}",
        "price": amount_text(price.amount_minor, currency),
        "price_range": range_text(price),
        "assumed": line.price.assumed,
        "source": line.price.source,
    } | _amounts(line.cost(currency))


def _amounts(cost: Cost) -> Row:
    return {"amount": amount_text(cost.amount_minor, cost.currency), "range": range_text(cost)}


def assumption_rows(assumptions: Iterable[Assumption], claims: Iterable[Claim], currency: str) -> list[Row]:
    """All assumptions, the plan's and the claims', each once, with the claims that rest on it."""
    used: dict[Assumption, list[str]] = {assumption: [] for assumption in assumptions}
    for claim in claims:
        for assumption in claim.assumptions:
            used.setdefault(assumption, []).append(claim.id)
    return [
        {"name": a.name, "size": _size_text(a, currency), "source": a.source,
         "taken": a.taken_from_margin, "claims": ", ".join(ids)}
        for a, ids in used.items()
    ]  # fmt: skip


def _size_text(assumption: Assumption, currency: str) -> str:
    size, unit = assumption.size, assumption.unit
    if unit.startswith("minor units"):
        return amount_text(round(size), currency) + unit.removeprefix("minor units")
    shown = figure_text(size) if abs(size) >= 10_000 else f"{size:g}".replace("-", "−")
    return f"{shown} {unit if unit != '1' else ''}".strip()


def unserved_rows(road: Road, unserved: Layer) -> Row:
    """Stretches that nothing can serve, the worst first."""
    order = np.argsort(np.nan_to_num(unserved["margin_db"], nan=-np.inf), kind="stable")
    rows = [
        row
        | {
            "place": f"{road.span_text(row['start_m'], row['end_m'])} {ARROWS[row['carriageway']]}",
            "length": f"{figure_text(row['end_m'] - row['start_m'])} m",
            "margin": margin_text(row["margin_db"]),
        }
        for row in _rows(unserved.take(order[:MOST_ROWS]))
    ]
    length_m = float(np.sum(unserved["end_m"] - unserved["start_m"]))
    return {"rows": rows, "more": len(unserved) - len(rows), "length": f"{figure_text(length_m / 1000.0, 2)} km"}


def finding_rows(road: Road, findings: Layer) -> Row:
    """What the import reports, warnings first."""
    order = np.argsort(findings["severity"] != "warning", kind="stable")
    rows = [row | {"place": _place(road, row["start_m"], row["end_m"])} for row in _rows(findings.take(order))]
    kinds = Counter(str(kind).replace("_", " ") for kind in findings["kind"].tolist())
    return {
        "rows": rows[:MOST_ROWS],
        "more": max(len(rows) - MOST_ROWS, 0),
        "kinds": ", ".join(f"{count} × {kind}" for kind, count in kinds.most_common()),
    }


def _place(road: Road, start_m: float, end_m: float) -> str:
    if not math.isfinite(start_m):
        return "off the road"
    return road.span_text(start_m, end_m) if end_m > start_m else road.text(start_m)


def _rows(layer: Layer) -> Iterable[Row]:
    return (dict(row) for row in layer.rows())


def _at(row: Mapping[str, Any]) -> str:
    latitude, longitude = row["latitude_deg"], row["longitude_deg"]
    return f"{latitude:.5f}, {longitude:.5f}" if math.isfinite(latitude) else "–"


def _db(value: float) -> str:
    return margin_text(float(value))


def _plain(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False).strip('"{}').replace('"', "")


def _some(places: Sequence[str]) -> str:
    shown = ", ".join(places[:6])
    return shown if len(places) <= 6 else f"{shown} and {len(places) - 6} more"
