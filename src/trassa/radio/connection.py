"""The connection that every bin of a plan gives: rates, reliability, and the risk of an interruption."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from trassa.linear import Layer
from trassa.radio.budget import Budget, combining_db, link_budget_of
from trassa.radio.field import Field
from trassa.radio.joint_service import Hidden, JointJudge, Judged
from trassa.radio.layers import SCHEMAS

__all__ = ["ahead_layer"]

FloatArray = npt.NDArray[np.float64]


def ahead_layer(judge: JointJudge, judged: Judged, field: Field, budget: Budget, hidden: Hidden) -> Layer:
    """What a vehicle is told of the road before it: one row for every bin that counts.

    The downlink rate is that of the SINR which is reached at the promised reliability, by its lower bound; the uplink
    rate that of the best server after shadowing and deductions. The risk of an interruption is the probability, by its
    upper bound, that no cell stands above the SINR at which a link is lost.
    """
    settings, points, bins = judge.settings, judge.points, judge.bins
    link = link_budget_of(settings)
    at = np.flatnonzero(bins.exempt == "")
    sinr_db = np.nan_to_num(judged.up.margin_low_db, nan=-np.inf) + judge.need.sinr_db
    sinr_db += combining_db(settings.vehicle_branches)
    # what a calibration takes from every level is lost on the way; the link's own budget knows no calibration
    vehicle_db = budget.vehicle_gain_dbi - settings.calibration_offset_db
    coupling_db = budget.eirp_per_re_dbm + vehicle_db - budget.need_rsrp_dbm - field.margin_db
    lost = replace(judge.need, sinr_db=settings.handover.qout_db)
    held, _, _ = judge.reliability(judged.signals, hidden, lost, judged.sharing.together)
    carriageways = np.array(points.carriageways, dtype=object)
    return Layer.from_columns(
        SCHEMAS["ahead"],
        start_m=points.measure_m[bins.start[at]],
        end_m=points.measure_m[bins.end[at]],
        carriageway=carriageways[points.carriageway[bins.start[at]]],
        rate_down_mbps=link.downlink.rate_mbps(sinr_db[at]),
        rate_up_mbps=link.uplink_rate_mbps(
            np.nan_to_num(coupling_db[at], nan=np.inf) - combining_db(settings.site_branches)
        ),
        reliability=judged.up.probability_low[at],
        interruption_risk=1.0 - held.probability_low[at],
        confidence=np.full(len(at), 1.0 - judge.sampling.risk),
    )
