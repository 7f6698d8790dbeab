"""What a transmission engineer signs, as rows of text: figures of the line, rings, services, light, availability."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from trassa.linear import Layer
from trassa.optical.services.availability_forms import ends_together
from trassa.plan.amounts import figure_text, margin_text
from trassa.road.model import Road

__all__ = [
    "availability_rows",
    "end_to_end_rows",
    "fronthaul_rows",
    "light_rows",
    "line_facts",
    "ring_rows",
    "service_rows",
    "tree_rows",
]

Row = dict[str, Any]
_SHOWN = 40


def line_facts(layers: Mapping[str, Layer]) -> list[tuple[str, str, str]]:
    """``(name, value, note)`` of the line's figures; what a plan does not have is left out."""
    facts: list[tuple[str, str, str]] = []
    if _has(layers, "cables"):
        cables = layers["cables"]
        km = {name: f"{figure_text(float(cables[f'{name}_m'].sum()) / 1000.0, 1)} km" for name in ("route", "fibre")}
        facts.append((_counted(len(cables), "cable"), km["route"], f"route; fibre {km['fibre']}"))
    if _has(layers, "chambers"):
        pull = int((layers["chambers"]["purpose"] == "pull").sum())
        facts.append(("chambers", figure_text(len(layers["chambers"])), f"{pull} of them for pulling only"))
    if _has(layers, "closures"):
        joints = sum("joint" in kind for kind in layers["closures"]["kind"].tolist())
        splices = int(layers["splices"]["splices"].sum()) if "splices" in layers else 0
        note = f"{joints} where reels meet" + (f"; {figure_text(splices)} splices" if splices else "")
        facts.append(("closures", figure_text(len(layers["closures"])), note))
    if _has(layers, "fibres"):
        fibres = layers["fibres"]
        spans = [f"{cable} {span}" for cable, span in zip(fibres["cable"], fibres["span"], strict=True)]
        lit = np.array(spans, dtype=np.str_)[fibres["use"] != "spare"]
        most = int(np.unique(lit, return_counts=True)[1].max(initial=0))
        facts.append(("fibres", f"{most} of {int(fibres['fibre'].max())}", "in use on the fullest span"))
    for name, words in (("spans", "weakest span"), ("links", "weakest link"), ("wavelengths", "weakest light")):
        if _has(layers, name):
            at = int(np.argmin(layers[name]["margin_db"]))
            column = {"spans": "span", "links": "link", "wavelengths": "path"}[name]
            facts.append((words, margin_text(float(layers[name]["margin_db"][at])), str(layers[name][column][at])))
    return facts


def ring_rows(road: Road, segments: Layer) -> list[Row]:
    """A row for every access ring: its members, its ways of light and the weakest of them."""
    rows: list[Row] = []
    for name in dict.fromkeys(segments["ring"].tolist()):
        mine = segments.where(ring=name)
        ends = {str(mine["first"][0]), str(mine["second"][-1])}
        members = [m for m in dict.fromkeys([*mine["first"].tolist(), *mine["second"].tolist()]) if m not in ends]
        weak = int(np.argmin(mine["margin_db"]))
        rows.append(
            {
                "ring": name,
                "huts": "–".join(sorted(ends)),
                "members": _some(members),
                "count": len(members),
                "from_to": road.span_text(float(mine["start_m"].min()), float(mine["end_m"].max())),
                "fibre": f"{figure_text(float(mine['fibre_m'].sum()) / 1000.0, 2)} km",
                "weakest": f"{mine['first'][weak]}–{mine['second'][weak]}",
                "optics": str(mine["optics"][weak]),
                **_signed(float(mine["margin_db"][weak]), "dB"),
            }
        )
    return rows


def tree_rows(road: Road, layers: Mapping[str, Layer]) -> list[Row]:
    """A row for every passive tree: its splitter, its places, its rate and the weakest of its ways."""
    rows: list[Row] = []
    for tree in layers["splitters"].rows():
        mine = layers["tree_links"].where(tree=tree["tree"])
        weak = int(np.argmin(mine["margin_db"]))
        rows.append(
            {
                "tree": tree["tree"],
                "huts": f"{tree['hut_before']}–{tree['hut_behind']}",
                "at": f"{tree['closure']}, {road.text(float(tree['measure_m']))}",
                "split": f"2:{tree['split']}",
                "members": _some(list(dict.fromkeys(mine["connection"].tolist()))),
                "rate": f"{float(tree['rate_mbps']):g} of {float(tree['limit_mbps']):g} Mbit/s",
                "optics": str(tree["optics"]),
                **_signed(float(mine["margin_db"][weak]), "dB"),
            }
        )
    return rows


