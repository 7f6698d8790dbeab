"""The order of verification: hashes, road, ground, radio, cost, line."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from trassa.errors import InputError
from trassa.plan.verify.alignment import check_road
from trassa.plan.verify.evidence import Evidence, check_evidence, read_evidence
from trassa.plan.verify.optical.check import check_optical
from trassa.plan.verify.radio.ahead import check_ahead
from trassa.plan.verify.radio.allowances import check_allowances, check_middles
from trassa.plan.verify.radio.antennas import antennas_of
from trassa.plan.verify.radio.bins import check_bins, due_bins
from trassa.plan.verify.radio.bound import check_least_cost
from trassa.plan.verify.radio.capacity import CapacityAgain
from trassa.plan.verify.radio.cell_levels import cell_levels
from trassa.plan.verify.radio.deductions import check_deductions
from trassa.plan.verify.radio.drives import check_handovers
from trassa.plan.verify.radio.heights import check_heights
from trassa.plan.verify.radio.identities import check_identities
from trassa.plan.verify.radio.joint_bins import check_joint_bins
from trassa.plan.verify.radio.offer import check_offer
from trassa.plan.verify.radio.options import check_options
from trassa.plan.verify.radio.overlap import check_overlap
from trassa.plan.verify.radio.paths import Surroundings, losses_db
from trassa.plan.verify.radio.rate import RateAgain, RateDraws, check_cells
from trassa.plan.verify.radio.served import ServedAgain, check_served
from trassa.plan.verify.radio.service import deductions_of, service_on
from trassa.plan.verify.radio.site_views import check_profiles
from trassa.plan.verify.radio.sites import check_sites
from trassa.plan.verify.radio.supply import check_supply
from trassa.plan.verify.radio.surroundings import surroundings_of
from trassa.plan.verify.radio.told import check_told
from trassa.plan.verify.radio.trip_rows import check_trip_rows
from trassa.plan.verify.radio.trips import check_trips
from trassa.plan.verify.radio.tunnels import check_tunnels
from trassa.plan.verify.radio.unserved import check_unserved
from trassa.plan.verify.statements import check_statements
from trassa.plan.verify.verdict import Row, Verification, judged
from trassa.provenance import Progress, no_progress

__all__ = ["verify"]

_RADIO = (
    *("candidates", "sites", "cells", "bins", "unserved", "siting_rows", "neighbours", "handovers", "trips", "ahead"),
    *("masts", "profiles"),
)
_OPTICAL = (
    "cables",
    "closures",
    "reels",
    "huts",
    "spans",
    "links",
    "cuts",
    "hut_losses",
    "chambers",
    "as_built",
    "connections",
    "services",
    "ring_segments",
)
_KNOWN = {
    *("radio.served", "radio.served.any-site-down", "radio.handover.overlap", "radio.least-cost"),
    *("radio.rate.with-interference", "radio.trips", "radio.tunnels", "radio.capacity"),
    *(
        "optical.links",
        "optical.spans",
        "optical.any-cut",
        "optical.latency",
        "optical.fronthaul",
        "optical.capacity",
        "optical.edge",
        "optical.rings",
        "optical.as-built",
        "optical.trees",
    ),
    "optical.gsnr",
}


def verify(project_dir: Path, progress: Progress = no_progress) -> Verification:
    """Compute every claim of a project folder again, from its inputs and layers alone.

    Reads trassa.toml, inputs, plan.gpkg and proof.json; writes nothing. Raises :class:`InputError` where something
    is missing or cannot be read; whatever can be read and is wrong becomes a row that does not agree.
    """
    began = time.monotonic()
    evidence = read_evidence(project_dir)
    _require(evidence)
    rows = [*check_evidence(evidence), check_statements(evidence)]
    progress(0.02)
    rows += judged("road", lambda: check_road(evidence))
    progress(0.1)
    rows += judged("radio", lambda: _check_radio(evidence, lambda share: progress(0.1 + 0.8 * share)))
    rows += judged("radio.tunnels", lambda: check_tunnels(evidence))
    rows += judged("optical", lambda: check_optical(evidence, lambda share: progress(0.9 + 0.1 * share)))
    unknown = [claim.id for claim in evidence.proof.claims if not _known(claim.id)]
    rows += [Row(name, "", None, "", False, None, "there is no independent check of this claim") for name in unknown]
    progress(1.0)
    return Verification(evidence.ref, tuple(rows), time.monotonic() - began)


def _known(claim_id: str) -> bool:
    return claim_id in _KNOWN or claim_id.startswith("optical.service.")


def _require(evidence: Evidence) -> None:
    claimed = {claim.id.split(".")[0] for claim in evidence.proof.claims}
    needed = (*(_RADIO if "radio" in claimed else ()), *(_OPTICAL if "optical" in claimed else ()))
    missing = [name for name in needed if name not in evidence.layers]
    if missing:
        cure = f"trassa run {evidence.root}"
        raise InputError(f"verify: plan.gpkg lacks the layers {', '.join(missing)} that the claims rest on", cure=cure)


def _check_radio(evidence: Evidence, progress: Progress) -> list[Row]:
    served = next((claim for claim in evidence.proof.claims if claim.id == "radio.served"), None)
    if served is None:
        return []
    ground = surroundings_of(evidence)
    rows = [check_heights(evidence, ground)] if isinstance(ground, Surroundings) else []
    progress(0.1)
    due, deductions = due_bins(evidence), deductions_of(served)
    terrain = ground if isinstance(ground, Surroundings) else None
    rows += [*check_sites(evidence, due, terrain), check_offer(evidence, terrain), check_options(evidence)]
    rows.append(check_supply(evidence))
    rows += [check_bins(evidence, due), check_deductions(evidence, deductions, ground)]
    sites, settings = evidence.layers["sites"], evidence.settings.radio
    antennas = antennas_of(evidence, sites)
    links = losses_db(antennas, due.receivers, ground, settings, lambda share: progress(0.1 + 0.25 * share))
    receivers = len(due.receivers.measure_m)
    service = service_on(links, due.edges, receivers, settings, deductions)
    windows = service_on(links, due.windows, receivers, settings, deductions)
    draws = RateDraws.of(RateAgain(evidence, due, service, deductions, ground), antennas)
    capacity = CapacityAgain.of(RateAgain(evidence, due, service, deductions, ground), antennas, draws)
    needs = _any_of([one.needs for one in (draws, capacity) if one is not None])
    rows += check_served(ServedAgain(evidence, due, service, windows, deductions, needs))
    rows += check_overlap(evidence, due, windows, deductions)
    rows += check_unserved(evidence, due, ground, deductions)
    levels = cell_levels(evidence, due, links, antennas, ground)
    rows += [check_cells(evidence), check_identities(evidence, due, levels, deductions)]
    rows += [check_handovers(evidence, due, levels), check_trip_rows(evidence, due)]
    rows += [*draws.rows(), check_joint_bins(draws)] if draws is not None else []
    rows += capacity.rows() if capacity is not None else []
    rows += check_trips(RateAgain(evidence, due, service, deductions, ground), antennas, draws)
    rows += [check_ahead(evidence, due, service, draws), check_told(evidence, due, ground, deductions)]
    again = (evidence, due, service, deductions)
    rows.append(check_middles(*again, ground, lambda share: progress(0.35 + 0.25 * share)))
    if isinstance(ground, Surroundings):
        rows += [check_allowances(*again, ground), check_profiles(evidence, due, ground)]
    rows += check_least_cost(evidence, due, ground, deductions, lambda share: progress(0.6 + 0.4 * share))
    return rows


def _any_of(needs: list[Callable[[int], bool]]) -> Callable[[int], bool]:
    """Whether any promise beside those of servers needs a site."""
    return lambda site: any(one(site) for one in needs)
