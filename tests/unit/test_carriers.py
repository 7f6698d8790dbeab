"""Carriers: resource blocks, bands, shares of time, noise; and Doppler on them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from trassa.errors import InputError
from trassa.radio.carrier import BANDS, Carrier
from trassa.radio.doppler import doppler_check, doppler_hz, doppler_sinr_ceiling_db


@pytest.mark.parametrize(
    ("technology", "bandwidth_mhz", "subcarrier_khz", "blocks"),
    [
        ("nr", 10, 15, 52), ("nr", 20, 15, 106), ("nr", 50, 15, 270), ("nr", 100, 30, 273), ("nr", 90, 30, 245),
        ("nr", 5, 30, 11), ("nr", 100, 60, 135), ("nr", 10, 60, 11), ("lte", 1.4, 15, 6), ("lte", 20, 15, 100),
    ],
)  # fmt: skip
def test_resource_blocks(technology: Any, bandwidth_mhz: float, subcarrier_khz: int, blocks: int) -> None:
    carrier = Carrier(technology, 2000.0, bandwidth_mhz, subcarrier_khz)
    assert (carrier.resource_blocks, carrier.resource_elements) == (blocks, 12 * blocks)


@pytest.mark.parametrize(
    ("subcarrier_khz", "guards_khz"),
    [
        (15, {5: 242.5, 10: 312.5, 15: 382.5, 20: 452.5, 25: 522.5, 30: 592.5, 40: 552.5, 50: 692.5}),
        (
            30,
            {
                5: 505,
                10: 665,
                15: 645,
                20: 805,
                25: 785,
                30: 945,
                40: 905,
                50: 1045,
                60: 825,
                80: 925,
                90: 885,
                100: 845,
            },
        ),
        (60, {10: 1010, 15: 990, 20: 1330, 25: 1310, 30: 1290, 40: 1610, 50: 1570, 60: 1530, 80: 1450, 90: 1410}),
    ],
)
def test_blocks_leave_the_guard_bands_of_the_standard(subcarrier_khz: int, guards_khz: dict[float, float]) -> None:
    """TS 38.101-1 Table 5.3.3-1: half of what the blocks leave, less half a subcarrier."""
    for bandwidth_mhz, guard_khz in guards_khz.items():
        carrier = Carrier("nr", 3500.0, bandwidth_mhz, subcarrier_khz)
        left_khz = 1000.0 * bandwidth_mhz - carrier.resource_elements * subcarrier_khz
        assert 0.5 * (left_khz - subcarrier_khz) == guard_khz, bandwidth_mhz


@pytest.mark.parametrize(
    ("subcarrier_khz", "added"),
    [(15, {3: 15, 35: 188, 45: 242}), (30, {35: 92, 45: 119, 70: 189}), (60, {35: 44, 45: 58, 70: 93, 100: 135})],
)
def test_channels_that_came_later(subcarrier_khz: int, added: dict[float, int]) -> None:
    for bandwidth_mhz, blocks in added.items():
        assert Carrier("nr", 3500.0, bandwidth_mhz, subcarrier_khz).resource_blocks == blocks


def test_noise() -> None:
    carrier = Carrier("lte", 806.0, 10.0)
    assert carrier.noise_per_re_dbm - 10.0 * math.log10(15_000.0) == pytest.approx(-174.0, abs=0.03)
    assert Carrier("nr", 3500.0, 100.0, 30).noise_per_re_dbm - carrier.noise_per_re_dbm == pytest.approx(
        3.0103, abs=1e-4
    )


def test_power_per_resource_element() -> None:
    """46 dBm over 20 MHz of LTE are 15.2 dBm per resource element."""
    assert Carrier("lte", 1842.5, 20.0).eirp_per_re_dbm(46.0) == pytest.approx(15.21, abs=0.005)


@pytest.mark.parametrize(
    ("band", "spacing_mhz"),
    [
        ("b1", 190),
        ("b3", 95),
        ("b7", 120),
        ("b8", 45),
        ("b20", -41),
        ("b28", 55),
        ("b31", 10),
        ("n1", 190),
        ("n28", 55),
    ],
)
def test_duplex_spacings(band: str, spacing_mhz: float) -> None:
    """TS 36.101 Table 5.7.4-1."""
    found = BANDS[band]
    assert (found.duplex, found.duplex_spacing_mhz) == ("fdd", spacing_mhz)
    assert found.uplink_mhz[1] - found.uplink_mhz[0] == found.downlink_mhz[1] - found.downlink_mhz[0]


@pytest.mark.parametrize("band", ["b38", "b40", "n38", "n40", "n41", "n77", "n78"])
def test_bands_that_share_one_range(band: str) -> None:
    assert (BANDS[band].duplex, BANDS[band].uplink_mhz) == ("tdd", BANDS[band].downlink_mhz)


def test_uplink_follows_the_band() -> None:
    assert Carrier("lte", 806.0, 10.0, band="b20").uplink_mhz == 847.0
    assert Carrier("lte", 806.0, 10.0).uplink_mhz == 806.0
    assert Carrier("lte", 806.0, 10.0, band="b20", uplink_mhz=840.0).uplink_mhz == 840.0
    assert Carrier("lte", 1842.5, 20.0, band="b3").uplink_excess_db == pytest.approx(-0.460, abs=0.001)
    assert Carrier("lte", 806.0, 10.0, band="b20").uplink_excess_db == pytest.approx(0.431, abs=0.001)


def test_shares_of_time() -> None:
    fdd, tdd = Carrier("nr", 3500.0, 20.0, 30), Carrier("nr", 3500.0, 20.0, 30, "tdd", downlink_share=0.7)
    assert tdd.downlink_elements_per_s == pytest.approx(0.7 * fdd.downlink_elements_per_s)
    assert fdd.downlink_elements_per_s == 51 * 12 * 14 * 2000
    assert tdd.uplink_share + tdd.downlink_share + 4 / 70 == pytest.approx(1.0)
    assert fdd.uplink_block_elements_per_s == 12 * 14 * 2000
    assert tdd.uplink_block_elements_per_s == pytest.approx(tdd.uplink_share * fdd.uplink_block_elements_per_s)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"bandwidth_mhz": 7.0}, "lte has no channel of 7 MHz at 15 kHz. Try: one of 1.4, 3, 5, 10, 15, 20 MHz"),
        ({"subcarrier_khz": 30}, "lte has no channel of 10 MHz at 30 kHz. Try: another spacing: 15 kHz"),
        ({"technology": "nr", "bandwidth_mhz": 100.0}, "nr has no channel of 100 MHz at 15 kHz"),
        ({"technology": "nr", "subcarrier_khz": 45}, "another spacing: 15, 30, 60 kHz"),
        ({"band": "n20"}, "lte band 'n20' is not known. Try: b1, b3"),
        ({"band": "b99"}, "lte band 'b99' is not known"),
        ({"band": "b38"}, "band b38 is tdd, not fdd"),
        ({"band": "b20", "frequency_mhz": 820.0}, "downlink 820 ± 5 MHz leaves band b20, 791..821 MHz"),
        ({"band": "b20", "uplink_mhz": 806.0}, "uplink 806 ± 5 MHz leaves band b20, 832..862 MHz"),
        ({"duplex": "tdd", "downlink_share": 0.96}, "downlink share 0.96 lies outside 0..0.943"),
    ],
)
def test_carriers_that_cannot_be(words: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as raised:
        Carrier(**({"technology": "lte", "frequency_mhz": 806.0, "bandwidth_mhz": 10.0} | words))
    assert told in str(raised.value)


@pytest.mark.parametrize(
    ("speed_kmh", "frequency_ghz", "shift_hz"),
    [
        (130, 0.7, 84),
        (130, 0.8, 96),
        (130, 1.8, 217),
        (130, 3.5, 422),
        (250, 0.8, 185),
        (250, 2.6, 602),
        (250, 5.9, 1367),
    ],
)
def test_doppler(speed_kmh: float, frequency_ghz: float, shift_hz: float) -> None:
    assert doppler_hz(speed_kmh, 1000.0 * frequency_ghz) == pytest.approx(shift_hz, abs=0.6)


def test_doppler_of_the_standards_trains() -> None:
    """TS 36.101 Table B.3-1 was derived from band 7: 300 km/h at its upper edge make 750 Hz."""
    assert doppler_hz(300.0, 2690.0) == pytest.approx(750.0, abs=3.0)
    assert doppler_hz(500.0, 3600.0) == pytest.approx(1667.0, abs=1.0)


def test_doppler_check() -> None:
    motorway = doppler_check(Carrier("nr", 3500.0, 100.0, 30, "tdd", "n78"), 130.0)
    assert motorway.within_tested
    assert motorway.tested_hz == 1667.0
    assert motorway.sinr_ceiling_db > 30.0
    assert not doppler_check(Carrier("nr", 3500.0, 50.0, 15, "tdd", "n78"), 300.0).within_tested
    assert not doppler_check(Carrier("nr", 3500.0, 50.0, 60, "tdd", "n78"), 30.0).within_tested
    assert doppler_check(Carrier("lte", 806.0, 10.0, band="b20"), 0.0).sinr_ceiling_db == math.inf


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
def test_doppler_ceiling_is_what_a_shifted_symbol_keeps(share: float) -> None:
    """A symbol of one subcarrier is shifted and taken apart again into its 4,096 subcarriers."""
    samples = np.arange(4096)
    power = np.abs(np.fft.fft(np.exp(2j * np.pi * (100.0 + share) * samples / 4096.0)) / 4096.0) ** 2
    ceiling_db = 10.0 * math.log10(power[100] / np.delete(power, 100).sum())
    assert doppler_sinr_ceiling_db(share * 15_000.0, 15) == pytest.approx(ceiling_db, abs=1e-4)
