"""The page: what goes into a report, and its rendering."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from trassa.errors import ConfigError, InputError
from trassa.linear import Diagram, Layer
from trassa.money import Cost
from trassa.plan.amounts import amount_text, figure_text, range_text
from trassa.plan.bom import BomLine, total_of
from trassa.plan.proof import Proof
from trassa.plan.report import line_tables, schedules, sheets, tables
from trassa.plan.report.drive_tables import handover_rows, trip_rows
from trassa.plan.report.line_picture import line_pictures
from trassa.plan.report.link_rows import deductions_of, link_table
from trassa.plan.report.map_picture import CLASSES, map_picture
from trassa.plan.report.radio_panels import promise_of
from trassa.plan.report.site_sheets import SiteSheets
from trassa.plan.report.tunnel_rows import tunnel_rows
from trassa.plan.strip import wrapped_strip
from trassa.provenance import Assumption
from trassa.radio.antenna import AntennaPattern
from trassa.radio.settings import RadioSettings
from trassa.road.model import Road

__all__ = ["ReportInput", "render_report"]

_FAR_FROM_POSTS_M = 2000.0


@dataclass(frozen=True)
class ReportInput:
    """Everything a report is made from; the same input gives the same bytes.

    ``layers`` holds the plan's layers by schema name, the road's included or not; those a plan does not have are
    left out of the report. ``cost`` is the sum of ``bill``. ``assumptions`` adds to those of the claims,
    ``estimate_reasons`` to what the claims' methods give as ``estimate_because``. ``credits`` names whose data this
    stands on, as their licences ask. ``radio`` are the settings the radio was planned by and ``pattern`` the antenna
    of its sectors (None: without direction); without settings there is no link budget and no promise on the charts.
    """

    road: Road
    layers: Mapping[str, Layer]
    proof: Proof
    bill: Sequence[BomLine]
    cost: Cost
    title: str
    assumptions: Sequence[Assumption] = ()
    estimate_reasons: Sequence[str] = ()
    credits: Sequence[str] = ()
    radio: RadioSettings | None = None
    pattern: AntennaPattern | None = None

    def __post_init__(self) -> None:
        if (total := total_of(self.bill, self.cost.currency)) != self.cost:
            raise ConfigError(f"report: the cost {self.cost.as_dict()} is not the sum of its bill {total.as_dict()}")


def render_report(report: ReportInput) -> str:
    """The whole report as one HTML document that needs no other file."""
    promise = promise_of(report.radio) if report.radio is not None else None
    drawn = sheets.Drawn.of(report.road, report.layers, promise)
    html = _template().render(
        title=report.title,
        road=_road_facts(report),
        verdict=_verdict(report),
        figures=_key_figures(report),
        claims=tables.claim_rows(report.proof.claims, report.cost.currency),
        strip=_strip_text(report),
        provenance=_provenance(report),
        **_pictures(report, drawn),
        **_tables(report),
        **_radio(report, drawn),
        line=_line(report),
    )
    return "\n".join(line.rstrip() for line in html.splitlines() if line.strip()) + "\n"


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("trassa.plan.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")


def _road_facts(report: ReportInput) -> dict[str, Any]:
    road = report.road
    axis = {
        "surveyed": "surveyed axis",
        "drawn": "drawn axis",
        "schematic": "schematic axis, measured by declared kilometres",
    }[road.axis]
    return {
        "ref": road.ref,
        "length": f"{figure_text(road.length_m / 1000.0, 2)} km",
        "from_to": road.span_text(0.0, road.length_m),
        "axis": axis,
        "carriageways": " and ".join(road.carriageways),
        "heights": "on terrain" if road.has_heights else "unknown, no terrain",
    }


def _verdict(report: ReportInput) -> dict[str, Any]:
    holds, claims = report.proof.holds, report.proof.claims
    if not claims:
        return {"holds": "none", "word": "Nothing is promised", "sentence": "The plan makes no claim.", "reasons": []}
    failing = [claim.id for claim in claims if claim.holds == "no"]
    return {
        "holds": holds,
        "word": {"yes": "The plan holds", "no": "The plan does not hold", "estimate": "ESTIMATE"}[holds],
        "sentence": {
            "yes": f"All {len(claims)} promises are kept, under the assumptions listed in this report.",
            "no": f"{len(failing)} of {len(claims)} promises fail: {', '.join(failing)}.",
            "estimate": "This is an estimate, not a proof. Nothing may be built or ordered on it.",
        }[holds],
        "reasons": _estimate_reasons(report) if any(claim.holds == "estimate" for claim in claims) else [],
    }


def _estimate_reasons(report: ReportInput) -> list[str]:
    given = [reason for claim in report.proof.claims for reason in claim.method.get("estimate_because", ())]
    return list(dict.fromkeys([*report.estimate_reasons, *(given or _doubts_about(report.road))]))


def _doubts_about(road: Road) -> list[str]:
    """What by itself makes a proof an estimate."""
    reasons: list[str] = []
    if not road.has_heights:
        reasons.append("No terrain: radio paths are computed over a smooth earth.")
    if road.axis == "schematic":
        reasons.append("The axis is schematic: places come from declared kilometres, not from a survey.")
    reference = road.alignments[road.reference].measure_m
    off_m = road.calibration.extrapolated_by_m(reference)
    if float(np.max(off_m)) > _FAR_FROM_POSTS_M and np.isfinite(off_m).all():
        reasons.append(f"Labels are extrapolated up to {float(np.max(off_m)) / 1000.0:.1f} km beyond the last post.")
    elif np.isinf(off_m).any():
        reasons.append("No post calibrates the labels: kilometres are counted from the start of the road.")
    return reasons


def _key_figures(report: ReportInput) -> list[tuple[str, str, str]]:
    layers, currency = report.layers, report.cost.currency
    figures = [("road", f"{figure_text(report.road.length_m / 1000.0, 1)} km", " and ".join(report.road.carriageways))]
    if "sites" in layers:
        kinds = layers["sites"]["kind"]
        new = int(np.sum(kinds == "new"))
        figures.append(("radio sites", str(len(kinds)), f"{new} new, {len(kinds) - new} on existing masts"))
    if "huts" in layers:
        figures.append(("huts", str(len(layers["huts"])), "technical buildings"))
    if "cables" in layers:
        sheath_m = float(np.sum(layers["cables"]["sheath_m"]))
        figures.append(("cable to buy", f"{figure_text(sheath_m / 1000.0, 1)} km", "sheath, slack included"))
    total = total_of(report.bill, currency)
    assumed = any(line.price.assumed for line in report.bill)
    figures.append(
        (
            "cost",
            amount_text(total.amount_minor, currency),
            range_text(total) + (" (assumed prices)" if assumed else ""),
        )
    )
    return figures


def _strip_text(report: ReportInput) -> list[str]:
    """The straight-line diagram in blocks, its notes taken out: the page has a legend."""
    text = wrapped_strip(report.road, report.layers, columns=104, step_m=_strip_step_m(report.road.length_m))
    diagram = Diagram.parse(text)
    bare = Diagram(diagram.ruler, tuple(replace(row, note="") for row in diagram.rows))
    blocks = bare.wrapped(104).split("\n\n")
    return [re.sub(r" from measure \S+ m$", "", block, count=1, flags=re.MULTILINE) for block in blocks]


def _strip_step_m(length_m: float) -> float:
    return 500.0 if length_m <= 250_000.0 else 1000.0


def _pictures(report: ReportInput, drawn: sheets.Drawn) -> dict[str, Any]:
    promised = {claim.id for claim in report.proof.claims}
    down = "radio.served.any-site-down" in promised
    column = "second_margin_db" if down else "margin_db"
    whole = sheets.overview(drawn)
    charts = ([whole] if whole else []) + sheets.sheets(drawn)
    return {
        "map": Markup(map_picture(report.road, report.layers, column)),
        "map_shows": ("" if "bins" not in report.layers else "the best server down" if down else "the best server"),
        "map_classes": CLASSES,
        "charts": [(chart.caption, Markup(chart.picture)) for chart in charts],
    }


def _tables(report: ReportInput) -> dict[str, Any]:
    road, layers, currency = report.road, report.layers, report.cost.currency
    return {
        "sites": tables.site_rows(road, layers["sites"], currency) if "sites" in layers else [],
        "huts": tables.hut_rows(road, layers["huts"], currency) if "huts" in layers else [],
        "cables": tables.cable_rows(road, layers["cables"]) if "cables" in layers else [],
        "spans": tables.span_rows(layers["spans"]) if "spans" in layers else [],
        "links": tables.link_summary(layers["links"]) if "links" in layers else [],
        "cuts": tables.cut_summary(road, layers["cuts"]) if "cuts" in layers else [],
        "costs": tables.cost_table(report.bill, currency),
        "assumptions": tables.assumption_rows(report.assumptions, report.proof.claims, currency),
        "tunnels": tunnel_rows(road, layers["tunnel_heads"], layers["tunnel_bins"], currency)
        if "tunnel_heads" in layers
        else [],
        "unserved": tables.unserved_rows(road, layers["unserved"]) if "unserved" in layers else None,
        "findings": tables.finding_rows(road, road.findings),
    }


def _radio(report: ReportInput, drawn: sheets.Drawn) -> dict[str, Any]:
    """Link budget, handovers, trips and a sheet per site, each empty where the plan does not have it."""
    layers, settings = report.layers, report.radio
    table = None
    if settings is not None and "bins" in layers:
        table = link_table(settings, deductions_of(report.proof.claims, report.assumptions))
    of_sites = SiteSheets(report.road, layers, drawn.ways, report.cost.currency, settings, report.pattern)
    driven = {name: layers[name] for name in ("handovers", "trips") if name in layers}
    return {
        "link": table.as_text() if table else None,
        "handovers": handover_rows(report.road, driven["handovers"]) if "handovers" in driven else None,
        "trips": trip_rows(driven["trips"]) if "trips" in driven else [],
        "speed": f"{settings.design_speed_kmh:g} km/h" if settings else "the design speed",
        "site_sheets": of_sites.rows(),
    }


def _line(report: ReportInput) -> dict[str, Any]:
    """What a transmission engineer signs, each part empty where the plan does not have it."""
    road, layers = report.road, report.layers
    empty: dict[str, Any] = {"rows": [], "more": 0}
    return {
        "facts": line_tables.line_facts(layers),
        "pictures": [(sheet.caption, Markup(sheet.picture)) for sheet in line_pictures(road, layers)],
        "services": line_tables.service_rows(road, layers["services"]) if "services" in layers else [],
        "rings": line_tables.ring_rows(road, layers["ring_segments"]) if "ring_segments" in layers else [],
        "trees": line_tables.tree_rows(road, layers) if "splitters" in layers else [],
        "light": line_tables.light_rows(road, layers["wavelengths"]) if "wavelengths" in layers else empty,
        "availability": line_tables.availability_rows(road, layers["availability"])
        if "availability" in layers
        else empty,
        "end_to_end": line_tables.end_to_end_rows(report.proof.figures.get("optical", {})),
        "fronthaul": line_tables.fronthaul_rows(layers["fronthaul_ways"]) if "fronthaul_ways" in layers else [],
        "chambers": schedules.chamber_rows(road, layers["chambers"]) if "chambers" in layers else empty,
        "closures": schedules.closure_rows(road, layers["closures"]) if "closures" in layers else empty,
        "fibres": schedules.fibre_rows(layers["fibres"]) if "fibres" in layers else empty,
        "splices": schedules.splice_rows(road, layers["splices"]) if "splices" in layers else empty,
    }


def _provenance(report: ReportInput) -> dict[str, Any]:
    proof = report.proof
    names = [str(source["name"]) for source in proof.inputs]
    missing = [name for source, name in zip(proof.inputs, names, strict=True) if "sha256" not in source]
    if missing:
        raise InputError(f"report: input {missing[0]} has no SHA-256", cure="trassa run again")
    return {
        "inputs": [
            {"name": s["name"], "sha256": s["sha256"], "size": _size_text(s.get("size_bytes"))} for s in proof.inputs
        ],
        "software": sorted(proof.software.items()),
        "settings": proof.settings_sha256,
        "figures": list(_flat(proof.figures)),
        "credits": list(report.credits),
    }


def _size_text(size_bytes: object) -> str:
    return f"{figure_text(math.ceil(float(str(size_bytes)) / 1024))} KiB" if size_bytes is not None else "–"


def _flat(figures: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str, bool]]:
    """``(name, text, is_hash)`` of every figure, nested ones by dotted names."""
    for key, value in figures.items():
        name = f"{path}{key}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{name}.")
        elif isinstance(value, float):
            yield name, f"{value:.6g}", False
        elif value is None:
            yield name, "none", False
        else:
            text = json.dumps(value, ensure_ascii=False) if isinstance(value, (list, tuple)) else str(value)
            yield name, text if len(text) <= 400 else f"{text[:400]} …", re.fullmatch("[0-9a-f]{64}", text) is not None
