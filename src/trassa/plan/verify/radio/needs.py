"""The level that a bin needs, worked out again from trassa.toml: the RSRP asked for, or what the rates take.

Only the tables are shared with the planner (resource blocks of a channel, efficiencies of the CQI tables); the sums are
done here, one allocation of the uplink after another.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from trassa.radio.carrier import Carrier
from trassa.radio.rate import CQI_64QAM, CQI_256QAM, CqiTable
from trassa.radio.settings import RadioSettings

__all__ = [
    "downlink_rate_mbps",
    "level_without_loss_dbm",
    "needed_level_dbm",
    "needed_sinr_db",
    "noise_dbm",
    "uplink_rate_mbps",
]

_KTB_DBM_PER_HZ = 10.0 * math.log10(1.380649e-20 * 290.0)
_DOWN, _UP = 0.6, 0.4
_OVERHEAD = {"nr": (0.14, 0.08), "lte": (48.0 / 168.0, 2.0 / 14.0)}
_GUARD = 4.0 / 70.0


def level_without_loss_dbm(radio: RadioSettings) -> float:
    """RSRP in dBm where nothing is lost on the way: EIRP, the vehicle's gains and losses, the calibration."""
    return radio.eirp_per_re_dbm + radio.vehicle_gain_dbi - radio.penetration_loss_db + radio.calibration_offset_db


def needed_level_dbm(radio: RadioSettings) -> float:
    """The RSRP in dBm from which everything promised on a bin is met; ∞ where the carrier cannot carry a rate."""
    if not (radio.rate_down_mbps or radio.rate_up_mbps):
        return radio.need_rsrp_dbm
    return max(radio.need_rsrp_dbm, _down_dbm(radio), _up_dbm(radio))


def needed_sinr_db(radio: RadioSettings) -> float:
    """The SINR in dB on one antenna of the vehicle from which the downlink rate is carried."""
    snr_db = _snr_db(1e6 * radio.rate_down_mbps / _carrying_per_s(radio), _DOWN, CQI_256QAM)
    return snr_db - 10.0 * math.log10(radio.vehicle_branches)


def downlink_rate_mbps(radio: RadioSettings, sinr_ratio: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """What the whole carrier carries in Mbit/s at an SINR on one antenna of the vehicle; any shape."""
    bits = _DOWN * np.log2(1.0 + radio.vehicle_branches * sinr_ratio)
    bits[bits < CQI_256QAM.efficiency[0]] = 0.0
    return np.asarray(1e-6 * _carrying_per_s(radio) * np.minimum(bits, CQI_256QAM.efficiency[-1]), dtype=np.float64)


def _carrying_per_s(radio: RadioSettings) -> float:
    """Resource elements of the downlink that carry data, per second."""
    share = radio.downlink_share if radio.duplex == "tdd" else 1.0
    elements = 12.0 * _blocks(radio) * 14_000.0 * radio.subcarrier_khz / 15.0 * share
    return elements * (1.0 - _OVERHEAD[radio.technology][0])


def uplink_rate_mbps(radio: RadioSettings, loss_db: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The uplink rate in Mbit/s of the best allocation at coupling losses in dB, shape (n,)."""
    best = np.zeros(len(loss_db))
    for blocks in filter(_is_allocation, range(1, _blocks(radio) + 1)):
        floor_dbm = _noise_dbm(radio) + 10.0 * math.log10(12.0 * blocks) + radio.site_noise_figure_db
        bits = _UP * np.log2(1.0 + 10.0 ** (0.1 * (_up_received_dbm(radio) - loss_db - floor_dbm)))
        bits[bits < CQI_64QAM.efficiency[0] * (1.0 - 1e-9)] = 0.0
        rate = 1e-6 * blocks * _up_block_elements_per_s(radio) * np.minimum(bits, CQI_64QAM.efficiency[-1])
        best = np.maximum(best, rate)
    return best


def _up_block_elements_per_s(radio: RadioSettings) -> float:
    """Resource elements of one resource block of the uplink that carry data, per second."""
    share = 1.0 - radio.downlink_share - _GUARD if radio.duplex == "tdd" else 1.0
    return 12.0 * 14_000.0 * radio.subcarrier_khz / 15.0 * share * (1.0 - _OVERHEAD[radio.technology][1])


def _up_received_dbm(radio: RadioSettings) -> float:
    """What the vehicle's whole power gives at the site where nothing is lost on the way."""
    received_dbm = radio.vehicle_power_dbm + radio.vehicle_gain_dbi - radio.penetration_loss_db + radio.site_gain_dbi
    received_dbm -= 20.0 * math.log10(_carrier(radio).uplink_mhz / radio.frequency_mhz)
    return received_dbm + 10.0 * math.log10(radio.site_branches)


def noise_dbm(radio: RadioSettings) -> float:
    """Noise of the vehicle's receiver in one resource element, dBm."""
    return _noise_dbm(radio) + radio.vehicle_noise_figure_db


def _down_dbm(radio: RadioSettings) -> float:
    return noise_dbm(radio) + needed_sinr_db(radio) if radio.rate_down_mbps else -math.inf


def _up_dbm(radio: RadioSettings) -> float:
    """The RSRP at the coupling loss that the best allocation of the uplink still bears."""
    if not radio.rate_up_mbps:
        return -math.inf
    per_block, received_dbm = _up_block_elements_per_s(radio), _up_received_dbm(radio)
    best_db = -math.inf
    for blocks in range(1, _blocks(radio) + 1):
        if _is_allocation(blocks):
            snr_db = _snr_db(1e6 * radio.rate_up_mbps / (blocks * per_block), _UP, CQI_64QAM)
            floor_dbm = _noise_dbm(radio) + 10.0 * math.log10(12.0 * blocks) + radio.site_noise_figure_db + snr_db
            best_db = max(best_db, received_dbm - floor_dbm)
    return radio.eirp_per_re_dbm + radio.vehicle_gain_dbi - radio.penetration_loss_db - best_db


def _is_allocation(blocks: int) -> bool:
    for prime in (2, 3, 5):
        while blocks % prime == 0:
            blocks //= prime
    return blocks == 1


def _snr_db(efficiency: float, alpha: float, table: CqiTable) -> float:
    """The SNR at which the attenuated Shannon bound gives so many bits per resource element."""
    lowest, top = float(table.efficiency[0]), float(table.efficiency[-1])
    if efficiency > top:
        return math.inf
    return 10.0 * math.log10(2.0 ** (max(efficiency, lowest) / alpha) - 1.0)


def _noise_dbm(radio: RadioSettings) -> float:
    """Thermal noise in one resource element."""
    return _KTB_DBM_PER_HZ + 10.0 * math.log10(1000.0 * radio.subcarrier_khz)


def _blocks(radio: RadioSettings) -> int:
    return _carrier(radio).resource_blocks


def _carrier(radio: RadioSettings) -> Carrier:
    spacing, width = radio.subcarrier_khz, radio.bandwidth_mhz
    return Carrier(radio.technology, radio.frequency_mhz, width, spacing, radio.duplex, radio.band, radio.uplink_mhz)
