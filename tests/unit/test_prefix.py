"""What one shared cell's heads send adds up within the cyclic prefix and disturbs beyond it, as verification has it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from trassa.plan.verify.radio.draws import Heard, drawn_gains, median_sinr, none_good, shares
from trassa.plan.verify.radio.paths import Receivers
from trassa.plan.verify.radio.prefix import arrivals

STILL = np.ones((4, 2))
"""Draws without shadowing."""


def two_heads(later: float) -> Heard:
    """One bin that hears two sites of one cell alike, 10 dB above the noise, one of them so many prefixes later."""
    same = np.array([10.0, 10.0])
    return Heard(np.array([0, 2]), np.array([0, 1]), np.array([0, 0]), same, same, np.array([3.0, 3.0 + later]))


@pytest.mark.parametrize(
    ("later", "reached"), [(0.9, 20.0), (1.1, 10.0 / 11.0), (-0.9, 20.0)], ids=["within", "beyond", "first"]
)
def test_heads_add_up_within_one_prefix(later: float, reached: float) -> None:
    """10 + 10 over a noise of 1, or 10 over 1 + 10."""
    for need, met in ((0.999 * reached, 1.0), (1.001 * reached, 0.0)):
        out = np.zeros((1, 2))
        shares(two_heads(later), STILL, need, 0, 1, out)
        assert out[0, 0] == met
    assert median_sinr(two_heads(later))[0] == (20.0 if abs(later) < 1.0 else 10.0)


@pytest.mark.parametrize(("subcarrier_khz", "prefix_m"), [(15, 1405.3), (30, 702.6), (60, 351.3)])
def test_the_prefix_is_144_of_2048_samples_long(subcarrier_khz: int, prefix_m: float) -> None:
    """TS 38.211 table 5.3.1: 4.69 µs at 15 kHz, which light goes in 1405 m."""
    mast: Any = SimpleNamespace(
        latitude_deg=np.array([np.nan]), longitude_deg=np.array([np.nan]), measure_m=np.array([500.0]),
        offset_m=np.array([0.0]),
    )  # fmt: skip
    radio: Any = SimpleNamespace(subcarrier_khz=subcarrier_khz)
    measure_m = 500.0 + np.array([0.0, prefix_m, -2.0 * prefix_m])
    receivers = Receivers(measure_m, np.full(3, np.nan), np.full(3, np.nan), np.zeros(3))
    found = arrivals(mast, 0, receivers, np.arange(3), radio)
    np.testing.assert_allclose(found, [0.0, 1.0, 2.0], atol=3e-4)


@pytest.mark.parametrize("correlation_ratio", [0.0, 0.5, 0.9])
def test_no_site_is_good_as_often_as_drawn(correlation_ratio: float) -> None:
    """Quadrature against two million plain draws of three sites, one of them with two sectors."""
    wanted = np.array([1.0, 0.2, 3.0, 0.7])
    heard = Heard(np.array([0, 4]), np.array([0, 0, 1, 2]), np.arange(4), wanted, wanted, np.zeros(4))
    gains = drawn_gains(3, 2_000_000, 8.0, correlation_ratio, seed=3)
    node, weight = np.polynomial.hermite_e.hermegauss(128)
    spread = (8.0 * np.sqrt(correlation_ratio), 8.0 * np.sqrt(1.0 - correlation_ratio))
    for away, left in ((-1, wanted[[0, 2, 3]]), (1, np.array([1.0, 0.0, 0.7]))):
        drawn = float((left * gains < 2.0).all(axis=1).mean())
        out = np.empty(1)
        none_good(heard, np.array([0]), 2.0, np.array([away]), spread, (node, weight / weight.sum()), out)
        assert abs(out[0] - drawn) < 4.0 * np.sqrt(drawn * (1.0 - drawn) / len(gains)) + 1e-4
