"""Tiles of places, lines and borders."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trassa.vehicles.tiles import quadkey, quadkeys, tile_side_m, tiles_touching


def plain_floor(latitude_deg: float, longitude_deg: float, level: int = 14) -> str:
    """The tile without the half pixel, written another way: by halving the square again and again."""
    y = 0.5 - np.arctanh(np.sin(np.radians(latitude_deg))) / (2 * np.pi)
    x = (longitude_deg + 180.0) / 360.0
    digits = ""
    for _ in range(level):
        x, y = 2 * x, 2 * y
        digits += str(int(x >= 1) + 2 * int(y >= 1))
        x, y = x % 1, y % 1
    return digits


def test_half_a_pixel_names_another_tile_for_one_place_in_270() -> None:
    rng = np.random.default_rng(1)
    lat, lon = rng.uniform(40, 70, 20_000), rng.uniform(0, 60, 20_000)
    other = np.mean([a != plain_floor(y, x) for a, y, x in zip(quadkeys(lat, lon), lat, lon, strict=True)])
    assert 0.003 < other < 0.0045


@given(st.floats(-80, 80), st.floats(-179, 179), st.floats(10, 200))
def test_an_area_has_the_tile_of_its_place_however_the_reader_rounds(
    latitude_deg: float, longitude_deg: float, margin_m: float
) -> None:
    tiles = tiles_touching([latitude_deg], [longitude_deg], 14, margin_m)
    assert quadkey(latitude_deg, longitude_deg) in tiles
    assert plain_floor(latitude_deg, longitude_deg) in tiles
    assert len(tiles) <= 4


@given(st.floats(45, 70), st.floats(0, 60), st.floats(0, 360), st.floats(100, 8000))
def test_no_tile_under_a_line_is_left_out(
    latitude_deg: float, longitude_deg: float, azimuth_deg: float, length_m: float
) -> None:
    steps = np.linspace(0, length_m, 400)
    north, east = np.cos(np.radians(azimuth_deg)), np.sin(np.radians(azimuth_deg))
    lat = latitude_deg + steps * north / 111_320
    lon = longitude_deg + steps * east / (111_320 * np.cos(np.radians(latitude_deg)))
    tiles = tiles_touching(lat[[0, -1]], lon[[0, -1]])
    assert set(quadkeys(lat[[0, -1]], lon[[0, -1]])) <= set(tiles)
    straight = np.linspace(lat[0], lat[-1], 400), np.linspace(lon[0], lon[-1], 400)
    assert set(quadkeys(*straight)) <= set(tiles)
    assert len(tiles) <= 4 + 3 * length_m / tile_side_m(71.0)


def test_tiles_come_sorted_and_none_for_no_line() -> None:
    tiles = tiles_touching([55.0, 55.1], [37.0, 37.1])
    assert list(tiles) == sorted(set(tiles))
    assert tiles_touching([], []) == ()


@pytest.mark.parametrize("level", [0, 23])
def test_levels_without_tiles_are_refused(level: int) -> None:
    with pytest.raises(ValueError, match="level"):
        quadkey(55.0, 37.0, level)
