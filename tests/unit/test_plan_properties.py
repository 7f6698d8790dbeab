"""What must hold of every plan against noise: more power, one site more, and the road driven the other way round."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthetic_plan import synthetic_road
from trassa.radio.antenna import SectorPattern
from trassa.radio.antenna_settings import AntennaSettings
from trassa.radio.bins import Bins, Points, bins_of, points_of
from trassa.radio.budget import Budget, coupling_limits, link_budget_of
from trassa.radio.candidates import Candidates, candidates_of
from trassa.radio.field import Field, LossBook, field_of
from trassa.radio.options import Options
from trassa.radio.paths import SmoothPaths
from trassa.radio.settings import RadioSettings
from trassa.radio.site_search import SiteSearch

LENGTH_M = 9000.0
ROAD = synthetic_road(LENGTH_M)
RADIO = RadioSettings(
    new_mast_heights_m=[25.0, 40.0],
    new_mast_spacing_m=700.0,
    existing_mast_max_offset_m=0.0,
    siting_gap=0.0,
    antenna=AntennaSettings(
        kind="sector", sectors=["both", "ahead", "back"], tilts_deg=[1.0, 5.0], back_offs_db=[0.0, 6.0]
    ),
)
PATTERN = SectorPattern(15.0)
OFFERED = candidates_of(ROAD, None, RADIO)


@dataclass(frozen=True)
class Case:
    """One carriageway with some of its places, as the product's search takes them."""

    settings: RadioSettings
    candidates: Candidates
    points: Points
    bins: Bins

    def search(self) -> SiteSearch:
        return SiteSearch(SmoothPaths(self.settings, PATTERN), self.candidates, self.points, self.bins, self.settings)

    def field(self, slots: list[int]) -> Field:
        book = LossBook(SmoothPaths(self.settings, PATTERN), self.candidates, self.points, self.bins)
        return field_of(book, slots, Budget.of(self.settings, {}))

    def mirrored(self) -> Case:
        """The same road with its measure counted from the other end: what looked ahead looks back."""
        options, places = self.candidates.options, self.candidates
        turned = Options(options.mast, options.back, options.ahead, options.tilt_deg, options.back_off_db)
        there = places.take(np.arange(len(places))[::-1])
        there = replace(there, measure_m=LENGTH_M - there.measure_m, options=turned)
        last = len(self.points) - 1
        points = self.points.take(np.arange(last, -1, -1))
        bins = self.bins.take(np.arange(len(self.bins))[::-1])
        return Case(
            self.settings,
            there,
            replace(points, measure_m=LENGTH_M - points.measure_m),
            Bins(last - bins.end, last - bins.start, bins.exempt),
        )


