"""The search in rounds against the programme that has a row for every bin from the start."""

from __future__ import annotations

import numpy as np
import pytest

from drawn_road import drawn_road
from trassa.provenance import Progress, no_progress
from trassa.radio import site_search
from trassa.radio.bins import Bins, Points, bins_of, points_of, sample_points
from trassa.radio.budget import Budget, Deduction
from trassa.radio.candidates import Candidates, candidates_of
from trassa.radio.coverage import rows_of, served_slots
from trassa.radio.field import field_of
from trassa.radio.links import Links
from trassa.radio.recount import cost_of, necessities, short_bins, without_surplus
from trassa.radio.settings import RadioSettings
from trassa.radio.site_search import SiteSearch
from trassa.radio.siting import solve_siting


class RaggedPaths:
    """Losses that rise with distance and jump about from point to point, the same for every call."""

    by_measure_only = False

    def __init__(self, ragged_db: float, seed: int = 0, blind: tuple[float, float] = (0.0, 0.0)) -> None:
        self.ragged_db, self.seed, self.blind = ragged_db, seed, blind

    def links(self, candidates: Candidates, points: Points, progress: Progress = no_progress) -> Links:
        away_m = np.abs(candidates.measure_m[:, None] - points.measure_m)
        phase = np.sin(candidates.measure_m[:, None] * 0.37 + points.measure_m * 1.91 + points.carriageway + self.seed)
        jump_db = self.ragged_db * (np.modf(np.abs(phase) * 43758.5453)[0] * 2.0 - 1.0)
        loss = 80.0 + 0.012 * away_m[..., None] - 0.5 * (candidates.height_m[:, None, :] - 25.0) + jump_db[..., None]
        hidden = (points.measure_m >= self.blind[0]) & (points.measure_m < self.blind[1])
        loss[:, hidden & (points.carriageway == 0)] += 60.0
        place, receiver = np.nonzero(away_m <= 6000.0)
        start = np.searchsorted(place, np.arange(len(candidates) + 1))
        return Links(start, receiver.astype(np.int32), loss[place, receiver].astype(np.float32))


SETTINGS = RadioSettings(new_mast_spacing_m=500.0, siting_gap=0.0)
BUDGET = Budget(15.0, 0.0, -110.0, 13.0, {"within_bin_db": Deduction(0.5, "test")})


def search(paths: RaggedPaths, settings: RadioSettings = SETTINGS, length_m: float = 12_000.0) -> SiteSearch:
    road = drawn_road(length_m, tunnels=[(4000.0, 4500.0)], holes=[(9000.0, 9200.0)])
    bins = bins_of(road, settings.exempt_structures)
    return SiteSearch(paths, candidates_of(road, None, settings), points_of(road), bins, settings)


def exact_optimum(work: SiteSearch, paths: RaggedPaths, servers: int) -> int:
    """The cheapest plan over rows for all counted bins, each relaxed to what can serve it."""
    links = paths.links(work.candidates, work.points)
    serves = served_slots(links, BUDGET.largest_loss_db, len(work.points))
    counted = work.bins.counted
    rows = rows_of(serves, work.bins.start[counted], work.bins.end[counted], servers, 2)
    return solve_siting(rows, work.candidates.cost_minor.ravel(), 2, gap=0.0, time_limit_s=60.0).cost_minor


@pytest.mark.parametrize("ragged_db", [0.0, 1.5, 4.0])
@pytest.mark.parametrize("any_site_down", [False, True])
def test_rounds_reach_the_optimum_over_all_bins(ragged_db: float, any_site_down: bool) -> None:
    settings = SETTINGS.model_copy(update={"any_site_down": any_site_down, "siting_step_m": 150.0})
    paths = RaggedPaths(ragged_db)
    work = search(paths, settings)
    found = work.find(BUDGET)
    assert found.result.status == "optimal"
    assert found.result.cost_minor == exact_optimum(work, paths, work.servers)
    if ragged_db == 4.0:
        assert found.rounds > 1, "the test needs bins that the samples do not see"
    assert not len(short_bins(work.book, found.result.slots, BUDGET, found.need))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("any_site_down", [False, True])
