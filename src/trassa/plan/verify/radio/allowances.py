"""Deductions measured again on the plan's own links: profile step, clutter, the middle of each bin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.antennas import antennas_of
from trassa.plan.verify.radio.bins import DueBins
from trassa.plan.verify.radio.paths import Receivers, SmoothEarth, Surroundings, losses_db
from trassa.plan.verify.radio.service import Deductions, Edges, Service, service_of
from trassa.plan.verify.verdict import Row
from trassa.provenance import Progress, no_progress

__all__ = ["check_allowances", "check_middles"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_PER_SITE = 60
_LINKS = 3000
_SHARE = 0.95
_TOLERANCE_DB = 1.0
"""Another sample of the same links has another 95 % value; this much is left for it."""


@dataclass(frozen=True)
class _Links:
    """Serving links to look at again: site and receiver, shape (n,)."""

    site: IntArray
    receiver: IntArray


def check_allowances(
    evidence: Evidence, due: DueBins, service: Service, deductions: Deductions, ground: Surroundings
) -> Row:
    """The 95 % value over serving links of doubling the step, and of higher clutter, against what was taken."""
    links, settings = _serving(due, service), evidence.settings.radio
    base = _losses(evidence, due, links, ground)
    found = {
        "step_effect": base - _losses(evidence, due, links, replace(ground, profile_step_m=2 * ground.profile_step_m))
    }
    if len(ground.woods.height_m) > 1:
        taller_m = np.where(
            ground.woods.height_m > 0.0, ground.woods.height_m + settings.clutter_height_tolerance_m, 0.0
        )
        taller = replace(ground, woods=ground.woods._replace(height_m=taller_m))
        found["clutter_height"] = _losses(evidence, due, links, taller) - base
    wrong, told, least = [], [], np.inf
    for name, excess in found.items():
        finite = excess[np.isfinite(excess)]
        value = float(np.quantile(finite, _SHARE)) if len(finite) else 0.0
        taken = deductions.by_name.get(name, 0.0)
        least = min(least, taken - value)
        told.append(f"{name} {value:.2f} dB, taken {taken:.2f} dB")
        if value > taken + _TOLERANCE_DB:
            wrong.append(name)
    wrong += _hidden(evidence, sum(found.values(), np.zeros(len(links.site))), told)
    said = f"95 % over {len(links.site)} serving links: {', '.join(told)}"
    return Row("radio.allowances", "", float(least), "dB", not wrong, None, said)


def _hidden(evidence: Evidence, hidden_db: FloatArray, told: list[str]) -> list[str]:
    """Mean and spread of what the ground hides, where a claim draws with them: no smaller than found here."""
    known, wrong = hidden_db[np.isfinite(hidden_db)], []
    if not len(known):
        return []
    sizes = {"hidden_mean_db": max(float(known.mean()), 0.0), "hidden_spread_db": float(known.std())}
    for claim in evidence.proof.claims:
        if claim.id not in ("radio.rate.with-interference", "radio.capacity"):
            continue
        stated = {name: float(claim.method[name]) for name in sizes if name in claim.method}
        told += [f"{claim.id} {name} {sizes[name]:.2f}, taken {value:.2f}" for name, value in stated.items()]
        wrong += [f"{claim.id} {name}" for name, value in stated.items() if sizes[name] > value + _TOLERANCE_DB]
    return wrong


def _serving(due: DueBins, service: Service) -> _Links:
    """Best and second servers, evenly spread over the bins of each site."""
    best, _ = service.best()
    second, _ = service.second()
    sites, receivers = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for site in range(len(service.bins)):
        used = np.flatnonzero(((best == site) | (second == site)) & due.counted)
        some = used[
            np.unique(
                np.linspace(0, len(used) - 1, min(len(used), max(_PER_SITE, _LINKS // len(service.bins)))).astype(
                    np.int64
                )
            )
        ]
        sites.append(np.full(len(some), site, dtype=np.int64))
        receivers.append(due.edges.first[some])
    return _Links(np.concatenate(sites), np.concatenate(receivers))


def _losses(evidence: Evidence, due: DueBins, links: _Links, ground: Surroundings) -> FloatArray:
    """The loss of each link, over some ground."""
    antennas, settings = antennas_of(evidence, evidence.layers["sites"]), evidence.settings.radio
    losses = np.full(len(links.site), np.nan)
    for site in np.unique(links.site):
        mine = np.flatnonzero(links.site == site)
        ((near, loss),) = losses_db(
            antennas.take(np.array([site])), due.receivers.take(links.receiver[mine]), ground, settings
        )
        losses[mine[near]] = loss
    return losses


def check_middles(
    evidence: Evidence,
    due: DueBins,
    service: Service,
    deductions: Deductions,
    ground: Surroundings | SmoothEarth,
    progress: Progress = no_progress,
) -> Row:
    """A bin that is served at both edges is served in its middle too, without the deduction for it."""
    first, last = due.receivers.take(due.edges.first), due.receivers.take(due.edges.last)
    names = Receivers.__dataclass_fields__
    middle = Receivers(*(0.5 * (getattr(first, name) + getattr(last, name)) for name in names))
    number = np.arange(len(due.edges))
    settings, antennas = evidence.settings.radio, antennas_of(evidence, evidence.layers["sites"])
    inside = service_of(antennas, middle, Edges(number, number), ground, settings, deductions, progress)
    pick: Callable[[Service], FloatArray] = (
        (lambda one: one.second()[1]) if settings.any_site_down else (lambda one: one.best()[1])
    )
    free_db = deductions.within_bin_db + deductions.fast_path_db
    edge, centre = pick(service), pick(inside) + free_db
    held = due.counted & (edge >= 0.0)
    short = np.flatnonzero(held & (centre < 0.0))
    least = int(np.argmin(np.where(held, centre, np.inf)))
    margin = float(centre[least]) if held.any() else None
    told = f"{int(held.sum())} bins tried in the middle, without the {deductions.within_bin_db:g} dB taken for it"
    said = f"{len(short)} bins served at both edges are not in the middle" if len(short) else told
    return Row("radio.within-bin", due.place(evidence, least), margin, "dB", not len(short), None, said)
