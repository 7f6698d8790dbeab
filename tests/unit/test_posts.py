"""Kilometre posts: what is rejected, what is a jump, and what labels read."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trassa.linear import Calibration, Carriageway, KmLabel, LabelNotFound
from trassa.road.findings import Note
from trassa.road.milestones import read_km
from trassa.road.posts import JudgedPost, Post, calibrated, label_sense

LENGTH_M = 21_000.0


def post(measure_m: float, label_km: float, carriageway: Carriageway = "increasing", osm_id: int = 0) -> Post:
    return Post(measure_m, label_km, carriageway, 0.0, 0.0, osm_id)


def noisy_posts(seed: int = 1, spread_m: float = 40.0) -> list[Post]:
    chance = random.Random(seed)
    return [post(1000.0 * i + chance.uniform(-spread_m, spread_m), 100.0 + i, osm_id=i) for i in range(1, 20)]


def judged(posts: list[Post]) -> tuple[Calibration, list[JudgedPost], list[Note]]:
    return calibrated(posts, LENGTH_M, reference="increasing", script="Latn")


def rejected(posts: list[Post]) -> list[float]:
    return [verdict.post.label_km for verdict in judged(posts)[1] if not verdict.accepted]


@given(st.integers(0, 10_000), st.integers(0, 18), st.sampled_from([-1.0, 1.0]))
@settings(max_examples=60, deadline=None)
def test_a_post_that_is_300_m_off_is_rejected_and_no_other(seed: int, index: int, sign: float) -> None:
    posts = noisy_posts(seed)
    good = posts[index]
    posts[index] = post(good.measure_m, good.label_km + 0.3 * sign, osm_id=99)
    assert rejected(posts) == [posts[index].label_km]
    random.Random(seed).shuffle(posts)
    assert len(rejected(posts)) == 1


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_honest_posts_stay_and_read_exactly(seed: int) -> None:
    posts = noisy_posts(seed)
    calibration, verdicts, _ = judged(posts)
    assert all(verdict.accepted and verdict.knot for verdict in verdicts)
    for one in posts:
        assert float(calibration.km(one.measure_m)) == pytest.approx(one.label_km, abs=1e-9)
        assert calibration.measure_at_km(one.label_km) == pytest.approx(one.measure_m, abs=1e-6)


def test_thirty_metres_on_all_moves_labels_and_rejects_none() -> None:
    posts = noisy_posts()
    moved = [post(p.measure_m, p.label_km + 0.03) for p in posts]
    assert rejected(moved) == []
    at = np.linspace(0.0, LENGTH_M, 50)
    np.testing.assert_allclose(judged(moved)[0].km(at) - judged(posts)[0].km(at), 0.03, atol=1e-9)


def test_order_of_reading_plays_no_part() -> None:
    posts = [*noisy_posts(), post(4400.0, 104.9, osm_id=50), post(8010.0, 108.0, "decreasing", 51)]
    first = judged(posts)
    for seed in range(5):
        random.Random(seed).shuffle(posts)
        again = judged(posts)
        assert again == first


def test_jump_is_split_in_the_middle_and_its_labels_do_not_exist() -> None:
    before = [post(1000.0 * i, 100.0 + i) for i in range(1, 6)]
    after = [post(1000.0 * i, 108.0 + i) for i in range(7, 12)]
    calibration, verdicts, notes = judged([*before, *after])
    assert all(verdict.accepted for verdict in verdicts)
    (jump,) = [note for note in notes if note.kind == "chainage_jump"]
    assert "+8.000 km" in jump.detail
    assert (jump.start_m, jump.end_m) == (5000.0, 7000.0)
    assert float(calibration.km(5999.0)) == pytest.approx(105.999)
    assert float(calibration.km(6001.0)) == pytest.approx(114.001)
    with pytest.raises(LabelNotFound, match=r"km 110\+000 does not exist"):
        calibration.measure(KmLabel(110))


def test_two_posts_behind_a_jump_suffice_and_one_does_not() -> None:
    before = [post(1000.0 * i, 100.0 + i) for i in range(1, 6)]
    assert rejected([*before, post(6000.0, 111.0), post(7000.0, 112.0)]) == []
    assert rejected([*before, post(6000.0, 111.0)]) == [111.0]


def test_a_jump_of_a_few_hundred_metres_takes_three_posts() -> None:
    before = [post(1000.0 * i, 100.0 + i) for i in range(1, 6)]
    after = [post(1000.0 * i, 100.4 + i) for i in range(6, 9)]
    assert rejected([*before, *after[:2]]) == [106.4, 107.4]
    assert rejected([*before, *after]) == []


def test_two_agreeing_bad_posts_in_the_middle_are_rejected() -> None:
    posts = noisy_posts(spread_m=10.0)
    posts[8] = post(posts[8].measure_m, posts[8].label_km + 2.0)
    posts[9] = post(posts[9].measure_m, posts[9].label_km + 2.0)
    assert rejected(posts) == [posts[8].label_km, posts[9].label_km]


def test_posts_of_one_cross_section_count_once_and_the_reference_one_reads_exactly() -> None:
    posts = [post(1000.0, 1.0), post(2000.0, 2.0), post(2030.0, 2.003, "decreasing"), post(3000.0, 3.0)]
    calibration, verdicts, _ = judged(posts)
    assert [verdict.accepted for verdict in verdicts] == [True] * 4
    assert [verdict.knot for verdict in verdicts] == [True, True, False, True]
    assert float(calibration.km(2000.0)) == pytest.approx(2.0)


def test_equal_labels_far_apart_are_not_one_place() -> None:
    assert len(rejected([post(1000.0, 1.0), post(2000.0, 2.0), post(2600.0, 2.0), post(3000.0, 3.0)])) == 1


def test_dense_posts_with_metres_of_noise_are_no_jumps() -> None:
    chance = random.Random(3)
    posts = [post(100.0 * i + chance.uniform(-12.0, 12.0), 5.0 + 0.1 * i) for i in range(1, 150)]
    calibration, verdicts, notes = judged(posts)
    assert all(verdict.accepted for verdict in verdicts)
    assert [note.kind for note in notes if note.severity == "warning"] == []
    assert all(interval.start_km < interval.end_km for interval in calibration.intervals)


def test_beyond_the_posts_scale_is_one_and_flagged() -> None:
    calibration, _, notes = judged([post(5000.0, 10.0), post(6000.0, 11.0)])
    assert float(calibration.km(1000.0)) == pytest.approx(6.0)
    assert float(calibration.extrapolated_by_m(1000.0)) == pytest.approx(4000.0)
    assert [note.kind for note in notes] == ["extrapolated", "extrapolated"]


def test_without_posts_labels_run_from_the_start() -> None:
    calibration, verdicts, notes = judged([])
    assert float(calibration.km(3500.0)) == pytest.approx(3.5)
    assert verdicts == []
    assert [note.kind for note in notes] == ["no_posts"]


def test_a_misfit_within_the_stretch_is_told() -> None:
    _, _, notes = judged([post(1000.0, 1.0), post(2000.0, 2.0), post(5700.0, 5.87), post(6700.0, 6.87)])
    (note,) = [note for note in notes if note.kind == "stretch"]
    assert "+170 m" in note.detail


def test_sense_of_labels_survives_a_bad_post() -> None:
    measure = [0.0, 1000.0, 2000.0, 3000.0]
    assert label_sense(measure, [10.0, 9.0, 8.0, 7.0]) == -1
    assert label_sense(measure, [10.0, 11.0, 2.0, 13.0]) == 1
    assert label_sense([5.0], [1.0]) == 0


@pytest.mark.parametrize(
    ("tags", "km"),
    [
        ({"distance": "350.0"}, 350.0),
        ({"distance": "350,5"}, 350.5),
        ({"distance": "350 km"}, 350.0),
        ({"pk": "12+300"}, 12.3),
        ({"distance": "10 mi"}, 16.09344),
        ({"name": "км 258"}, 258.0),
        ({"ref": "A 4"}, None),
        ({"distance": "?"}, None),
        ({}, None),
    ],
)
def test_what_a_post_says(tags: dict[str, str], km: float | None) -> None:
    assert read_km(tags) == (None if km is None else pytest.approx(km))