def test_a_plan_mended_from_the_first_round_on_is_the_optimum_too(
    monkeypatch: pytest.MonkeyPatch, any_site_down: bool, seed: int
) -> None:
    monkeypatch.setattr(site_search, "_WHOLE_ROUNDS", 1)
    settings = SETTINGS.model_copy(update={"any_site_down": any_site_down, "siting_step_m": 150.0})
    paths = RaggedPaths(4.0, seed)
    work = search(paths, settings)
    found = work.find(BUDGET)
    assert len(work.exact), "the test needs bins that the samples do not see"
    assert found.result.cost_minor == exact_optimum(work, paths, work.servers)
    assert not len(short_bins(work.book, found.result.slots, BUDGET, found.need))


def test_wider_sampling_gives_the_same_plan_cost() -> None:
    paths = RaggedPaths(1.5)
    fine = search(paths, SETTINGS.model_copy(update={"siting_step_m": 10.0})).find(BUDGET)
    wide = search(paths, SETTINGS.model_copy(update={"siting_step_m": 200.0})).find(BUDGET)
    assert fine.result.cost_minor == wide.result.cost_minor


def test_blind_stretch_is_relaxed_and_named_and_the_rest_still_served() -> None:
    paths = RaggedPaths(1.0, blind=(6000.0, 6100.0))
    work = search(paths)
    found = work.find(BUDGET)
    start_m = work.points.measure_m[work.bins.start[found.relaxed]]
    assert np.all(work.points.carriageway[work.bins.start[found.relaxed]] == 0)
    assert (start_m.min(), start_m.max()) == (5990.0, 6090.0)
    assert np.all(found.need[found.relaxed] == 0)
    assert found.result.cost_minor == exact_optimum(work, paths, 2)


def test_field_matches_a_plain_count() -> None:
    work = search(RaggedPaths(2.0))
    found = work.find(BUDGET)
    field = field_of(work.book, found.result.slots, BUDGET)
    links = RaggedPaths(2.0).links(work.candidates, work.points)
    dense = np.full((len(work.points), len(work.candidates), 2), np.inf)
    dense[links.receiver, links.place] = links.loss_db
    worse = np.maximum(dense[work.bins.start], dense[work.bins.end]).reshape(len(work.bins), -1)
    margins = BUDGET.largest_loss_db - worse[:, list(found.result.slots)]
    ranked = np.sort(margins, axis=1)[:, ::-1]
    assert np.array_equal(field.count, (margins >= 0.0).sum(axis=1))
    assert np.array_equal(np.nan_to_num(field.margin_db, nan=-np.inf), ranked[:, 0])
    assert np.array_equal(np.nan_to_num(field.second_margin_db, nan=-np.inf), ranked[:, 1])
    best = np.where(field.best >= 0, margins[np.arange(len(margins)), field.best], -np.inf)
    assert np.array_equal(best, ranked[:, 0])
    rsrp_dbm = field.margin_db + BUDGET.need_rsrp_dbm + BUDGET.fade_margin_db + BUDGET.deducted_db
    assert np.allclose(field.rsrp_dbm, rsrp_dbm, atol=1e-9, equal_nan=True)


