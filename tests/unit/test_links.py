"""Links: who is in reach, what unknown ground does, and that threads and blocks change nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pyproj import Geod

from trassa.errors import InputError
from trassa.radio.links import Links, smooth_links, terrain_links
from trassa.road.ground import GroundGrid

GEOD = Geod(ellps="WGS84")
MODEL = {"frequency_mhz": 800.0, "receiver_antenna_m": 1.5, "dn_per_km": 45.0}


LAST_BITS_DB = 1e-4


def flat(height_m: float = 100.0, west: float = 10.0) -> GroundGrid:
    ground = np.full((400, 600), height_m, np.float32)
    return GroundGrid(50.3, west, 1 / 1200, 1 / 1200, ground, np.zeros_like(ground), "bare", 60.0)


def row_of_places(count: int, west: float = 10.05) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Latitude, longitude and ground of places along 0.4° of a parallel."""
    return np.full(count, 50.15), (west + np.linspace(0.0, 0.4, count) + 180.0) % 360.0 - 180.0, np.full(count, 100.0)


def links_over(ground: GroundGrid, receivers=None, heights=(25.0, 35.0), **options) -> Links:
    place = row_of_places(7)
    receiver = row_of_places(150) if receivers is None else receivers
    return terrain_links(ground, *place, np.tile(heights, (7, 1)), *receiver, **(MODEL | {"reach_m": 8000.0} | options))


def test_links_are_those_within_reach() -> None:
    place, receiver = row_of_places(7), row_of_places(150)
    distance_m = GEOD.inv(
        *(np.broadcast_to(a, (7, 150)) for a in (place[1][:, None], place[0][:, None], receiver[1], receiver[0]))
    )[2]
    links = links_over(flat())
    np.testing.assert_array_equal(links.place, np.nonzero(distance_m <= 8000.0)[0])
    np.testing.assert_array_equal(links.receiver, np.nonzero(distance_m <= 8000.0)[1])
    assert links.place_start.dtype == np.int64
    assert links.receiver.dtype == np.int32
    assert links.loss_db.dtype == np.float32
    assert links.loss_db.shape == (len(links), 2)
    assert np.isfinite(links.loss_db).all()


def test_higher_masts_lose_less_over_flat_ground() -> None:
    links = links_over(flat())
    far = links.loss_db[:, 0] > 110.0
    assert (links.loss_db[far, 1] < links.loss_db[far, 0]).all()


def test_threads_change_nothing() -> None:
    rng = np.random.default_rng(3)
    ground = replace(flat(), ground_m=rng.uniform(50.0, 200.0, (400, 600)).astype(np.float32))
    one, two = links_over(ground, threads=1), links_over(ground, threads=2)
    # sums in float32 are ordered by where the arrays lie in memory: the last bit is not promised
    np.testing.assert_allclose(one.loss_db, two.loss_db, rtol=0.0, atol=LAST_BITS_DB)
    np.testing.assert_array_equal(one.receiver, two.receiver)


def test_order_of_receivers_changes_nothing_but_the_order() -> None:
    lat, lon, height = row_of_places(150)
    shuffled = np.random.default_rng(1).permutation(150)
    plain, mixed = links_over(flat()), links_over(flat(), (lat[shuffled], lon[shuffled], height[shuffled]))
    table = np.full((2, 7, 150), np.inf)
    table[0, plain.place, plain.receiver] = plain.loss_db[:, 0]
    table[1, mixed.place, shuffled[mixed.receiver]] = mixed.loss_db[:, 0]
    np.testing.assert_allclose(table[0], table[1], rtol=0.0, atol=LAST_BITS_DB)


def test_unknown_ground_makes_no_link() -> None:
    ground = flat()
    ground.ground_m[:, 290] = np.nan
    links = links_over(ground)
    wall = ground.west_deg + 290 * ground.step_lon_deg
    crossing = (row_of_places(7)[1][links.place] < wall) != (row_of_places(150)[1][links.receiver] < wall)
    apart = np.abs(row_of_places(150)[1][links.receiver] - wall) > 3 * ground.step_lon_deg
    assert np.isinf(links.loss_db[crossing & apart]).all()
    assert np.isfinite(links.loss_db[~crossing & apart]).all()
    assert crossing.any()


