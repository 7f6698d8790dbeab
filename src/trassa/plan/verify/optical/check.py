"""The optical claims computed again: links, spans, every cut, every hut, latency."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from trassa.linear import Layer
from trassa.optical.service_settings import RADIO_SITE
from trassa.plan.claim import Claim
from trassa.plan.verify.estimate import estimate_reasons, verdict
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.optical.aggregation import check_aggregation
from trassa.plan.verify.optical.as_built import check_as_built
from trassa.plan.verify.optical.availability import check_availability
from trassa.plan.verify.optical.budgets import check_budgets
from trassa.plan.verify.optical.cable import Plant, check_lengths, plant_of
from trassa.plan.verify.optical.connected import check_connections, check_rings, check_services
from trassa.plan.verify.optical.cuts import cut_of
from trassa.plan.verify.optical.drops import check_drops
from trassa.plan.verify.optical.ducts import check_ducts
from trassa.plan.verify.optical.edge import check_edge
from trassa.plan.verify.optical.fibre_rows import check_fibres
from trassa.plan.verify.optical.fronthaul import check_fronthaul
from trassa.plan.verify.optical.huts import check_huts, check_places
from trassa.plan.verify.optical.light import check_light, lit
from trassa.plan.verify.optical.light_equipment import check_equipment
from trassa.plan.verify.optical.line import Network, Outcome, network_of
from trassa.plan.verify.optical.line_told import check_line_told
from trassa.plan.verify.optical.link_rows import check_link_rows
from trassa.plan.verify.optical.plant_rows import check_plant
from trassa.plan.verify.optical.trees import check_trees
from trassa.plan.verify.optical.wavelengths import check_wavelengths
from trassa.plan.verify.verdict import Row, judged
from trassa.provenance import Progress, no_progress

__all__ = ["check_optical"]

_TOLERANCE_DB = 0.02
_TOLERANCE_US = 0.5
_AT_M = 1e-3


def check_optical(evidence: Evidence, progress: Progress = no_progress) -> list[Row]:
    """All rows about the line in the verge; none where the proof claims nothing of it."""
    if not any(claim.id.startswith("optical.") for claim in evidence.proof.claims):
        return []
    plant = plant_of(evidence)
    network = lit(evidence, network_of(evidence.layers, plant, evidence.settings.optical))
    rows = [*check_lengths(evidence, plant), check_plant(evidence, plant), *check_as_built(evidence, plant)]
    rows += _each(
        {
            "huts": lambda: [check_huts(evidence, plant)],
            "places": lambda: [check_places(evidence, plant, network)],
            "tables": lambda: [check_link_rows(evidence, plant, network)],
            "fibres": lambda: [check_fibres(evidence, plant, network)],
            "ducts": lambda: [check_ducts(evidence, plant)],
            "told": lambda: [check_line_told(evidence, plant, network)],
            "connections": lambda: [check_connections(evidence, plant)],
            "drops": lambda: [check_drops(evidence, plant)],
            "links": lambda: [_links_row(evidence, network)],
            "spans": lambda: [_spans_row(evidence, network)],
            "rings": lambda: check_rings(evidence, network),
            "trees": lambda: check_trees(evidence, plant, network.trees, network.huts),
            "wavelengths": lambda: check_wavelengths(evidence, network),
            "light": lambda: [check_light(evidence, network)],
            "equipment": lambda: [check_equipment(evidence)],
            "availability": lambda: [check_availability(evidence, network, plant)],
            "cuts": lambda: _cut_rows(evidence, plant, network, progress),
            "any-hut": lambda: [_huts_row(evidence, network)],
            "budgets": lambda: [check_budgets(evidence, network)],
            "capacity": lambda: check_aggregation(evidence, network),
            "edge": lambda: check_edge(evidence, network),
            "services": lambda: check_services(evidence, network),
            "fronthaul": lambda: check_fronthaul(evidence, plant),
        }
    )
    return rows


def _each(checks: Mapping[str, Callable[[], list[Row]]]) -> list[Row]:
    """The rows of all checks; one that cannot be made takes no other with it."""
    return [row for name, check in checks.items() for row in judged(f"optical.{name}", check)]


def _cut_rows(evidence: Evidence, plant: Plant, network: Network, progress: Progress) -> list[Row]:
    outcomes = _cut_outcomes(evidence, network, progress)
    # What a cut parts from its splitter is given up; whoever else is stranded is not.
    parted = [network.parted(cut_of(row)) for row in evidence.layers["cuts"].rows()]
    stranded = [sorted({*one.stranded} - gone) for one, gone in zip(outcomes, parted, strict=True)]
    latency = _latency_row(evidence, outcomes, stranded)
    return [_cuts_row(evidence, plant), _any_cut_row(evidence, outcomes, stranded), *([latency] if latency else [])]


def _claim(evidence: Evidence, claim_id: str) -> Claim | None:
    return next((claim for claim in evidence.proof.claims if claim.id == claim_id), None)


def _links_row(evidence: Evidence, network: Network) -> Row:
    table = evidence.layers["links"]
    wrong = [
        *_off(table["link"], "fibre", "m", table["fibre_m"], [link.fibre_m for link in network.links], 0.5),
        *_off(table["link"], "loss", "dB", table["loss_db"], [k.loss_db for k in network.links], _TOLERANCE_DB),
        *_off(table["link"], "margin", "dB", table["margin_db"], [k.margin_db for k in network.links], _TOLERANCE_DB),
    ]
    margins = [link.margin_db for link in network.links]
    names = table["link"].tolist()
    return _budget_row(evidence, "optical.links", names, table["measure_m"].tolist(), margins, wrong)


def _spans_row(evidence: Evidence, network: Network) -> Row:
    table = evidence.layers["spans"]
    wrong = [
        *_off(table["span"], "fibre", "m", table["fibre_m"], [span.fibre_m for span in network.spans], 0.5),
        *_off(table["span"], "loss", "dB", table["loss_db"], [s.loss_db for s in network.spans], _TOLERANCE_DB),
        *_off(table["span"], "margin", "dB", table["margin_db"], [s.margin_db for s in network.spans], _TOLERANCE_DB),
    ]
    margins = [span.margin_db for span in network.spans]
    names = table["span"].tolist()
    return _budget_row(evidence, "optical.spans", names, table["start_m"].tolist(), margins, wrong)


def _off(
    names: Iterable[str], what: str, unit: str, stated: Iterable[float], found: Iterable[float], bound: float
) -> list[str]:
    return [
        f"{what} of {name} stated {a:.2f} {unit}, found {b:.2f} {unit}"
        for name, a, b in zip(names, stated, found, strict=True)
        if not abs(a - b) <= bound
    ]


def _budget_row(
    evidence: Evidence, claim_id: str, names: list[str], at_m: list[float], margins: list[float], wrong: list[str]
) -> Row:
    claim = _claim(evidence, claim_id)
    if claim is None:
        return Row(claim_id, "", None, "dB", False, None, "not claimed")
    unconnected = _unconnected(evidence, "own fibres") if claim_id == "optical.links" else []
    holds = verdict(any(not margin >= 0.0 for margin in margins) or bool(unconnected), estimate_reasons(evidence))
    worst = int(np.argmin(margins)) if margins else -1
    margin = margins[worst] if margins else None
    place = f"{names[worst]} at {evidence.place(at_m[worst])}" if margins else ""
    if claim.holds != holds:
        wrong.insert(0, f"the proof says {claim.holds}")
    if margin is not None and (claim.worst.margin is None or not abs(claim.worst.margin - margin) <= _TOLERANCE_DB):
        wrong.insert(0, f"worst margin stated {claim.worst.margin}, found {margin:.2f} dB")
    told = f"{len(margins)} budgets at the end of life" + _named(unconnected)
    said = "; ".join(wrong[:3]) or told
    return Row(claim_id, place, margin, "dB", not wrong, holds, said)


def _unconnected(evidence: Evidence, access: str = "") -> list[str]:
    """Connections that hang on no part of the cable, all or those of the classes with one kind of access."""
    kinds = {service.name: service.access for service in evidence.settings.optical.services}
    rows = evidence.layers["connections"].where(access="").rows()
    lost = [str(row["connection"]) for row in rows if not access or kinds.get(str(row["service"])) == access]
    linked = set(evidence.layers["links"]["site"].tolist())
    sites = [str(site) for site in evidence.layers["sites"]["site"] if site not in linked]
    if kinds.get(RADIO_SITE) != "own fibres":
        sites = []
    return list(dict.fromkeys([*lost, *sites]))


def _named(unconnected: list[str]) -> str:
    return f"; not connected: {', '.join(unconnected[:5])}" if unconnected else ""


def _cut_outcomes(evidence: Evidence, network: Network, progress: Progress) -> list[Outcome]:
    """Every stored cut interval removed by itself."""
    found, cuts = [], evidence.layers["cuts"]
    for number, row in enumerate(cuts.rows()):
        found.append(network.outcome(cut_of(row)))
        progress((number + 1) / len(cuts))
    return found


def _cuts_row(evidence: Evidence, plant: Plant) -> Row:
    """Each point of each cable lies in exactly one interval, and cables of one trench fall together."""
    wrong, cuts = [], evidence.layers["cuts"]
    for cable in plant.cables:
        mine = [cable.name in {name.strip() for name in str(text).split(",")} for text in cuts["cables"]]
        inside = cuts.take(np.array(mine, dtype=bool)) if len(cuts) else cuts
        order = np.argsort(inside["start_m"], kind="stable")
        starts, ends = inside["start_m"][order].tolist(), inside["end_m"][order].tolist()
        due, gaps = [cable.start_m, *ends], [*starts, cable.end_m]
        for before, after in zip(due, gaps, strict=True):
            if not abs(before - after) <= _AT_M:
                fault = "in no interval" if after > before else "in two intervals"
                wrong.append(
                    f"{cable.name}: {abs(after - before):.1f} m at {evidence.place(min(before, after))} {fault}"
                )
        alike = [other.name for other in plant.cables if other.start_m == cable.start_m and other is not cable]
        same = {n for n in alike if plant.at(n, cable.start_m) and _side(plant, n, cable.start_m) == cable.carriageway}
        if any(not same <= {name.strip() for name in str(text).split(",")} for text in inside["cables"]):
            wrong.append(f"{cable.name}: another cable on its side of the road does not fall with it")
    said = "; ".join(wrong[:3]) or f"{len(cuts)} intervals part each cable exactly"
    return Row("optical.cuts", "", None, "", not wrong, None, said)


def _side(plant: Plant, name: str, measure_m: float) -> str:
    cable = plant.at(name, measure_m)
    return cable.carriageway if cable else ""


def _any_cut_row(evidence: Evidence, outcomes: list[Outcome], beside: list[list[str]]) -> Row:
    claim_id, cuts = "optical.any-cut", evidence.layers["cuts"]
    claim = _claim(evidence, claim_id)
    if claim is None:
        return Row(claim_id, "", None, "", False, None, "not claimed")
    wrong = _outcomes_off(cuts, outcomes, lambda row: evidence.place(float(row["start_m"])))
    stranded, unconnected = [len(names) for names in beside], _unconnected(evidence)
    beyond = any(outcome.worst_margin_db < 0.0 for outcome in outcomes)
    lost = not outcomes or max(stranded) > 0 or bool(unconnected) or beyond
    holds = verdict(lost, estimate_reasons(evidence))
    if claim.holds != holds:
        wrong.insert(0, f"the proof says {claim.holds}")
    if not outcomes:
        return Row(claim_id, "", None, "", not wrong, holds, "; ".join(["no cable", *wrong]))
    margins = [outcome.worst_margin_db for outcome in outcomes]
    if max(stranded):
        row = int(np.argmax(stranded))
        names = ", ".join(beside[row][:5])
        told, margin, unit = f"a cut strands {names}", -float(stranded[row]), "sites"
    else:
        row = int(np.nanargmin(margins)) if np.isfinite(margins).any() else 0
        told, margin, unit = f"{len(outcomes)} cuts, no site stranded", margins[row], "dB"
    stated = claim.worst.margin
    if (stated is None) != bool(np.isnan(margin)) or (stated is not None and not abs(stated - margin) <= _TOLERANCE_DB):
        wrong.append(f"worst margin stated {stated}, found {margin:.2f} {unit}")
    place = f"{evidence.place(float(cuts['start_m'][row]))}–{evidence.calibration.label(float(cuts['end_m'][row]))}"
    return Row(claim_id, place, margin, unit, not wrong, holds, "; ".join([*wrong[:3], told + _named(unconnected)]))


def _outcomes_off(
    table: Layer, outcomes: list[Outcome], place: Callable[[dict[str, int | float | str | bool]], str]
) -> list[str]:
    wrong = []
    for row, outcome in zip(table.rows(), outcomes, strict=True):
        if row["stranded"] != len(outcome.stranded) or row["detoured"] != outcome.detoured:
            wrong.append(
                f"at {place(row)} {row['detoured']} detoured and {row['stranded']} stranded stated, "
                f"found {outcome.detoured} and {len(outcome.stranded)}"
            )
        elif _differs(float(row["worst_latency_us"]), outcome.worst_latency_us, _TOLERANCE_US):
            wrong.append(
                f"at {place(row)} {row['worst_latency_us']:.1f} µs stated, found {outcome.worst_latency_us:.1f}"
            )
        elif _differs(float(row["worst_margin_db"]), outcome.worst_margin_db, _TOLERANCE_DB):
            wrong.append(f"at {place(row)} {row['worst_margin_db']:.2f} dB stated, found {outcome.worst_margin_db:.2f}")
    return wrong


def _differs(stated: float, found: float, bound: float) -> bool:
    if np.isnan(stated) or np.isnan(found):
        return bool(np.isnan(stated) != np.isnan(found))
    return abs(stated - found) > bound


def _huts_row(evidence: Evidence, network: Network) -> Row:
    """Every hut taken away once: what it strands is told, the promise speaks of cuts."""
    table = evidence.layers["hut_losses"]
    outcomes = [network.outcome(hut_down=str(hut)) for hut in table["hut"]]
    wrong = _outcomes_off(table, outcomes, lambda row: str(row["hut"]))
    missing = sorted(set(network.huts) - set(table["hut"].tolist()))
    wrong += [f"{hut} is never taken away" for hut in missing]
    stranding = [
        f"{hut} strands {len(o.stranded)}" for hut, o in zip(table["hut"], outcomes, strict=True) if o.stranded
    ]
    told = f"{len(outcomes)} huts taken away, " + (", ".join(stranding[:3]) or "no site stranded")
    return Row("optical.any-hut", "", None, "", not wrong, None, "; ".join([*wrong[:3], told]))


def _latency_row(evidence: Evidence, outcomes: list[Outcome], stranded: list[list[str]]) -> Row | None:
    """The longest delay after any cut, with the most fibre the sheath may hold; a stranded site keeps no promise."""
    rules = evidence.settings.optical
    promise_us, claim = rules.latency_promise_us, _claim(evidence, "optical.latency")
    if claim is None or promise_us is None:
        return None
    longest = rules.helix_ratio / rules.helix_ratio_low
    latencies = [outcome.worst_latency_us * longest for outcome in outcomes]
    known = [row for row, latency in enumerate(latencies) if np.isfinite(latency)]
    late = any(latencies[row] > promise_us for row in known)
    holds = verdict(late or any(stranded), estimate_reasons(evidence))
    wrong = [f"the proof says {claim.holds}"] if claim.holds != holds else []
    if not known:
        wrong += ["a margin is stated where no site is served"] if claim.worst.margin is not None else []
        return Row("optical.latency", "", None, "µs", not wrong, holds, "; ".join([*wrong, "no site"]))
    row = max(known, key=lambda row: latencies[row])
    margin = promise_us - latencies[row]
    if claim.worst.margin is None or not abs(claim.worst.margin - margin) <= _TOLERANCE_US:
        wrong.append(f"margin stated {claim.worst.margin}, found {margin:.1f} µs")
    place = evidence.place(float(evidence.layers["cuts"]["start_m"][row]))
    said = "; ".join(wrong) or f"worst {latencies[row]:.1f} µs of {promise_us:g} µs"
    return Row("optical.latency", place, margin, "µs", not wrong, holds, said)