def test_surplus_is_taken_out_and_masts_shortened() -> None:
    work = search(RaggedPaths(0.0))
    found = work.find(BUDGET)
    padded = {slot // 2: slot | 1 for slot in found.result.slots} | {p: 2 * p + 1 for p in range(0, 20, 3)}
    slots = without_surplus(work.book, sorted(padded.values()), BUDGET, found.need)
    assert cost_of(work.book, slots) < cost_of(work.book, list(padded.values()))
    assert not len(short_bins(work.book, slots, BUDGET, found.need))
    field = field_of(work.book, slots, BUDGET)
    for number, one in enumerate(necessities(work.book, field, found.need)):
        assert one is not None
        rest = [slot for slot in slots if slot != slots[number]]
        assert one.bin in short_bins(work.book, rest, BUDGET, found.need)


def test_every_deleted_site_is_noticed() -> None:
    work = search(RaggedPaths(2.0))
    found = work.find(BUDGET)
    slots = without_surplus(work.book, found.result.slots, BUDGET, found.need)
    for slot in slots:
        assert len(short_bins(work.book, [other for other in slots if other != slot], BUDGET, found.need))


def test_smaller_budget_costs_more_and_uses_the_same_losses() -> None:
    class Counting(RaggedPaths):
        calls = 0

        def links(self, candidates: Candidates, points: Points, progress: Progress = no_progress) -> Links:
            Counting.calls += len(points) > 700 and len(candidates) > 20
            return super().links(candidates, points, progress)

    work = search(Counting(0.0))
    cheap = work.find(BUDGET).result.cost_minor
    tight = Budget(15.0, 0.0, -110.0, 13.0, {"within_bin_db": Deduction(6.0, "test")})
    dear = work.find(tight).result.cost_minor
    assert dear > cheap
    assert work.find(BUDGET).result.cost_minor == cheap
    assert Counting.calls == 1


def test_two_heights_of_one_place_wanted_at_once_lowers_one_of_them() -> None:
    class Contrary(RaggedPaths):
        """The short mast serves the first half only, the tall one the second half only; one place."""

        def links(self, candidates: Candidates, points: Points, progress: Progress = no_progress) -> Links:
            given = super().links(candidates, points, progress)
            first = points.measure_m[given.receiver] < 500.0
            loss_db = np.where(np.column_stack([first, ~first]), 50.0, 300.0).astype(np.float32)
            return Links(given.place_start, given.receiver, loss_db)

    settings = SETTINGS.model_copy(update={"new_mast_spacing_m": 5000.0, "any_site_down": False})
    found = search(Contrary(0.0), settings, length_m=1000.0).find(BUDGET)
    assert len(found.result.slots) == 1
    assert len(found.relaxed) in (100, 102)


def test_sample_points_hold_both_ends_of_every_run() -> None:
    road = drawn_road(1000.0, tunnels=[(300.0, 395.0)], holes=[(700.0, 720.0)])
    bins, points = bins_of(road, ["tunnel"]), points_of(road)
    at = points.measure_m[sample_points(bins, 30.0)]
    first = at[: int(np.argmax(np.diff(at) < 0)) + 1]
    assert first.tolist()[:11] == [*range(0, 300, 30), 300.0]
    assert {400.0, 700.0, 720.0, 1000.0} <= set(first.tolist())
    assert not ((first > 300.0) & (first < 400.0)).any()


def test_bins_touching_a_tunnel_are_exempt_and_holes_have_none() -> None:
    road = drawn_road(1000.0, tunnels=[(305.0, 395.0)], holes=[(700.0, 720.0)])
    bins, points = bins_of(road, ["tunnel"]), points_of(road)
    start_m = points.measure_m[bins.start]
    exempt = start_m[bins.exempt == "tunnel"]
    assert sorted(set(exempt.tolist())) == list(range(300, 400, 10))
    assert not set(start_m.tolist()) & {700.0, 710.0}
    assert len(bins) == 2 * 98
    assert np.all(bins_of(road, []).exempt == "")


def test_bins_counted_are_those_without_a_rule() -> None:
    bins = Bins(np.array([0, 1, 2]), np.array([1, 2, 3]), np.array(["", "tunnel", ""], dtype=object))
    assert bins.counted.tolist() == [0, 2]


def test_a_point_asks_for_no_more_than_the_bins_beside_it() -> None:
    """Two places see one sample point and nothing else: no bin can use them, so nobody should build them."""

    class Keyhole(RaggedPaths):
        def links(self, candidates: Candidates, points: Points, progress: Progress = no_progress) -> Links:
            given = super().links(candidates, points, progress)
            at, where = points.measure_m[given.receiver], candidates.measure_m[given.place]
            sees = (at == 3000.0) == np.isin(where, (2500.0, 3500.0))
            return Links(given.place_start, given.receiver, np.where(sees[:, None], given.loss_db, np.float32(300.0)))

    paths = Keyhole(0.0)
    work = search(paths)
    found = work.find(BUDGET)
    built = work.candidates.measure_m[np.array(found.result.slots) // 2]
    assert not set(built.tolist()) & {2500.0, 3500.0}
    assert work.points.measure_m[work.bins.start[found.relaxed]].tolist() == [2990.0, 3000.0] * 2
    assert found.result.cost_minor == exact_optimum(work, paths, 2)
