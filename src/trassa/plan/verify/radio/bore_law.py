"""The levels in bores, worked out again from trassa.toml and the table of the cable."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.decibels import standard_normal_quantile
from trassa.plan.verify.radio.bores import DueBore
from trassa.plan.verify.radio.needs import needed_level_dbm
from trassa.radio.carrier import Carrier
from trassa.radio.settings import RadioSettings

__all__ = ["BoreLaw", "bore_law", "heard_db"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BoreLaw:
    """Levels in a bore: at the port, after fades, and what is lost by distance."""

    level_dbm: float
    fade_db: float
    need_dbm: float
    split_db: float
    db_per_m: float
    cable: bool
    frequency_ghz: float
    lane_m: float
    longitudinal_db: float
    coupling_db: float
    power_dbm: float

    def margin_db(self, along_m: FloatArray, split: bool) -> FloatArray:
        """Margin so far along the bore from a head-end."""
        lost = self.db_per_m * along_m + (self.split_db if split else 0.0)
        if not self.cable:
            slant_km = np.sqrt(along_m**2 + self.lane_m**2) / 1000.0
            lost = lost + 92.4 + 20.0 * np.log10(self.frequency_ghz) + 20.0 * np.log10(slant_km)
        return np.asarray(self.level_dbm - lost - self.fade_db - self.need_dbm, dtype=np.float64)


def bore_law(radio: RadioSettings) -> BoreLaw:
    """The law of the promised service with the head-ends of ``[radio.tunnel]``."""
    tunnel = radio.tunnel
    carrier = Carrier(
        radio.technology, radio.frequency_mhz, radio.bandwidth_mhz, radio.subcarrier_khz, radio.duplex, radio.band,
        radio.uplink_mhz, radio.downlink_share,
    )  # fmt: skip
    power_dbm = tunnel.power_dbm - 10.0 * math.log10(12.0 * carrier.resource_blocks)
    head = {"eirp_per_re_dbm": power_dbm, "site_gain_dbi": 0.0, "site_noise_figure_db": tunnel.noise_figure_db}
    alone = {"site_branches": 1, "uplink_mhz": radio.frequency_mhz, "band": ""}
    need_dbm = needed_level_dbm(radio.model_copy(update=head | alone))
    level_dbm = power_dbm - tunnel.feed_loss_db + radio.vehicle_gain_dbi - radio.penetration_loss_db
    z, both = standard_normal_quantile(radio.reliability), [carrier.frequency_mhz, carrier.uplink_mhz]
    ghz, lane_m = max(both) / 1000.0, tunnel.lane_distance_m
    if tunnel.serve == "repeater":
        level_dbm += tunnel.antenna_gain_dbi
        slope = tunnel.excess_db_per_100m / 100.0
        common = (level_dbm, z * tunnel.sigma_db, need_dbm, tunnel.splitter_loss_db, slope)
        return BoreLaw(*common, False, ghz, lane_m, math.nan, math.nan, power_dbm)
    mhz, longitudinal, coupling = (np.array(column) for column in zip(*tunnel.rows, strict=True))
    at = np.log(both)
    longitudinal_db = float(np.exp(np.interp(at, np.log(mhz), np.log(longitudinal))).max())
    coupling_db = float(np.interp(at, np.log(mhz), coupling).max())
    level_dbm -= coupling_db + 2.15 + tunnel.distance_law_db * math.log10(lane_m / 2.0)
    fade_db = z * tunnel.sigma_db + max(0.0, z - standard_normal_quantile(0.95)) * tunnel.local_sigma_db
    slope = longitudinal_db / 100.0 * (1.0 + tunnel.cable_slack)
    common = (level_dbm, fade_db, need_dbm, tunnel.splitter_loss_db, slope)
    return BoreLaw(*common, True, ghz, lane_m, longitudinal_db, coupling_db, power_dbm)


def heard_db(bore: DueBore, law: BoreLaw) -> FloatArray:
    """Margin of each of the bore's stored head-ends on each bin, −inf where another one cuts it off."""
    start, end, ends = bore.at_m[:-1], bore.at_m[1:], (bore.at_m[0], bore.at_m[-1])
    found = np.full((len(bore.heads_m), len(start)), -np.inf)
    for row, head_m in enumerate(bore.heads_m):
        far_m = np.maximum(np.abs(start - head_m), np.abs(end - head_m))
        split = not law.cable or min(abs(head_m - one) for one in ends) > 1e-6
        margin = law.margin_db(far_m, split)
        middle = 0.5 * (start + end)
        cut = np.zeros(len(start), dtype=bool)
        for other_m in bore.heads_m:
            cut |= (np.minimum(head_m, middle) < other_m - 1e-6) & (other_m + 1e-6 < np.maximum(head_m, middle))
        found[row] = np.where(cut & law.cable, -np.inf, margin)
    return found
