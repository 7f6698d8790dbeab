"""The connection ahead, as vehicles are told it: every bin that counts, and no more than the plan's own levels give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from trassa.plan.verify.evidence import Evidence
from trassa.plan.verify.radio.bins import DueBins
from trassa.plan.verify.radio.needs import (
    downlink_rate_mbps,
    level_without_loss_dbm,
    needed_level_dbm,
    needed_sinr_db,
    uplink_rate_mbps,
)
from trassa.plan.verify.radio.rate import RateDraws
from trassa.plan.verify.radio.service import Service
from trassa.plan.verify.verdict import Row

__all__ = ["check_ahead"]

FloatArray = npt.NDArray[np.float64]

_TOLERANCE_DB = 0.15
_SAME = 1e-6
_SLACK = 0.01


def check_ahead(evidence: Evidence, due: DueBins, service: Service, draws: RateDraws | None) -> Row:
    """Extents, rates and reliability of the layer ``ahead``, and the risk of an interruption where draws are at hand.

    A rate may be told lower than found, never higher.
    """
    ahead, counted = evidence.layers["ahead"], np.flatnonzero(due.counted & (due.stored >= 0))
    wrong = _extents_off(evidence, due, counted)
    if wrong:
        return Row("radio.ahead", "", None, "", False, None, "; ".join(wrong))
    bins = evidence.layers["bins"].take(due.stored[counted])
    order = _order(ahead["carriageway"], ahead["start_m"])
    told = ahead.take(order[np.argsort(_order(due.carriageway[counted], due.start_m[counted]))])
    off = {
        "reliability": ~(np.abs(told["reliability"] - bins["reliability"]) <= _SAME),
        "rate_up_mbps": told["rate_up_mbps"] > _highest_up_mbps(evidence, service.best()[1][counted]) + _SAME,
        "rate_down_mbps": told["rate_down_mbps"] > _highest_down_mbps(evidence, bins["sinr_margin_db"]) + _SAME,
    }
    if draws is not None:
        off["confidence"] = ~(np.abs(told["confidence"] - 1.0 + float(draws.claim.method["risk_per_bin"])) <= _SAME)
        held = _held(evidence, draws)[counted]
        slack = 4.0 * np.sqrt(np.maximum(held * (1.0 - held), 1.0 / len(draws.gains)) / len(draws.gains)) + _SLACK
        off["interruption_risk"] = ~(told["interruption_risk"] >= 1.0 - held - slack)
    place = {name: due.place(evidence, int(counted[np.argmax(rows)])) for name, rows in off.items() if rows.any()}
    wrong = [f"{name} of {int(off[name].sum())} bins is better than found, e.g. {at}" for name, at in place.items()]
    fine = f"{len(ahead)} bins, no rate and no reliability above what the levels give"
    return Row("radio.ahead", "", None, "", not wrong, None, "; ".join(wrong) or fine)


def _order(carriageway: npt.NDArray[np.object_], start_m: FloatArray) -> npt.NDArray[np.int64]:
    return np.lexsort((start_m, carriageway == "decreasing"))


def _extents_off(evidence: Evidence, due: DueBins, counted: npt.NDArray[np.int64]) -> list[str]:
    ahead = evidence.layers["ahead"]
    columns = zip(ahead["carriageway"].tolist(), ahead["start_m"].tolist(), ahead["end_m"].tolist(), strict=True)
    told = {(way, round(start, 3), round(end, 3)) for way, start, end in columns}
    wanted = zip(due.carriageway[counted], due.start_m[counted].tolist(), due.end_m[counted].tolist(), strict=True)
    found = {(str(way), round(start, 3), round(end, 3)) for way, start, end in wanted}
    if told == found and len(told) == len(ahead):
        return []
    return [f"{len(found - told)} bins that count are not told, {len(ahead) - len(told & found)} told are no such bins"]


def _highest_up_mbps(evidence: Evidence, margin_db: FloatArray) -> FloatArray:
    """The uplink rate at the best server's level after shadowing and deductions."""
    radio = evidence.settings.radio
    sent_dbm = level_without_loss_dbm(radio) - radio.calibration_offset_db
    loss_db = sent_dbm - needed_level_dbm(radio) - margin_db
    return uplink_rate_mbps(radio, np.nan_to_num(loss_db, nan=np.inf, posinf=np.inf) - _TOLERANCE_DB)


def _highest_down_mbps(evidence: Evidence, margin_db: FloatArray) -> FloatArray:
    """The downlink rate at the SINR that the bin is stored to reach."""
    radio = evidence.settings.radio
    sinr_db = needed_sinr_db(radio) + np.nan_to_num(margin_db, nan=-np.inf) + _TOLERANCE_DB
    return downlink_rate_mbps(radio, np.asarray(10.0 ** (0.1 * np.minimum(sinr_db, 100.0)), dtype=np.float64))


def _held(evidence: Evidence, draws: RateDraws) -> FloatArray:
    """Probability by bin that some cell stands above the SINR at which a link is lost."""
    ratio = 10.0 ** (0.1 * evidence.settings.radio.handover.qout_db)
    return replace(draws, need_ratio=ratio).on_bins()[:, 0]
