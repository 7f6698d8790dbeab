"""The layers of the optical stage, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from trassa.linear import Layer
from trassa.optical.access.latency import fibre_latency_us
from trassa.optical.access.links import Link
from trassa.optical.as_built.tables import as_built_rows, built_place, named, origin, reel_origin
from trassa.optical.drop_cables import drop_cable_rows, drop_cables_of, drop_fibre_rows
from trassa.optical.ducts import crossing_rows, duct_rows, hut_entry_rows
from trassa.optical.fibre_plan import fibre_rows, patch_rows, splice_rows
from trassa.optical.layers import SCHEMAS
from trassa.optical.light_quantities import equipment_rows
from trassa.optical.light_tables import light_columns, service_way_rows
from trassa.optical.line import Line
from trassa.optical.services.aggregation import aggregation_rows, load_rows
from trassa.optical.services.service_tables import edge_rows, ring_rows
from trassa.optical.services.tree_tables import splitter_rows, tree_link_rows
from trassa.optical.survival import Outcome, cuts_of, hut_losses_of, intact, joined
from trassa.road.model import Road
from trassa.road.verge import beside

__all__ = ["layers_of"]

Row = dict[str, int | float | str | bool]


def layers_of(lines: Sequence[Line], road: Road) -> dict[str, Layer]:
    """All layers of the stage by name."""
    chambers = named("chamber", "CH", [row for line in lines for row in _chambers(line)], lines)
    closures = [row for line in lines for row in _closures(line)]
    chamber_at = {
        (cable, row["measure_m"]): row["chamber"] for row in chambers for cable in str(row["cable"]).split(",")
    }
    for row in closures:
        row["chamber"] = chamber_at[str(row["cable"]), row["measure_m"]]
    tables: dict[str, list[Row]] = {
        "cables": [row for line in lines for row in _cables(line)],
        "chambers": chambers,
        "as_built": as_built_rows(lines),
        "closures": named("closure", "CL", closures, lines),
        "reels": named("reel", "R", [row for line in lines for row in _reels(line)], lines),
        "huts": [row for line in lines for row in _huts(line, road)],
        "spans": [row for line in lines for row in _spans(line)],
        "links": [row for line in lines for row in _links(line)],
        "cuts": [row for line in lines for row in _cuts(line, _elsewhere(line, lines))],
        "hut_losses": [row for line in lines for row in _hut_losses(line, _elsewhere(line, lines))],
        "ring_segments": ring_rows(lines),
        "service_ways": service_way_rows(lines),
        "backbone_equipment": equipment_rows(lines),
        "edge_places": edge_rows(lines),
        "ducts": duct_rows(lines),
        "hut_entries": hut_entry_rows(lines),
        "crossings": crossing_rows(lines),
        "aggregation": aggregation_rows(lines),
        "backbone_load": load_rows(lines),
    }
    closure_at = {(str(row["cable"]), float(row["measure_m"])): str(row["closure"]) for row in tables["closures"]}
    drops = drop_cables_of(lines)
    hut_at = {
        (cable, hut.measure_m): name
        for line in lines
        for cable in line.cables
        for name, hut in zip(line.hut_names, line.chain.huts, strict=True)
    }
    schedules: dict[str, list[Row]] = {
        "fibres": fibre_rows(lines),
        "splices": splice_rows(lines, closure_at),
        "patches": patch_rows(lines),
        "drop_cables": drop_cable_rows(drops, {**hut_at, **closure_at}),
        "drop_fibres": drop_fibre_rows(drops, lines[0].rules),
    }
    if any(line.trees for line in lines):
        schedules["splitters"] = splitter_rows(lines, {**hut_at, **closure_at})
        schedules["tree_links"] = tree_link_rows(lines)
    return {name: Layer.from_rows(SCHEMAS[name], rows) for name, rows in {**tables, **schedules}.items()}


def _cables(line: Line) -> list[Row]:
    rows: list[Row] = []
    for index, name in enumerate(line.cables):
        cable = line.cable_route(index)
        whole = cable.whole
        rows.append(
            {
                "cable": name,
                "start_m": cable.start_m,
                "end_m": cable.end_m,
                "carriageway": cable.verge.carriageway,
                "route_m": whole.route_m,
                "sheath_m": whole.sheath_m,
                "fibre_m": whole.fibre_m,
                "fibres": line.rules.fibres,
            }
        )
    return rows


def _chambers(line: Line) -> list[Row]:
    rows: list[Row] = []
    huts = {hut.measure_m for hut in line.chain.huts}
    for index in line.own_trenches:
        inside = [i for i, trench in enumerate(line.trenches) if trench == line.trenches[index]]
        plants = [span.plants[i] for span in line.chain.spans for i in inside]
        taps = {m for plant in plants for m in plant.taps_m}
        closures = {m for plant in plants for m in plant.closures_m}
        carriageway = plants[0].cable.verge.carriageway
        cables = ",".join(line.cables[i] for i in inside)
        for measure in line.chambers_m(index):
            kinds = (("hut", huts), ("site", taps), ("closure", closures))
            purpose = next((kind for kind, places in kinds if measure in places), "pull")
            built = built_place(line, inside, measure)
            listed: Row = {"chamber": built.chamber if built else "", "origin": origin(built=built is not None)}
            place: Row = {"measure_m": measure, "carriageway": carriageway}
            rows.append({"cable": cables, **place, "purpose": purpose, **listed})
    return rows


def _closures(line: Line) -> list[Row]:
    rows: list[Row] = []
    for index, name in enumerate(line.cables):
        cable = line.cable_route(index)
        for span in line.chain.spans:
            joints, taps = set(span.plants[index].joints_m), set(span.plants[index].taps_m)
            for measure in span.plants[index].closures_m:
                kinds = [kind for kind, places in (("joint", joints), ("tap", taps)) if measure in places]
                at = cable.at(measure)
                lengths = {"route_m": at.route_m, "sheath_m": at.sheath_m, "fibre_m": at.fibre_m}
                place: Row = {"measure_m": measure, "carriageway": cable.verge.carriageway}
                built = built_place(line, (index,), measure)
                closure = built.closure if built else ""
                listed: Row = {"closure": closure, "origin": origin(built=bool(closure))}
                rows.append({"cable": name, **place, "kind": " and ".join(kinds), **lengths, **listed})
    return rows


def _reels(line: Line) -> list[Row]:
    return [
        {
            "cable": name,
            "start_m": start,
            "end_m": end,
            "sheath_m": float(sheath_m),
            "origin": reel_origin(line, index, start, end),
        }
        for index, name in enumerate(line.cables)
        for span in line.chain.spans
        for (start, end), sheath_m in zip(
            pairwise(span.plants[index].reel_ends_m), span.plants[index].reel_sheath_m(), strict=True
        )
    ]


def _huts(line: Line, road: Road) -> list[Row]:
    carriageway = line.chain.spans[0].plants[0].cable.verge.carriageway
    alignment = beside(road, line.rules.verge_offset_m + line.rules.hut_entry_m).alignments[carriageway]
    rows: list[Row] = []
    for name, hut in zip(line.hut_names, line.chain.huts, strict=True):
        at = hut.measure_m
        rows.append(
            {
                "hut": name,
                "name": hut.name,
                "measure_m": at,
                "km": float(road.calibration.km(at)),
                "carriageway": carriageway,
                "role": hut.role,
                "power": hut.power,
                "latitude_deg": float(np.interp(at, alignment.measure_m, alignment.latitude_deg)),
                "longitude_deg": float(np.interp(at, alignment.measure_m, alignment.longitude_deg)),
                "cost_minor": hut.cost_minor,
                "origin": origin(built=hut.measure_m in line.as_built.huts_m),
            }
        )
    return rows


def _spans(line: Line) -> list[Row]:
    limit_db = line.rules.span_loss_limit_db
    rows: list[Row] = []
    for (before, after), span in zip(pairwise(line.hut_names), line.chain.spans, strict=True):
        for cable, plant, loss_db in zip(line.cables, span.plants, span.losses_db, strict=True):
            whole = plant.cable.whole
            rows.append(
                {
                    "span": f"{before}–{after}",
                    "start_m": plant.cable.start_m,
                    "end_m": plant.cable.end_m,
                    "cable": cable,
                    "route_m": whole.route_m,
                    "fibre_m": whole.fibre_m,
                    "loss_db": loss_db,
                    "limit_db": limit_db,
                    "margin_db": limit_db - loss_db,
                }
            )
    return rows


def _links(line: Line) -> list[Row]:
    rows: list[Row] = []
    for index, span in enumerate(line.chain.spans):
        for side in (0, 1):
            hut = line.hut_names[index + side]
            rows += [_link(link, hut, line) for link in span.optics.links(side)]
    return sorted(rows, key=lambda row: (row["measure_m"], row["site"], row["hut"]))


def _link(link: Link, hut: str, line: Line) -> Row:
    site = link.drop.connection.name
    return {
        "link": f"{site}–{hut}",
        "site": site,
        "hut": hut,
        "measure_m": link.drop.tap_m,
        "cable": line.cables[0],
        "drop_m": link.drop.lengths.route_m,
        "route_m": link.lengths.route_m,
        "fibre_m": link.lengths.fibre_m,
        "first_day_loss_db": link.budget.first_day_loss_db,
        "typical_loss_db": link.budget.typical_loss_db,
        "loss_db": link.budget.loss_db,
        "attenuator_db": link.budget.attenuator_db,
        "optics": link.optics.name,
        "budget_db": link.optics.budget_db,
        "margin_db": link.budget.margin_db,
        "latency_us": float(fibre_latency_us(link.lengths.fibre_m, line.rules)),
    }


def _outcome(outcome: Outcome) -> Row:
    return {
        "detoured": outcome.detoured,
        "stranded": outcome.stranded,
        "worst_latency_us": outcome.worst_latency_us,
        "worst_margin_db": outcome.worst_margin_db,
        **light_columns(outcome.light),
    }


def _elsewhere(line: Line, lines: Sequence[Line]) -> Outcome:
    """How the connections of the other lines fare, which a cut of this one does not touch."""
    return joined([intact(other.backbone) for other in lines if other is not line])


def _cuts(line: Line, elsewhere: Outcome) -> list[Row]:
    return [
        {
            "start_m": cut.start_m,
            "end_m": cut.end_m,
            "trench": cut.trench,
            "cables": ",".join(cut.cables),
            **_outcome(joined((cut.outcome, elsewhere))),
        }
        for cut in cuts_of(line.backbone)
    ]


def _hut_losses(line: Line, elsewhere: Outcome) -> list[Row]:
    return [
        {
            "hut": line.hut_names[loss.hut],
            "measure_m": line.chain.huts[loss.hut].measure_m,
            **_outcome(joined((loss.outcome, elsewhere))),
        }
        for loss in hut_losses_of(line.backbone)
    ]
