"""The rate beside the load of other cells, judged again by plain draws; and the cells themselves."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from trassa.linear import Layer
from trassa.plan.claim import Claim
from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.antennas import Antennas
from trassa.plan.verify.radio.bins import DueBins
from trassa.plan.verify.radio.draws import Heard, drawn_gains, shares
from trassa.plan.verify.radio.needs import level_without_loss_dbm, needed_sinr_db, noise_dbm
from trassa.plan.verify.radio.paths import SmoothEarth, Surroundings, losses_db
from trassa.plan.verify.radio.prefix import arrivals
from trassa.plan.verify.radio.service import Deductions, Service
from trassa.plan.verify.verdict import Row

__all__ = ["RateAgain", "RateDraws", "check_cells", "heard_on_edges", "without_site"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_CLAIM = "radio.rate.with-interference"
_STEPS = 2_000_000_000
_DRAWS = (512, 8192)
_SEED = 20_260
_FAINT_DB = -30.0
_SLACK = 0.01
"""Besides the scatter of the draws: levels that differ by hundredths of a decibel."""


def check_cells(evidence: Evidence) -> Row:
    """Every sector of every site is a cell that looks where its site says, and no other one is."""
    sites, cells, wrong = evidence.layers["sites"], evidence.layers["cells"], []
    due = _due_cells(sites)
    stored = {str(row["cell"]): row for row in cells.rows()}
    wrong += [f"{name} is missing" for name in due.keys() - stored.keys()]
    wrong += [f"{name} belongs to no site" for name in stored.keys() - due.keys()]
    eirp_dbm = evidence.settings.radio.eirp_per_re_dbm
    for name in sorted(due.keys() & stored.keys()):
        row, (site, side) = stored[name], due[name]
        looks = float(sites[f"{side}_deg"][site]) if side != "omni" else math.nan
        same = [
            (row["azimuth_deg"], looks),
            (row["tilt_deg"], sites["tilt_deg"][site]),
            (row["eirp_per_re_dbm"], eirp_dbm - sites["back_off_db"][site]),
        ]
        if any(not (abs(float(a) - float(b)) < 1e-6 or (a != a and b != b)) for a, b in same):
            wrong.append(f"{name} is not as its site says")
    identities: dict[str, set[int]] = {}
    for row in cells.rows():
        identities.setdefault(str(row["sends"]), set()).add(int(row["pci"]))
    wrong += [f"{name} has {len(found)} identities" for name, found in identities.items() if len(found) > 1]
    heads, most = _heads(cells), evidence.settings.radio.shared_cell_heads
    wrong += [f"{name} is sent by {count} sites, at most {most} may" for name, count in heads.items() if count > most]
    said = "; ".join(wrong[:3]) or f"{len(cells)} sectors as their sites say, {len(identities)} cells"
    return Row("radio.cells", "", None, "", not wrong, None, said)


def _heads(cells: Layer) -> dict[str, int]:
    """How many sites send each cell."""
    sites: dict[str, set[str]] = {}
    for row in cells.rows():
        sites.setdefault(str(row["sends"]), set()).add(str(row["site"]))
    return {name: len(found) for name, found in sites.items()}


def _due_cells(sites: Layer) -> dict[str, tuple[int, str]]:
    due: dict[str, tuple[int, str]] = {}
    for number, (name, kind) in enumerate(zip(sites["site"], sites["sectors"], strict=True)):
        for side in ("ahead", "back") if kind == "both" else (str(kind),):
            due[f"{name}/{2 if side == 'back' else 1}"] = (number, side)
    return due


@dataclass(frozen=True)
class RateAgain:
    """What the judgement starts from."""

    evidence: Evidence
    due: DueBins
    service: Service
    deductions: Deductions
    ground: Surroundings | SmoothEarth


@dataclass(frozen=True)
class RateDraws:
    """The signals at every edge of a bin, and the draws they are tried with."""

    again: RateAgain
    claim: Claim
    heard: Heard
    gains: FloatArray
    need_ratio: float

    @classmethod
    def of(cls, again: RateAgain, antennas: Antennas) -> RateDraws | None:
        """None where the proof claims nothing about the rate beside the load."""
        claim = next((claim for claim in again.evidence.proof.claims if claim.id == _CLAIM), None)
        if claim is None:
            return None
        radio = again.evidence.settings.radio
        heard = heard_on_edges(again, antennas, float(claim.method["hidden_mean_db"]))
        sigma_db = math.hypot(radio.sigma_db, float(claim.method["hidden_spread_db"]))
        draws = int(np.clip(_STEPS // max(len(heard.site) * 40, 1), *_DRAWS))
        gains = drawn_gains(len(again.service.bins), draws, sigma_db, radio.site_correlation, _SEED)
        return cls(again, claim, heard, gains, 10.0 ** (0.1 * needed_sinr_db(radio)))

    def on_bins(self, without: int = -1) -> FloatArray:
        """Shares of the draws on every bin, its worse edge: all sites up, and the worst away; (bins, 2)."""
        at, edges = self.everywhere if without < 0 else self._on_points(without), self.again.due.edges
        return np.minimum(at[edges.first], at[edges.last])

    @cached_property
    def everywhere(self) -> FloatArray:
        """The same at every edge of a bin, (points, 2)."""
        return self._on_points(-1)

    def _on_points(self, without: int) -> FloatArray:
        heard = self.heard if without < 0 else without_site(self.heard, without)
        points = len(heard.first) - 1
        out = np.zeros((points, 2))
        parts = np.linspace(0, points, 33).astype(int).tolist()

        def fill(k: int) -> None:
            shares(heard, self.gains, self.need_ratio, parts[k], parts[k + 1], out)

        with ThreadPoolExecutor(2) as threads:
            list(threads.map(fill, range(32)))
        return out

    def needs(self, site: int) -> bool:
        """Whether some counted bin falls short of the promise without a site."""
        radio = self.again.evidence.settings.radio
        left = self.on_bins(site)[self.again.due.counted][:, : 2 if radio.any_site_down else 1]
        return bool((left < radio.reliability + _SLACK).any())

    def rows(self) -> list[Row]:
        """The claim about the rate, from levels computed again and draws of our own."""
        return [_rate_row(self.again, self.claim, self.on_bins(), len(self.gains))]


def without_site(heard: Heard, site: int) -> Heard:
    """The same signals without what one site sends."""
    keep = heard.site != site
    first = np.concatenate([np.zeros(1, np.int64), np.cumsum(keep)])[heard.first]
    return Heard(first, *(column[keep] for column in heard[1:]))


def _rate_row(again: RateAgain, claim: Claim, found: FloatArray, draws: int) -> Row:
    due, evidence, radio = again.due, again.evidence, again.evidence.settings.radio
    counted = np.flatnonzero(due.counted & (due.stored >= 0))
    rows, wrong = due.stored[counted], []
    columns = ("reliability", "down_reliability")[: 2 if radio.any_site_down else 1]
    stored = np.column_stack([np.nan_to_num(evidence.layers["bins"][name][rows]) for name in columns])
    mine = found[counted][:, : len(columns)]
    slack = 4.0 * np.sqrt(np.maximum(mine * (1.0 - mine), 1.0 / draws) / draws) + _SLACK
    over = (stored > mine + slack).any(axis=1)
    if over.any():
        at = int(counted[int(np.argmax(over))])
        wrong.append(f"{int(over.sum())} bins are stored as more reliable than found, e.g. {due.place(evidence, at)}")
    short = (mine + slack < radio.reliability).any(axis=1)
    clear = (mine - slack >= radio.reliability).all(axis=1)
    if claim.holds != "no" and short.any():
        wrong.append(f"the proof says {claim.holds}, {int(short.sum())} bins fall short")
    if claim.holds == "no" and clear.all():
        wrong.append("the proof says no, every bin is reached")
    wrong += _statement(evidence, claim)
    least = mine.min(axis=1) if len(mine) else np.ones(1)
    worst = int(np.argmin(least))
    place = due.place(evidence, int(counted[worst])) if len(counted) else ""
    told = f"probability {least[worst]:.4f} by {draws} draws, promised {radio.reliability:g}"
    holds = claim.holds if not wrong else ("no" if short.any() else "yes")
    said = "; ".join([*wrong, told])
    return Row(_CLAIM, place, 100.0 * float(least[worst] - radio.reliability), "% points", not wrong, holds, said)


def _statement(evidence: Evidence, claim: Claim) -> list[str]:
    """What the claim says of its need, load and worst margin, against trassa.toml and the bins."""
    radio, bins = evidence.settings.radio, evidence.layers["bins"]
    due = {
        "need_sinr_db": needed_sinr_db(radio),
        "load": radio.neighbour_load,
        "interference_time_percent": radio.interference_time_percent,
        "site_correlation": radio.site_correlation,
    }
    wrong = [
        f"states {name} {claim.method.get(name)}, by trassa.toml {value:g}"
        for name, value in due.items()
        if abs(float(claim.method.get(name, np.nan)) - value) > 1e-3 and np.isfinite(value)
    ]
    names = ("sinr_margin_db", "down_sinr_margin_db")[: 2 if radio.any_site_down else 1]
    counted = bins.take(bins["exempt"] == "")
    stored = np.min([np.nan_to_num(counted[name], nan=-np.inf).min(initial=np.inf) for name in names])
    stated = claim.worst.margin
    if stated is not None and abs(stated - float(stored)) > 1e-3:
        wrong.append(f"worst margin stated {stated:+.2f} dB, stored {stored:+.2f} dB")
    return wrong


def heard_on_edges(again: RateAgain, antennas: Antennas, mean_db: float) -> Heard:
    """Every sector's level at every edge of a bin: wanted at 50 % of the time, disturbing at less.

    ``mean_db`` comes off every link. Cells are numbered in the order in which the layer ``cells`` first sends them.
    """
    radio, points = again.evidence.settings.radio, len(again.due.receivers.measure_m)
    cells = again.evidence.layers["cells"]
    due = _due_cells(again.evidence.layers["sites"])
    order = [due[str(name)] for name in cells["cell"]]
    sectors = replace(
        antennas.take(np.array([site for site, _ in order], dtype=np.int64)),
        sectors=_texts([side for _, side in order]),
    )
    number = {name: k for k, name in enumerate(dict.fromkeys(cells["sends"].tolist()))}
    where = (sectors, again.due.receivers, again.ground, radio)
    half, rare = losses_db(*where), losses_db(*where, time_percent=radio.interference_time_percent)
    floor_dbm = noise_dbm(radio)
    kept_db = again.deductions.fast_path_db + again.deductions.within_bin_db
    sent_dbm = level_without_loss_dbm(radio) - mean_db - floor_dbm
    none, zero = np.zeros(0, dtype=np.int64), np.zeros(0)
    rows: list[tuple[IntArray, IntArray, IntArray, FloatArray, FloatArray, FloatArray]] = []
    rows.append((none, none, none, zero, zero, zero))
    for k, (site, _) in enumerate(order):
        near, loss_db = half[k]
        strong = sent_dbm - rare[k][1] >= _FAINT_DB
        reached = near[strong]
        wanted = 10.0 ** (0.1 * (sent_dbm - kept_db - loss_db[strong]))
        disturbing = radio.neighbour_load * 10.0 ** (0.1 * (sent_dbm - rare[k][1][strong]))
        same = np.full(len(reached), number[str(cells["sends"][k])])
        arrival = arrivals(antennas, site, again.due.receivers, reached, radio)
        rows.append((reached, np.full(len(reached), site), same, wanted, disturbing, arrival))
    point, site_, cell, wanted, disturbing, arrival = (np.concatenate(column) for column in zip(*rows, strict=True))
    order_ = np.argsort(point, kind="stable")
    first = np.searchsorted(point[order_], np.arange(points + 1)).astype(np.int64)
    return Heard(first, site_[order_], cell[order_], wanted[order_], disturbing[order_], arrival[order_])


def _texts(values: list[str]) -> npt.NDArray[np.object_]:
    texts = np.empty(len(values), dtype=object)
    texts[:] = values
    return texts
