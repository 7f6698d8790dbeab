"""Forged identities, neighbours, servers, trips and words: each is named by the check that is due.

One planned valley serves all. The forger has signed whatever was changed; the checks are asked directly.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from forging import claim_in
from trassa.linear import Layer
from trassa.plan.proof import Proof, seal_of
from trassa.plan.verify import Row, verify
from trassa.plan.verify.evidence import Evidence, read_evidence
from trassa.plan.verify.radio.ahead import check_ahead
from trassa.plan.verify.radio.antennas import antennas_of
from trassa.plan.verify.radio.bins import due_bins
from trassa.plan.verify.radio.cell_levels import CellLevels, cell_levels
from trassa.plan.verify.radio.drives import check_handovers
from trassa.plan.verify.radio.identities import check_identities
from trassa.plan.verify.radio.joint_bins import check_joint_bins
from trassa.plan.verify.radio.overlap import check_overlap
from trassa.plan.verify.radio.paths import Links, Surroundings, losses_db
from trassa.plan.verify.radio.rate import RateAgain, RateDraws
from trassa.plan.verify.radio.served import ServedAgain, check_served
from trassa.plan.verify.radio.service import deductions_of, service_on
from trassa.plan.verify.radio.site_views import check_profiles
from trassa.plan.verify.radio.surroundings import surroundings_of
from trassa.plan.verify.radio.told import check_told
from trassa.plan.verify.radio.trip_rows import check_trip_rows
from trassa.plan.verify.radio.trips import check_trips
from valley import planned_valley

RADIO = """
profile = "eu-5g-corridor"
band = "n28"
eirp_per_re_dbm = -6.0
longest_outage_s = 3.0
outage_probability = 0.1
shared_cell_heads = 1
"""
SERVED, DOWN, OVERLAP = "radio.served", "radio.served.any-site-down", "radio.handover.overlap"
RATE, TRIPS, COST = "radio.rate.with-interference", "radio.trips", "radio.least-cost"
JOINT, HANDOVERS, TRIP_ROWS, PROFILES = "radio.rate.bins", "radio.handovers", "radio.trips.rows", "radio.profiles"
Body = dict[str, Any]


@dataclass(frozen=True)
class Verifier:
    """A plan as verification has read it; the forgeries here move no antenna, so its losses are computed once."""

    evidence: Evidence
    ground: Surroundings
    links: Links
    draws: RateDraws

    @classmethod
    def of(cls, evidence: Evidence) -> Verifier:
        ground, due = surroundings_of(evidence), due_bins(evidence)
        assert isinstance(ground, Surroundings)
        antennas, radio = antennas_of(evidence, evidence.layers["sites"]), evidence.settings.radio
        links, deductions = losses_db(antennas, due.receivers, ground, radio), deductions_of(evidence.proof.claims[0])
        service = service_on(links, due.edges, len(due.receivers.measure_m), radio, deductions)
        draws = RateDraws.of(RateAgain(evidence, due, service, deductions, ground), antennas)
        assert draws is not None
        return cls(evidence, ground, links, draws)

    def accused(self, evidence: Evidence, *by: str) -> dict[str, str]:
        """What the checks named, or all of them, say of forged evidence, by the rows that disagree."""
        due, deductions = due_bins(evidence), deductions_of(evidence.proof.claims[0])
        antennas, radio = antennas_of(evidence, evidence.layers["sites"]), evidence.settings.radio
        points = len(due.receivers.measure_m)
        service, windows = (service_on(self.links, e, points, radio, deductions) for e in (due.edges, due.windows))
        again = RateAgain(evidence, due, service, deductions, self.ground)
        served = ServedAgain(evidence, due, service, windows, deductions, lambda site: True)

        def levels() -> CellLevels:
            return cell_levels(evidence, due, self.links, antennas, self.ground)

        checks: dict[str, Callable[[], list[Row]]] = {
            "radio.margins": lambda: check_served(served),
            OVERLAP: lambda: check_overlap(evidence, due, windows, deductions),
            "radio.identities": lambda: [check_identities(evidence, due, levels(), deductions)],
            HANDOVERS: lambda: [check_handovers(evidence, due, levels())],
            TRIP_ROWS: lambda: [check_trip_rows(evidence, due)],
            JOINT: lambda: [check_joint_bins(replace(self.draws, again=again, gains=self.draws.gains[:1024]))],
            PROFILES: lambda: [check_profiles(evidence, due, self.ground)],
            TRIPS: lambda: check_trips(again, antennas),
            "radio.ahead": lambda: [check_ahead(evidence, due, service, self.draws)],
            "radio.told": lambda: [check_told(evidence, due, self.ground, deductions)],
        }
        checks["radio.sites-necessary"] = checks["radio.margins"]
        rows = [row for name in (by or checks) for row in checks[name]()]
        return {row.claim: row.detail for row in rows if not row.agrees}


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Verifier:
    """A corridor with windows, a rate beside the load, and a promise of trips."""
    root = planned_valley(tmp_path_factory.mktemp("corridor") / "valley", RADIO, 4000.0)
    verification = verify(root)
    assert verification.agrees, verification.text()
    return Verifier.of(read_evidence(root))


def edited(evidence: Evidence, layer: str, column: str, change: Callable[[Layer], Any]) -> Evidence:
    """The evidence with one column of a layer changed."""
    table = evidence.layers[layer]
    columns = {**table.columns, column: np.asarray(change(table), dtype=table[column].dtype)}
    return replace(evidence, layers={**evidence.layers, layer: Layer(table.schema, columns)})


def rows_taken(evidence: Evidence, layer: str, rows: Callable[[int], Any]) -> Evidence:
    """The evidence with other rows of a layer."""
    table = evidence.layers[layer]
    return replace(evidence, layers={**evidence.layers, layer: table.take(rows(len(table)))})


def rewritten(evidence: Evidence, change: Callable[[Body], None], folder: Path) -> Evidence:
    """The evidence with a proof changed by hand and sealed anew."""
    body: Body = json.loads(evidence.proof.to_json())
    change(body)
    body["seal"] = seal_of(body)
    path = folder / "proof.json"
    path.write_text(json.dumps(body), "utf-8")
    return replace(evidence, proof=Proof.read(path))


def at(row: int, value: Any) -> Callable[[Any], Any]:
    """A column with one value changed: a new value, or what a function makes of the old one."""

    def changed(column: Any) -> Any:
        other = column.copy()
        other[row] = value(column[row]) if callable(value) else value
        return other

    return changed


def test_an_honest_plan_is_not_accused(honest: Verifier) -> None:
    assert honest.accused(honest.evidence) == {}


LAYERS: dict[str, tuple[str, str, Callable[[Layer], Any], str]] = {
    "one identity for two neighbours": ("cells", "pci", lambda t: at(0, t["pci"][1])(t["pci"]), "radio.identities"),
    "one identity for all": ("cells", "pci", lambda t: np.full(len(t), 7), "radio.identities"),
    "an identity that there is not": ("cells", "pci", lambda t: at(0, 1008)(t["pci"]), "radio.identities"),
    "a cell moved off its mast": (
        "cells", "latitude_deg", lambda t: at(0, lambda v: v + 0.002)(t["latitude_deg"]), "radio.identities",
    ),
    "a cell at another site": ("cells", "site", lambda t: at(0, t["site"][-1])(t["site"]), "radio.identities"),
    "more bins beside a neighbour": (
        "neighbours", "bins", lambda t: at(0, lambda v: v + 500)(t["bins"]), "radio.identities",
    ),
    "a neighbour of itself": (
        "neighbours", "neighbour", lambda t: at(0, t["cell"][0])(t["neighbour"]), "radio.identities",
    ),
    "server and second exchanged": ("bins", "server", lambda t: t["second"], "radio.margins"),
    "another server": ("bins", "server", lambda t: at(0, "S-04")(t["server"]), "radio.margins"),
    "one site as both servers": ("bins", "second", lambda t: t["server"], "radio.margins"),
    "no second server": ("bins", "second", lambda t: at(5, "")(t["second"]), "radio.margins"),
    "a level left out": ("bins", "rsrp_dbm", lambda t: at(5, np.nan)(t["rsrp_dbm"]), "radio.margins"),
    "the overlap of the best server": (
        "bins", "overlap_margin_db", lambda t: at(9, lambda v: v + 1.0)(t["overlap_margin_db"]), OVERLAP,
    ),
    "needed elsewhere": (
        "sites", "needed_for", lambda t: at(0, lambda v: v.replace("V 1 km", "V 1 km 9"))(t["needed_for"]),
        "radio.sites-necessary",
    ),
    "needed for another promise": (
        "sites", "needed_for", lambda t: at(0, lambda v: v.replace(" at ", " down at "))(t["needed_for"]),
        "radio.sites-necessary",
    ),
    "needed as its neighbour is": (
        "sites", "needed_for", lambda t: np.roll(t["needed_for"], 2), "radio.sites-necessary",
    ),
    "another label of a site": ("sites", "km", lambda t: t["km"] + 0.1, "radio.told"),
    "another ground of a site": ("sites", "ground_m", lambda t: at(0, lambda v: v + 1.0)(t["ground_m"]), "radio.told"),
    "a height said to be assumed": ("candidates", "height_assumed", lambda t: ~t["height_assumed"], "radio.told"),
    "a faster downlink": ("ahead", "rate_down_mbps", lambda t: t["rate_down_mbps"] * 1.2, "radio.ahead"),
    "a faster uplink": ("ahead", "rate_up_mbps", lambda t: t["rate_up_mbps"] * 1.2, "radio.ahead"),
    "a more reliable bin": ("ahead", "reliability", lambda t: at(3, 1.0)(t["reliability"]), "radio.ahead"),
    "more confidence": ("ahead", "confidence", lambda t: t["confidence"] + 0.0009, "radio.ahead"),
    "a longer bin": ("ahead", "end_m", lambda t: at(3, lambda v: v + 10.0)(t["end_m"]), "radio.ahead"),
    "the other carriageway": ("ahead", "carriageway", lambda t: at(3, "decreasing")(t["carriageway"]), "radio.ahead"),
    "a shorter outage": ("trips", "longest_outage_s", lambda t: t["longest_outage_s"] * 0.5 + 0.1, TRIPS),
    "more trips": ("trips", "trips", lambda t: t["trips"] * 10, TRIPS),
    "more margin beside the load": ("bins", "sinr_margin_db", lambda t: t["sinr_margin_db"] + 3.0, JOINT),
    "more margin with a site down": ("bins", "down_sinr_margin_db", lambda t: t["down_sinr_margin_db"] + 3.0, JOINT),
    "a surer service": ("bins", "diversity", lambda t: np.ones(len(t)), JOINT),
    "a surer service with a site down": ("bins", "down_diversity", lambda t: np.ones(len(t)), JOINT),
    "a less sure service": ("bins", "down_diversity", lambda t: t["down_diversity"] - 0.2, JOINT),
    "a clearer signal": ("bins", "sinr_db", lambda t: at(9, lambda v: v + 1.0)(t["sinr_db"]), JOINT),
    "the loss of a site that is not": ("bins", "worst_down", lambda t: at(9, "S-09")(t["worst_down"]), JOINT),
    "no loss that hurts": ("bins", "worst_down", lambda t: at(9, "")(t["worst_down"]), JOINT),
    "handovers counted twice": (
        "neighbours", "handovers_increasing", lambda t: 2 * t["handovers_increasing"] + 2, "radio.identities",
    ),
    "handovers not counted": (
        "neighbours", "handovers_decreasing", lambda t: 0 * t["handovers_decreasing"], "radio.identities",
    ),
    "another rank": ("neighbours", "rank", lambda t: t["rank"][::-1], "radio.identities"),
    "a handover 300 m on": (
        "handovers", "measure_m", lambda t: at(2, lambda v: v + 300.0)(t["measure_m"]), HANDOVERS,
    ),
    "handovers on the other carriageway": ("handovers", "carriageway", lambda t: t["carriageway"][::-1], HANDOVERS),
    "a handover to another cell": (
        "handovers", "to_cell", lambda t: at(2, t["from_cell"][0])(t["to_cell"]), HANDOVERS,
    ),
    "a handover from another cell": ("handovers", "from_cell", lambda t: np.roll(t["from_cell"], 1), HANDOVERS),
    "a handover called a failure": ("handovers", "event", lambda t: at(1, "link failure")(t["event"]), TRIP_ROWS),
    "a shorter interruption": ("handovers", "interruption_ms", lambda t: t["interruption_ms"] // 2, HANDOVERS),
    "another label of a handover": ("handovers", "km", lambda t: t["km"] + 0.1, HANDOVERS),
    "fewer handovers": ("trips", "handovers", lambda t: t["handovers"] - 1.0, TRIP_ROWS),
    "a share of a handover": ("trips", "handovers", lambda t: t["handovers"] + 0.001, TRIP_ROWS),
    "failures less than none": ("trips", "link_failures", lambda t: t["link_failures"] - 1.0, TRIP_ROWS),
    "more ping-pongs than handovers": ("trips", "ping_pongs", lambda t: t["handovers"] + 1.0, TRIP_ROWS),
    "less time without service": ("trips", "outage_s", lambda t: 0.1 * t["outage_s"], TRIP_ROWS),
    "a longer outage in 95 %": ("trips", "outage_95_s", lambda t: t["longest_outage_s"] + 0.1, TRIP_ROWS),
    "another speed": ("trips", "speed_kmh", lambda t: t["speed_kmh"] + 5.0, TRIP_ROWS),
    "a lower ground under a path": ("profiles", "ground_m", lambda t: t["ground_m"] - 20.0, PROFILES),
    "trees where there are none": ("profiles", "clutter_m", lambda t: t["clutter_m"] + 15.0, PROFILES),
    "a shorter profile": ("profiles", "distance_m", lambda t: 0.5 * t["distance_m"], PROFILES),
    "a profile to a nearer place": ("profiles", "to_measure_m", lambda t: t["to_measure_m"] - 100.0, PROFILES),
    "a profile of another site": ("profiles", "site", lambda t: np.roll(t["site"], len(t) // 2), PROFILES),
}  # fmt: skip


@pytest.mark.parametrize("forgery", list(LAYERS))
def test_a_forged_layer_is_named(honest: Verifier, forgery: str) -> None:
    layer, column, change, accuser = LAYERS[forgery]
    assert accuser in honest.accused(edited(honest.evidence, layer, column, change), accuser)


@pytest.mark.parametrize(
    ("layer", "accuser"),
    [
        *(("neighbours", "radio.identities"), ("ahead", "radio.ahead"), ("handovers", HANDOVERS)),
        *(("trips", TRIP_ROWS), ("profiles", PROFILES)),
    ],
)
def test_a_row_left_out_is_named(honest: Verifier, layer: str, accuser: str) -> None:
    """The most important neighbour of the first cell; a bin that a vehicle hears nothing of."""
    assert accuser in honest.accused(rows_taken(honest.evidence, layer, lambda rows: np.arange(1, rows)), accuser)


def _worst(claim: str, field: str, by: float) -> Callable[[Body], None]:
    def forged(body: Body) -> None:
        claim_in(body, claim)["worst"][field] += by

    return forged


def _method(claim: str, field: str, value: Any) -> Callable[[Body], None]:
    def forged(body: Body) -> None:
        assert claim_in(body, claim)["method"][field] != value
        claim_in(body, claim)["method"][field] = value

    return forged


def _assumed(claim: str, name: str, size: float | None) -> Callable[[Body], None]:
    def forged(body: Body) -> None:
        listed = claim_in(body, claim)["assumptions"]
        one = next(assumption for assumption in listed if assumption["name"] == name)
        if size is None:
            listed.remove(one)
        else:
            one["size"] = size

    return forged


def _exempt(claim: str) -> Callable[[Body], None]:
    def forged(body: Body) -> None:
        place = {"rule": "tunnel", "length_m": 500.0, "places": ["V 1 km 1+000–1+500 →"]}
        claim_in(body, claim)["scope"]["exempt"].append(place)

    return forged


def _failing(claim: str) -> Callable[[Body], None]:
    def forged(body: Body) -> None:
        claim_in(body, claim)["failures"].append("V 1 km 1+000–1+500 →: not served")

    return forged


def _longer(body: Body) -> None:
    claim_in(body, RATE)["scope"]["length_m"] += 500.0


def _figure(body: Body) -> None:
    body["figures"]["radio"]["siting"]["bound_minor"] -= 1


def _wide_gap(body: Body) -> None:
    """A search that stopped a tenth above its bound, called optimal."""
    for method in (claim_in(body, COST)["method"], body["figures"]["radio"]["siting"]):
        method["bound_minor"] = round(0.9 * method["cost_minor"])
    claim_in(body, COST)["worst"]["bound"] = round(0.9 * claim_in(body, COST)["method"]["cost_minor"])


def _counts(**values: float) -> Callable[[Body], None]:
    def forged(body: Body) -> None:
        for one in (claim_in(body, TRIPS)["method"]["trips"], body["figures"]["radio"]["trips"]):
            for odds in one.values():
                odds.update(values)

    return forged


WORDS: dict[str, tuple[Callable[[Body], None], str]] = {
    "a higher level at the worst place": (_worst(SERVED, "value", 2.0), "radio.told"),
    "a lower need at the worst place": (_worst(DOWN, "bound", -2.0), "radio.told"),
    "a bound of the overlap": (_worst(OVERLAP, "bound", -2.0), "radio.told"),
    "a lower SINR than the rate needs": (_worst(RATE, "bound", -2.0), "radio.told"),
    "fewer late trips at the worst place": (_worst(TRIPS, "value", -0.01), "radio.told"),
    "a lower cost at the worst place": (_worst(COST, "value", -1000.0), "radio.told"),
    "another earth": (_method(SERVED, "earth", "smooth earth"), "radio.told"),
    "a finer step": (_method(DOWN, "profile_step_m", 10.0), "radio.told"),
    "bins of 1 m": (_method(RATE, "evaluated_every_m", 1.0), "radio.told"),
    "a longer overlap": (_method(OVERLAP, "overlap_m", 60.0), "radio.told"),
    "more heads of a cell": (_method(RATE, "shared_cell_heads", 4), "radio.told"),
    "a reason for an estimate": (_method(SERVED, "estimate_because", ["no terrain"]), "radio.told"),
    "more servers per bin": (_method(COST, "k", 3), "radio.told"),
    "a smaller step effect under one claim": (_assumed(OVERLAP, "radio.step_effect", 0.0), "radio.told"),
    "shadowing left out under one claim": (_assumed(RATE, "radio.shadowing_sigma", None), "radio.told"),
    "a smaller load": (_assumed(RATE, "radio.neighbour_load", 0.1), "radio.told"),
    "less correlation": (_assumed(RATE, "radio.site_correlation", 0.0), "radio.told"),
    "less hidden than drawn": (_assumed(RATE, "radio.hidden_spread", 0.0), "radio.told"),
    "a cheaper mast": (_assumed(COST, "price new_mast", 1.0), "radio.told"),
    "an exemption of the service": (_exempt(SERVED), "radio.told"),
    "an exemption of the rate": (_exempt(RATE), "radio.told"),
    "a failure under a claim that holds": (_failing(DOWN), "radio.told"),
    "a longer road for the rate": (_longer, "radio.told"),
    "figures of another search": (_figure, "radio.told"),
    "a wide gap called optimal": (_wide_gap, "radio.told"),
    "more trips than were driven": (_counts(trips=20_000, share_high=0.000184), TRIPS),
    "a lower share than the counts give": (_counts(share_high=0.01), TRIPS),
    "an outage that no trip had": (_counts(longest_s=5.0), TRIPS),
}


@pytest.mark.parametrize("forgery", list(WORDS))
def test_a_forged_word_is_named(honest: Verifier, forgery: str, tmp_path: Path) -> None:
    change, accuser = WORDS[forgery]
    assert accuser in honest.accused(rewritten(honest.evidence, change, tmp_path), accuser)


def test_trips_that_no_cell_can_carry(honest: Verifier) -> None:
    """Counts that agree with each other, over masts that send a thousandth: a vehicle on the best cell is late too."""
    radio = honest.evidence.settings.radio.model_copy(update={"eirp_per_re_dbm": -36.0})
    weak = replace(honest.evidence, settings=honest.evidence.settings.model_copy(update={"radio": radio}))
    assert "even on the best cell" in honest.accused(weak, TRIPS)[TRIPS]