def one_carriageway() -> tuple[Points, Bins]:
    points, bins = points_of(ROAD), bins_of(ROAD, RADIO.exempt_structures)
    count = int(np.count_nonzero(points.carriageway == 0))
    kept = np.flatnonzero(bins.end < count)
    return points.take(np.arange(count)), bins.take(kept)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Three to seven places at drawn prices; how weak the power is decides how many of them are needed."""
    rows = draw(st.lists(st.integers(0, len(OFFERED) - 1), min_size=3, max_size=7, unique=True))
    places = OFFERED.take(np.array(sorted(rows)))
    shape = places.cost_minor.shape
    price = draw(st.lists(st.integers(10, 60), min_size=shape[0], max_size=shape[0]))
    beside = draw(st.lists(st.floats(5.0, 400.0), min_size=shape[0], max_size=shape[0]))
    cost = np.array(price)[:, None] * 1000 + places.cost_minor // 100_000
    radio = RADIO.model_copy(
        update={
            "eirp_per_re_dbm": draw(st.floats(14.0, 30.0)),
            "any_site_down": draw(st.booleans()),
            "sigma_db": draw(st.sampled_from([0.0, 8.0])),
        }
    )
    points, bins = one_carriageway()
    return Case(radio, replace(places, cost_minor=cost, offset_m=np.array(beside)), points, bins)


@given(cases())
@settings(max_examples=25, deadline=None)
def test_the_mirrored_road_has_the_same_least_cost_and_the_mirrored_plan_serves_it(case: Case) -> None:
    there, budget = case.mirrored(), Budget.of(case.settings, {})
    found, turned = case.search().find(budget), there.search().find(budget)
    assert (found.result.status, turned.result.status) == ("optimal", "optimal")
    assert turned.result.cost_minor == found.result.cost_minor
    np.testing.assert_array_equal(turned.need, found.need[::-1])
    options, last = len(case.candidates.options), len(case.candidates) - 1
    slots = [(last - slot // options) * options + slot % options for slot in found.result.slots]
    served, mirror = case.field(list(found.result.slots)), there.field(slots)
    np.testing.assert_allclose(mirror.margin_db, served.margin_db[::-1], rtol=0.0, atol=1e-4)
    counted = case.bins.counted
    assert (served.count[counted] >= found.need[counted]).all()
    assert (mirror.count[::-1][counted] >= found.need[counted]).all()


@given(cases(), st.data())
@settings(max_examples=40, deadline=None)
def test_one_site_more_breaks_nothing_that_was_served(case: Case, data: st.DataObject) -> None:
    options = len(case.candidates.options)
    hung = data.draw(
        st.lists(st.integers(0, options - 1), min_size=len(case.candidates), max_size=len(case.candidates))
    )
    slots = [place * options + option for place, option in enumerate(hung)]
    fewer, more = case.field(slots[:-1]), case.field(slots)
    assert (more.count >= fewer.count).all()
    assert (np.nan_to_num(more.margin_db, nan=-np.inf) >= np.nan_to_num(fewer.margin_db, nan=-np.inf)).all()
    assert (
        np.nan_to_num(more.second_margin_db, nan=-np.inf) >= np.nan_to_num(fewer.second_margin_db, nan=-np.inf)
    ).all()


@given(cases(), st.floats(0.1, 20.0))
@settings(max_examples=25, deadline=None)
def test_more_power_serves_all_that_less_power_served_at_no_higher_cost(case: Case, louder_db: float) -> None:
    louder = replace(
        case,
        settings=case.settings.model_copy(update={"eirp_per_re_dbm": case.settings.eirp_per_re_dbm + louder_db}),
    )
    found = case.search().find(Budget.of(case.settings, {}))
    before, after = case.field(list(found.result.slots)), louder.field(list(found.result.slots))
    assert (after.count >= before.count).all()
    known = np.isfinite(before.margin_db)
    np.testing.assert_allclose(after.margin_db[known] - before.margin_db[known], louder_db, rtol=0.0, atol=1e-6)
    cheaper = louder.search().find(Budget.of(louder.settings, {}))
    if (cheaper.need == found.need).all():  # where more places reach a bin, more may be asked of it
        assert cheaper.result.cost_minor <= found.result.cost_minor


CARRIERS = [
    {"technology": "lte", "bandwidth_mhz": 10.0, "frequency_mhz": 800.0},
    {"technology": "nr", "bandwidth_mhz": 20.0, "frequency_mhz": 778.0, "band": "n28"},
    {"technology": "nr", "bandwidth_mhz": 100.0, "frequency_mhz": 3500.0, "subcarrier_khz": 30, "duplex": "tdd"},
]


@pytest.mark.parametrize("carrier", CARRIERS, ids=["lte", "nr fdd", "nr tdd"])
@given(
    loss_db=st.floats(60.0, 200.0),
    louder_db=st.floats(0.0, 40.0),
    rates=st.tuples(st.floats(0.1, 5), st.floats(0.1, 2)),
)
@settings(max_examples=60, deadline=None)
def test_more_power_never_lowers_a_rate(
    carrier: dict[str, object], loss_db: float, louder_db: float, rates: tuple[float, float]
) -> None:
    """Against noise: either end louder, either rate at least as high, and no need met at less loss than before."""
    quiet = RadioSettings(**carrier, rate_down_mbps=rates[0], rate_up_mbps=rates[1], vehicle_power_dbm=0.0)  # type: ignore[arg-type]
    louder = quiet.model_copy(
        update={
            "eirp_per_re_dbm": quiet.eirp_per_re_dbm + louder_db,
            "vehicle_power_dbm": min(quiet.vehicle_power_dbm + louder_db, 33.0),
        }
    )
    before, after = link_budget_of(quiet), link_budget_of(louder)
    assert after.downlink_rate_mbps(loss_db) >= before.downlink_rate_mbps(loss_db)
    assert after.uplink_rate_mbps(loss_db) >= before.uplink_rate_mbps(loss_db) * (1.0 - 1e-12)
    limits, wider = coupling_limits(quiet), coupling_limits(louder)
    assert all(wider[name] >= limit_db for name, limit_db in limits.items())
