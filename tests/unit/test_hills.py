"""Generated hills: the same everywhere, whatever window is cut."""

from __future__ import annotations

import numpy as np
import pytest

from trassa.errors import InputError
from trassa.road.hills import generated_hills

ARC_SECOND = 1.0 / 3600.0
KNOWN = [221.2, 239.0, 301.4, 431.8]


def test_heights_depend_on_seed_and_place_only() -> None:
    whole = generated_hills(7, 51.0, 9.0, 1300, 400, ARC_SECOND)
    cut = generated_hills(7, 51.0 - 600 * ARC_SECOND, 9.0 + 100 * ARC_SECOND, 200, 150, ARC_SECOND)
    assert whole.dtype == np.float32
    np.testing.assert_array_equal(cut, whole[600:800, 100:250])
    assert np.abs(generated_hills(8, 51.0, 9.0, 1300, 400, ARC_SECOND) - whole).max() > 10.0


def test_known_heights() -> None:
    heights = generated_hills(1, 50.0, 10.0, 1000, 1000, ARC_SECOND)
    assert heights[::333, 500].tolist() == pytest.approx(KNOWN)


def test_hills_look_like_low_mountains() -> None:
    heights = generated_hills(3, 50.0, 10.0, 2400, 2400, ARC_SECOND).astype(np.float64)
    slope = np.abs(np.diff(heights, axis=0)) / 30.9
    print(
        f"heights {heights.min():.0f}…{heights.max():.0f} m, slope mean {slope.mean():.3f}, largest {slope.max():.2f}"
    )
    assert 100.0 < np.ptp(heights) < 800.0
    assert 0.02 < slope.mean() < 0.15
    assert slope.max() < 1.0


def test_nonsense_is_refused() -> None:
    with pytest.raises(InputError, match="positive"):
        generated_hills(1, 50.0, 10.0, 10, 10, 0.0)
    with pytest.raises(InputError, match="grid"):
        generated_hills(1, 50.0, 10.0, 1, 10, ARC_SECOND)