def test_unknown_road_or_mast_ground_makes_no_link() -> None:
    lat, lon, height = row_of_places(150)
    height[10] = np.nan
    links = links_over(flat(), (lat, lon, height))
    np.testing.assert_array_equal(np.isinf(links.loss_db[:, 0]), links.receiver == 10)


def test_paths_that_leave_the_grid_make_no_link() -> None:
    links = links_over(replace(flat(), ground_m=flat().ground_m[:, :300], clutter_m=flat().clutter_m[:, :300]))
    outside = (row_of_places(150)[1] > 10.0 + 299 / 1200)[links.receiver]
    outside |= (row_of_places(7)[1] > 10.0 + 299 / 1200)[links.place]
    np.testing.assert_array_equal(np.isinf(links.loss_db[:, 0]), outside)


def test_height_that_is_not_offered_has_no_link() -> None:
    links = links_over(flat(), heights=(np.nan, 35.0))
    assert np.isinf(links.loss_db[:, 0]).all()
    np.testing.assert_array_equal(links.loss_db[:, 1], links_over(flat()).loss_db[:, 1])


def test_the_date_line_is_a_meridian_like_any_other() -> None:
    here = links_over(flat())
    place, receiver = row_of_places(7, 179.85), row_of_places(150, 179.85)
    assert receiver[1].min() < -179.0
    options = MODEL | {"reach_m": 8000.0}
    there = terrain_links(flat(west=179.8), *place, np.tile((25.0, 35.0), (7, 1)), *receiver, **options)
    np.testing.assert_allclose(there.loss_db, here.loss_db, atol=1e-4)


def test_a_place_on_the_road_itself_is_finite() -> None:
    links = links_over(flat(), row_of_places(7))
    assert np.isfinite(links.loss_db).all()


def test_progress_ends_at_one() -> None:
    shares: list[float] = []
    links_over(flat(), progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_nothing_in_reach() -> None:
    links = links_over(flat(), (np.array([10.0]), np.array([100.0]), np.array([0.0])))
    assert len(links) == 0
    assert links.place_start.tolist() == [0] * 8
    assert len(links_over(flat(), (np.empty(0), np.empty(0), np.empty(0)))) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frequency_mhz": 8.0}, "outside 30…6000 MHz"),
        ({"receiver_antenna_m": 0.0}, "outside 1…3000 m"),
        ({"dn_per_km": 200.0}, "N-units/km"),
        ({"heights": (0.0, 10.0)}, "leave P.1812"),
    ],
)
def test_bounds_of_the_method(options: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        links_over(flat(), **options)


def test_smooth_links_take_the_distance_along_and_across() -> None:
    links = smooth_links([1000.0], [300.0], [[30.0]], [600.0, 1000.0, 1400.0, 9000.0], reach_m=5000.0, **MODEL)
    assert links.receiver.tolist() == [0, 1, 2]
    assert links.loss_db[0, 0] == links.loss_db[2, 0]  # 500 m each
    assert links.loss_db[1, 0] < links.loss_db[0, 0]
    none = smooth_links([1000.0], [6000.0], [[30.0]], [1000.0], reach_m=5000.0, **MODEL)
    assert len(none) == 0


def test_smooth_links_are_terrain_links_over_flat_ground() -> None:
    """A parallel is straight enough here for measure to be distance, and the level of the plain plays no part."""
    lat, lon, _ = row_of_places(150)
    along_m = GEOD.inv(np.full(150, lon[0]), np.full(150, lat[0]), lon, lat)[2]
    plain, masts, heights = np.full(150, 2000.0), slice(0, None, 25), np.tile((25.0, 35.0), (6, 1))
    terrain = terrain_links(
        flat(2000.0), lat[masts], lon[masts], plain[masts], heights, lat, lon, plain, reach_m=8000.0, **MODEL
    )
    smooth = smooth_links(along_m[masts], 0.0, heights, along_m, reach_m=8000.0, profile_step_m=60.0, **MODEL)
    np.testing.assert_array_equal(terrain.receiver, smooth.receiver)
    np.testing.assert_allclose(terrain.loss_db, smooth.loss_db, atol=1e-3)
