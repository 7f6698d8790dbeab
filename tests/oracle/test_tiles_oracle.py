"""Tiles against places that others addressed: the Bing specification, mercantile's page, the NordicWay exchange."""

from __future__ import annotations

import pytest

from trassa.vehicles.tiles import quadkey, tile_side_m

# latitude, longitude, quadkey on level 14: well-known places in the public tests of the NordicWay interchange
NORDIC_PLACES = [
    (59.9304610, 10.7115718, "12002131122311"),
    (60.4732, 22.0054, "12003113303021"),
    (59.3235075, 18.0972829, "12003122130131"),
    (55.7351130, 9.1309000, "12020110011133"),
]


@pytest.mark.parametrize(("latitude_deg", "longitude_deg", "expected"), NORDIC_PLACES)
def test_places_lie_in_the_tiles_that_nordicway_gives_them(
    latitude_deg: float, longitude_deg: float, expected: str
) -> None:
    assert quadkey(latitude_deg, longitude_deg) == expected


def test_tile_3_5_of_level_3_is_213() -> None:
    """The example of the Bing Maps tile system page: column 3, row 5, level 3 is 213."""
    assert quadkey(-55.0, -25.0, 3) == "213"


def test_mercantiles_example() -> None:
    """mercantile's page: tile x 486, y 332, level 10 is 0313102310; its centre is 53.2265 N 8.9648 W."""
    assert quadkey(53.2265, -8.9648, 10) == "0313102310"


@pytest.mark.parametrize(
    ("latitude_deg", "level", "side_m"), [(0.0, 1, 20_037_508.0), (60.0, 14, 1223.0), (55.75, 14, 1377.0)]
)
def test_sides_of_tiles(latitude_deg: float, level: int, side_m: float) -> None:
    """Ground resolution of the specification: cos(latitude) · 40 075 017 m / 2^level."""
    assert tile_side_m(latitude_deg, level) == pytest.approx(side_m, rel=1e-3)
