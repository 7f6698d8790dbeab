"""What the plan says about itself: figures, assumptions with their size, and notes in sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trassa.linear import Extent, Layer, subtracted
from trassa.optical.as_built.bill import built_part
from trassa.optical.fibre_plan import fibres_with_growth
from trassa.optical.line import Line
from trassa.optical.plant.drops import Connection
from trassa.optical.plant.layout import reel_route_m
from trassa.optical.plant.lengths import Lengths, present_extents
from trassa.optical.repairs import Repairs, repairs_on
from trassa.optical.services.edge import edge_places
from trassa.optical.services.site_availability import availability_figures
from trassa.optical.settings import OpticalSettings
from trassa.optical.survival import intact
from trassa.optical.wdm.transmission import Transmission
from trassa.provenance import Assumption
from trassa.road.model import Road

__all__ = ["assumptions_of", "figures_of", "notes_of"]


def figures_of(
    lines: Sequence[Line],
    layers: Mapping[str, Layer],
    unconnected: Sequence[Connection],
    transmissions: Sequence[Transmission],
    road: Road,
    rules: OpticalSettings,
) -> dict[str, Any]:
    """Totals and worst cases; ``None`` where a figure does not exist (no site, GNPy not installed)."""
    whole = Lengths.total(line.cable_route(i).whole for line in lines for i in range(len(line.cables)))
    outcomes = [intact(line.backbone) for line in lines]
    worst_us = _worst(np.fmax, [outcome.worst_latency_us for outcome in outcomes])
    cuts, losses = layers["cuts"], layers["hut_losses"]
    used, wanted = fibres_with_growth(lines)
    return {
        "trench_route_m": sum(line.trench_route_m for line in lines),
        "cable_route_m": whole.route_m,
        "cable_sheath_m": whole.sheath_m,
        "cable_fibre_m": whole.fibre_m,
        "drop_route_m": sum(drop.lengths.route_m for line in lines for drop in line.drops),
        **{name: len(layers[name]) for name in ("chambers", "closures", "reels", "huts", "spans", "links")},
        "edge": _edge(lines, rules),
        "fibres_in_use": used,
        "fibres_with_growth": wanted,
        "as_built": built_part(lines, rules).as_dict(),
        "huts_with_new_power": int((layers["huts"]["power"] == "new").sum()),
        "huts_and_spans_cost_minor": sum(line.chain.cost_minor for line in lines),
        "cut_intervals": len(cuts),
        "worst_span_margin_db": _least(layers["spans"]["margin_db"]),
        "worst_link_margin_db": _least(layers["links"]["margin_db"]),
        "worst_margin_after_cut_db": _least(cuts["worst_margin_db"]),
        "unconnected": [connection.name for connection in unconnected],
        "stranded_by_nothing": sum(outcome.stranded for outcome in outcomes),
        "stranded_by_worst_cut": int(cuts["stranded"].max(initial=0)),
        "pairs_of_stranded_and_cut": int(cuts["stranded"].sum()),
        "stranded_by_worst_hut": int(losses["stranded"].max(initial=0)),
        "worst_latency_us": worst_us,
        "worst_latency_after_cut_us": _worst(np.fmax, cuts["worst_latency_us"]),
        "worst_latency_after_hut_loss_us": _worst(np.fmax, losses["worst_latency_us"]),
        "latency_promise_us": rules.latency_promise_us,
        "availability": availability_figures(lines, layers["availability"]),
        "transmission": [_transmission(t, line) for t, line in zip(transmissions, lines, strict=True)],
    }


def _edge(lines: Sequence[Line], rules: OpticalSettings) -> dict[str, Any] | None:
    """How many huts need servers at least, and the sites that none reaches in time; None where none is promised."""
    if rules.edge_round_trip_us is None:
        return None
    places = [edge_places(line, rules.edge_round_trip_us) for line in lines]
    return {"least": sum(place.least for place in places), "unmet": [name for place in places for name in place.unmet]}


def _worst(better: np.ufunc, values: Any) -> float | None:
    value = float(better.reduce(np.asarray(values, dtype=np.float64), initial=math.nan))
    return value if math.isfinite(value) else None


def _least(values: Any) -> float | None:
    return _worst(np.fmin, values)


def _transmission(found: Transmission, line: Line) -> dict[str, Any]:
    ends: dict[str, Any] = {"from": line.hut_names[0], "to": line.hut_names[-1], "checked": found.checked}
    ends |= {} if found.checked else {"reason": found.reason}
    needed_db = line.rules.needed_gsnr_db + line.rules.gsnr_margin_db
    worst = found.weakest
    slowest = min(found.paths, key=lambda result: result.mode.mode.rate_gbps if result.mode else 0)
    return {
        **ends,
        "gsnr_db": found.gsnr_db,
        "least_gsnr_db": found.least_gsnr_db,
        "osnr_db": found.osnr_db,
        "closed_osnr_db": found.closed_osnr_db,
        "margin_db": found.least_gsnr_db - worst.taken_db - needed_db,
        "latency_us": found.latency_us,
        "amplifiers": found.amplifiers,
        "paths": len(found.paths),
        "worst_path": f"{line.hut_names[worst.path.source]}→{line.hut_names[worst.path.target]}",
        "worst_path_gsnr_db": float(worst.channels.gsnr_db.min()),
        "mode_on_every_path": slowest.mode.mode.name if slowest.mode else None,
    }


def assumptions_of(lines: Sequence[Line], road: Road, rules: OpticalSettings) -> tuple[Assumption, ...]:
    """What the line takes for granted, with its size and whether the margins bear it already."""
    huts = [hut for line in lines for hut in line.chain.huts]
    presences = sum(line.presence_before + line.presence_after for line in lines)
    helix = (rules.helix_ratio / rules.helix_ratio_low - 1.0) * 100.0
    mended = _repairs(lines, rules)
    repairs = (
        f"{mended.most} repairs on the longest span in {rules.service_life_years:g} years take {mended.loss_db:.2f}"
    )
    rows = [
        (
            "attenuation_1550",
            rules.attenuation_1550_db_per_km,
            "dB/km",
            True,
            "cabled G.652 at 1550 nm, planning value",
        ),
        ("attenuation_1310", rules.attenuation_1310_db_per_km, "dB/km", True, "cabled G.652 at 1310 nm, data sheets"),
        ("splice_loss", rules.splice_loss_db, "dB", True, "two-way mean of real spans: 0.04 dB median"),
        ("repair_margin", rules.repair_margin_db, "dB", True, f"ageing and repairs, per span or link; {repairs} dB"),
        (
            "first_day_loss",
            rules.first_day_ratio,
            "of planned",
            True,
            "0.184 dB/km measured on long-haul cable, plan 0.22",
        ),
        ("helix_ratio", helix, "%", True, f"loss with ratio {rules.helix_ratio_low} instead of {rules.helix_ratio}"),
        ("slack", rules.slack_ratio * 100.0, "%", True, "buried cable; loops at closures and ends come on top"),
        ("hut_latency", rules.hut_latency_us, "us", True, "switching in each hut passed, point of presence included"),
        ("points_of_presence", float(presences), "huts", False, "the road's ends are taken to be points of presence"),
        (
            "power_at_places",
            float(sum(hut.power == "place" for hut in huts)),
            "huts",
            False,
            "mains taken from the map",
        ),
        ("single_drop", float(sum(len(line.drops) for line in lines)), "sites", False, "a cut drop is its site down"),
    ]
    if any(line.trees for line in lines):
        rows += _of_trees(lines, rules)
    if not road.has_heights:
        rows.append(("no_gradients", 0.18, "%", False, "route in plan; at 6 % gradient it is 0.18 % longer"))
    return tuple(Assumption(f"optical.{name}", size, unit, taken, source) for name, size, unit, taken, source in rows)


def _of_trees(lines: Sequence[Line], rules: OpticalSettings) -> list[tuple[str, float, str, bool, str]]:
    """What passive trees take for granted besides."""
    places = sum(len(tree.branches) for line in lines for _, tree in line.trees)
    more_db, payload = rules.trees.second_input_loss_db, rules.trees.payload_ratio
    return [
        ("second_input", more_db, "dB", True, "what a splitter with two inputs loses more than one with one"),
        ("tree_payload", payload, "of line rate", True, "framing and error correction of a passive optical network"),
        ("tree_latency", rules.trees.latency_us, "us", True, "OLT and ONU, waiting for a grant included"),
        ("single_branch", float(places), "sites", False, "a cut between splitter and place is its site down"),
    ]


def _repairs(lines: Sequence[Line], rules: OpticalSettings) -> Repairs:
    """Those of the longest span; no link is longer."""
    return repairs_on(
        max(plant.cable.whole.route_m for line in lines for s in line.chain.spans for plant in s.plants), rules
    )


def notes_of(
    lines: Sequence[Line],
    unbuilt: Sequence[Extent],
    unconnected: Sequence[Connection],
    transmissions: Sequence[Transmission],
    road: Road,
    rules: OpticalSettings,
) -> tuple[str, ...]:
    """What a reader must know, one sentence each."""
    notes = [
        f"optical: no cable on {road.span_text(extent.start_m, extent.end_m)} "
        f"({extent.length_m:.0f} m): the road has a hole there or is too short between two"
        for extent in unbuilt
    ]
    notes += _one_sided_notes(lines, road)
    notes += [_presence_note(line, road) for line in lines if not (line.presence_before and line.presence_after)]
    notes += [
        f"optical: {c.name} at {road.text(c.measure_m)} is not connected, no cable passes there" for c in unconnected
    ]
    notes += _long_structures(lines, road, rules)
    used, wanted = fibres_with_growth(lines)
    if wanted > rules.fibres:
        notes.append(
            f"optical: {used} of {rules.fibres} fibres are in use; {rules.growth_ratio:.0%} of growth asks for "
            f"optical.fibres = {12 * math.ceil(wanted / 12)}"
        )
    mended = _repairs(lines, rules)
    if mended.loss_db > rules.repair_margin_db:
        notes.append(
            f"optical: {mended.most} repairs of the longest span in {rules.service_life_years:g} years are expected, "
            f"{mended.loss_db:.1f} dB of splices, more than repair_margin_db = {rules.repair_margin_db:g}"
        )
    if rules.cables == 2:
        notes.append(_second_cable_note(rules))
    for line, found in zip(lines, transmissions, strict=True):
        ends = f"{line.hut_names[0]}–{line.hut_names[-1]}"
        needed_db = rules.needed_gsnr_db + rules.gsnr_margin_db
        if not found.checked:
            notes.append(f"optical: wavelengths {ends} {found.reason}; they are judged by closed form")
        if (least_db := float(found.weakest.channels.gsnr_db.min()) - found.weakest.taken_db) < needed_db:
            path = found.weakest.path
            way = f"{line.hut_names[path.source]}→{line.hut_names[path.target]}"
            notes.append(f"optical: wavelengths {way} arrive with {least_db:.1f} dB, need {needed_db:.1f} dB")
    return tuple(notes)


def _one_sided_notes(lines: Sequence[Line], road: Road) -> list[str]:
    sides = {
        n: s.cable.verge.carriageway
        for line in lines
        for n, s in zip(line.cables, line.chain.spans[0].plants, strict=True)
    }
    notes: list[str] = []
    for cable, side in sides.items():
        line = next(line for line in lines if cable in line.cables)
        missing = subtracted([line.extent], present_extents(road, side))
        notes += [
            f"optical: the {side} carriageway is missing on {road.span_text(gap.start_m, gap.end_m)}: "
            f"{cable} follows the other one there"
            for gap in missing
        ]
    return notes


def _presence_note(line: Line, road: Road) -> str:
    place = road.span_text(line.extent.start_m, line.extent.end_m)
    if not (line.presence_before or line.presence_after):
        return (
            f"optical: {place} lies between two holes and reaches no point of presence: "
            f"its sites ({len(line.drops)}) are stranded until a leased line ends at {line.hut_names[0]}"
        )
    far = line.hut_names[-1] if line.presence_before else line.hut_names[0]
    if len(line.own_trenches) > 1:
        return (
            f"optical: {place} reaches a point of presence at one end only: losing it, or a hut on the way, strands "
            f"the sites behind it, of {len(line.drops)} in all; a leased line at {far} would cure it"
        )
    return (
        f"optical: {place} reaches a point of presence at one end only, so every cut strands the sites beyond it, "
        f"of {len(line.drops)} in all; a leased line at {far} would cure it"
    )


def _long_structures(lines: Sequence[Line], road: Road, rules: OpticalSettings) -> list[str]:
    notes: list[str] = []
    for carriageway in dict.fromkeys(p.cable.verge.carriageway for line in lines for p in line.chain.spans[0].plants):
        for kind in ("bridge", "tunnel"):
            for extent in road.structure_extents(kind, carriageway):
                place = road.span_text(extent.start_m, extent.end_m)
                if extent.length_m > reel_route_m(rules):
                    notes.append(f"optical: the {kind} {place} is longer than a reel: chambers stand in niches inside")
                elif extent.length_m > rules.chamber_limit_m:
                    notes.append(
                        f"optical: the {kind} {place} holds no chamber, the cable is pulled {extent.length_m:.0f} m "
                        f"in one (limit {rules.chamber_limit_m:.0f} m)"
                    )
    return list(dict.fromkeys(notes))


def _second_cable_note(rules: OpticalSettings) -> str:
    if rules.second_cable == "same_trench":
        return "optical: both cables lie in one trench and fall together: the second one adds fibres, no protection"
    return (
        "optical: the second cable lies in its own trench across the road: a cut of either leaves the backbone whole; "
        "sites hang on the first cable, and both cables still meet in every hut"
    )
