"""What is promised of trips: the claim against its own counts, and against vehicles that always have the best cell.

Measurements, timers and failed handovers of the drive are the planner's word. But no vehicle does better than one that
is on the strongest cell at every moment, takes no deduction and meets no interference beyond the median: where that one
is without service for longer than promised on more trips than claimed, the claim is false. That is tried here.
"""

from __future__ import annotations

import math

import numba
import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

from trassa.plan.claim import Claim
from trassa.plan.verify.estimate import estimate_reasons, verdict
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.antennas import Antennas
from trassa.plan.verify.radio.bins import DueBins
from trassa.plan.verify.radio.draws import Heard, within_prefix
from trassa.plan.verify.radio.rate import RateAgain, RateDraws, heard_on_edges
from trassa.plan.verify.verdict import Row

__all__ = ["check_trips"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_TRIPS, _RISK, _SEED = 200, 0.05, 31_337
_SAME = 1e-5


def check_trips(again: RateAgain, antennas: Antennas, draws: RateDraws | None = None) -> list[Row]:
    """The claim follows from its own counts, and trips on the best cell of every moment are no worse than it says.

    ``draws`` lend their signals, with what the ground hides put back.
    """
    evidence, due = again.evidence, again.due
    claim = next((claim for claim in evidence.proof.claims if claim.id == "radio.trips"), None)
    if claim is None:
        return []
    radio, odds = evidence.settings.radio, claim.method.get("trips", {})
    wrong = [
        f"{way} is not among the trips" for way in evidence.carriageways if way not in odds and _drivable(due, way)
    ]
    high = max((float(one["share_high"]) for one in odds.values()), default=1.0)
    holds = verdict(high > radio.outage_probability, estimate_reasons(evidence))
    if holds != claim.holds:
        wrong.append(f"the proof says {claim.holds}")
    wrong += _counts_off(evidence, claim)
    heard = heard_on_edges(again, antennas, 0.0) if draws is None else _bare(draws)
    told = []
    for number, way in enumerate(evidence.carriageways):
        if way not in odds:
            continue
        late = _late_trips(again, heard, way, number)
        least = float(betaincinv(max(late, 1), _TRIPS - late + 1, 1e-4)) if late else 0.0
        told.append(f"{way}: at least {late} of {_TRIPS} trips are late even on the best cell of every moment")
        if least > float(odds[way]["share_high"]):
            wrong.append(f"{told[-1]}, claimed at most {100.0 * float(odds[way]['share_high']):.1f} %")
    margin = 100.0 * (radio.outage_probability - high)
    said = "; ".join(wrong) or f"{'; '.join(told)}; timers and measurements are the planner's word"
    return [Row("radio.trips", "", margin, "% of trips", not wrong, holds, said)]


def _bare(draws: RateDraws) -> Heard:
    """The signals without the mean of what the ground hides."""
    ratio = 10.0 ** (0.1 * float(draws.claim.method["hidden_mean_db"]))
    return draws.heard._replace(wanted=ratio * draws.heard.wanted, disturbing=ratio * draws.heard.disturbing)


def _drivable(due: DueBins, way: str) -> bool:
    return int((due.carriageway == way).sum()) > 1


def _counts_off(evidence: Evidence, claim: Claim) -> list[str]:
    """Shares and their upper bounds as they follow from the counts, the longest outage as the layer has it."""
    limit_s, wrong = evidence.settings.radio.longest_outage_s, []
    trips = evidence.layers["trips"].where(kind="drawn")
    for way, one in claim.method.get("trips", {}).items():
        driven, share, longest_s = int(one["trips"]), float(one["share"]), float(one["longest_s"])
        late = round(share * driven)
        high = float(betaincinv(late + 1, driven - late, 1.0 - _RISK / 2.0)) if late < driven else 1.0
        if driven != _TRIPS or abs(late - share * driven) > 1e-3 or abs(high - float(one["share_high"])) > _SAME:
            wrong.append(f"{way}: {share:g} of {driven} trips are at most {high:.4f}, stated {one['share_high']:g}")
        if (longest_s > limit_s) != (late > 0):
            wrong.append(f"{way}: {late} trips are late, and the longest outage is {longest_s:g} s")
        rows = trips.where(carriageway=way)
        if len(rows) != 1 or int(rows["trips"][0]) != driven or abs(rows["longest_outage_s"][0] - longest_s) > 1e-3:
            wrong.append(f"{way}: the layer of trips has other counts")
    return wrong


def _late_trips(again: RateAgain, heard: Heard, way: str, seed: int) -> int:
    """Of 200 trips over a carriageway those with an outage longer than promised, on the best cell of every moment."""
    radio, due = again.evidence.settings.radio, again.due
    bins = np.flatnonzero(due.carriageway == way)
    step_s = 3.6 * float(np.median((due.end_m - due.start_m)[bins])) / radio.design_speed_kmh
    keep = math.exp(-float(np.median((due.end_m - due.start_m)[bins])) / radio.shadowing_distance_m)
    shares = (
        radio.sigma_db * math.sqrt(radio.site_correlation),
        radio.sigma_db * math.sqrt(1.0 - radio.site_correlation),
    )
    least = 10.0 ** (0.1 * radio.handover.qout_db)
    rng = np.random.default_rng([_SEED, seed])
    late, sites = 0, int(heard.site.max(initial=-1)) + 1
    for _ in range(_TRIPS):
        normal = rng.standard_normal((len(bins), sites + 1))
        run = _longest_run(
            heard, due.edges.first[bins], due.counted[bins], normal, keep, shares, radio.neighbour_load, least
        )
        late += (run - 1) * step_s > radio.longest_outage_s
    return late


@numba.njit(cache=True, nogil=True)
def _longest_run(
    heard: Heard, points: IntArray, counted: npt.NDArray[np.bool_], normal: FloatArray, keep: float,
    shares: tuple[float, float], load: float, least: float,
) -> int:  # fmt: skip
    """The most points in a row at which no cell stands above the least SINR."""
    fresh = np.sqrt(1.0 - keep * keep)
    shadow = normal[0].copy()
    longest, run = 0, 0
    for i in range(len(points)):
        if i:
            shadow = keep * shadow + fresh * normal[i]
        begin, end = heard.first[points[i]], heard.first[points[i] + 1]
        power = np.empty(end - begin)
        for k in range(begin, end):
            shadow_db = shares[0] * shadow[-1] + shares[1] * shadow[heard.site[k]]
            power[k - begin] = heard.wanted[k] * 10.0 ** (0.1 * shadow_db)
        total, held = power.sum(), False
        for k in range(begin, end):
            own = 0.0
            for j in range(begin, end):
                if heard.cell[j] == heard.cell[k] and within_prefix(heard, k, j):
                    own += power[j - begin]
            if own >= least * (1.0 + load * (total - own)):
                held = True
                break
        run = 0 if held or not counted[i] else run + 1
        longest = max(longest, run)
    return longest