def service_rows(road: Road, services: Layer) -> list[Row]:
    """Every service class, whole and after the worst cut."""
    return [
        {
            "service": row["service"],
            "connections": str(row["connections"]),
            "rate": f"{figure_text(row['rate_mbps'], 0 if float(row['rate_mbps']).is_integer() else 2)} Mbit/s",
            "latency": _us(row["latency_us"]),
            "worst_latency": _us(row["worst_latency_us"]),
            "worst_at": road.text(row["worst_start_m"]) if math.isfinite(row["worst_start_m"]) else "–",
            "stranded": str(row["pairs_stranded"]),
            **_signed(row["worst_margin_db"], "dB"),
        }
        for row in _rows(services)
    ]


def light_rows(road: Road, wavelengths: Layer) -> Row:
    """The paths of light, the weakest first."""
    order = np.argsort(wavelengths["margin_db"], kind="stable")
    rows = [
        {
            "path": row["path"],
            "cables": ", ".join(dict.fromkeys(row["cables"].split(","))),
            "when": "after a cut" if row["detour"] else "always",
            "from_to": road.span_text(row["start_m"], row["end_m"]),
            "gsnr": f"{figure_text(row['gsnr_db'], 2)} dB",
            "osnr": f"{figure_text(row['osnr_db'], 2)} dB",
            "needed": f"{figure_text(row['needed_db'], 2)} dB",
            "latency": _us(row["latency_us"]),
            "mode": row["mode"] or "none closes",
            **_signed(row["margin_db"], "dB"),
        }
        for row in _rows(wavelengths.take(order[:_SHOWN]))
    ]
    return {"rows": rows, "more": len(wavelengths) - len(rows)}


def availability_rows(road: Road, availability: Layer) -> Row:
    """The connections that are away longest in a year, the worst first."""
    order = np.argsort(availability["availability"], kind="stable")
    rows = [
        {
            "site": row["site"],
            "service": row["service"],
            "place": road.text(row["measure_m"]),
            "availability": f"{math.floor(row['availability'] * 1e9) / 1e7:.7f} %",
            "minutes": f"{figure_text(row['minutes_per_year'], 2)} min",
            "dominated_by": row["dominated_by"],
        }
        for row in _rows(availability.take(order[:_SHOWN]))
    ]
    return {"rows": rows, "more": len(availability) - len(rows)}


def end_to_end_rows(figures: Mapping[str, Any]) -> list[Row]:
    """How long cables keep the ends of each line apart, by every form; ``figures`` are those of the optical stage."""
    names = ("line", "form", "availability", "minutes")
    ends = ends_together(figures["availability"]) if "availability" in figures else []
    return [dict(zip(names, end.texts, strict=True)) for end in ends]


def fronthaul_rows(ways: Layer) -> list[Row]:
    """From each head of a shared cell to its baseband."""
    return [
        {
            "cell": row["cell"],
            "site": row["site"],
            "baseband": row["baseband"] or "none is near enough",
            "fibre": f"{figure_text(row['fibre_m'])} m",
            "limit": f"{figure_text(row['limit_m'])} m",
            "latency": _us(row["latency_us"]),
            **_signed(row["margin_m"], "m"),
        }
        for row in _rows(ways)
    ]


def _has(layers: Mapping[str, Layer], name: str) -> bool:
    return name in layers and len(layers[name]) > 0


def _counted(count: int, word: str) -> str:
    return word if count == 1 else f"{count} {word}s"


def _rows(layer: Layer) -> Iterator[Row]:
    return (dict(row) for row in layer.rows())


def _signed(margin: float, unit: str) -> Row:
    """The margin as text, and whether it fails: NaN does not, there is nothing to fail."""
    return {"margin": margin_text(margin, unit), "bad": margin < 0.0}


def _us(value: float) -> str:
    return f"{figure_text(value, 1)} µs" if math.isfinite(value) else "–"


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:8])
    return shown if len(names) <= 8 else f"{shown} and {len(names) - 8} more"
