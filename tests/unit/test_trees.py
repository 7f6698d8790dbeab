"""Passive trees: sharing against every partition, budgets by hand, every metre cut by itself, what is refused."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from drawn_road import drawn_road
from trassa.errors import InputError
from trassa.linear import Extent
from trassa.optical.access.trees import cheapest_trees
from trassa.optical.plan import OpticalPlan, plan_optical
from trassa.optical.plant.drops import Connection, Drop, Refusal, drops_of
from trassa.optical.plant.layout import SpanLayout, SpanPlant
from trassa.optical.plant.lengths import verge_of
from trassa.optical.service_settings import ServiceClass, shipped_services
from trassa.optical.settings import OpticalSettings

ROAD_M = 14_000.0


def _rules(split: int = 4, rate_mbps: float = 20.0, **changes: object) -> OpticalSettings:
    camera = ServiceClass(name="camera", access="tree", protection="feeder", split=split, rate_mbps=rate_mbps)
    others = [service for service in shipped_services() if service.name != "camera"]
    return OpticalSettings(services=[*others, camera], check_transmission=False, **changes)


def _span(places: Sequence[float], rules: OpticalSettings, end_m: float = ROAD_M) -> tuple[list[Drop], SpanPlant]:
    """Cameras at some places of one span from 0 to ``end_m``, and its plant."""
    verge = verge_of(drawn_road(end_m), "increasing", reel_route_m=3800.0, shortest_part_m=500.0)
    cameras = [Connection(f"C-{n:02d}", m, "increasing", 30.0 + n, "camera") for n, m in enumerate(places)]
    drops = drops_of(cameras, verge, Extent(0.0, end_m), rules)
    return drops, SpanLayout(verge, 0.0, end_m, [d.tap_m for d in drops], rules, entry_m=rules.hut_entry_m).to(end_m)


def _loss_db(
    drop: Drop, at_m: float, hut_m: float, plant: SpanPlant, split: int, rules: OpticalSettings
) -> list[float]:
    """Least, typical and greatest loss of one branch from one hut, without attenuator, and its fibre in metres."""
    cable = plant.cable
    fibre = [float(m) for m in cable.fibre_m([drop.tap_m, at_m, hut_m])]
    fibre_m = abs(fibre[2] - fibre[1]) + abs(fibre[1] - fibre[0]) + drop.lengths.fibre_m
    between = [sorted((hut_m, at_m)), sorted((at_m, drop.tap_m))]
    splices = 4 + sum(low < joint < high for low, high in between for joint in plant.joints_m)
    splices += drop.tap_m != at_m
    splitter = next(row for row in rules.trees.splitters if row.split == split)
    fixed = splices * rules.splice_loss_db + 2.0 * rules.connector_loss_db
    km, grown = fibre_m / 1000.0, rules.helix_ratio / rules.helix_ratio_low
    return [
        rules.first_day_ratio * (km * rules.attenuation_1550_db_per_km + fixed) + splitter.least_loss_db,
        km * rules.attenuation_1310_db_per_km + fixed + splitter.typical_loss_db + 0.4,
        km * grown * rules.attenuation_1310_db_per_km
        + fixed
        + splitter.greatest_loss_db
        + 0.4
        + rules.repair_margin_db,
        fibre_m,
    ]


def _price(group: Sequence[Drop], at_m: float, plant: SpanPlant, split: int, rules: OpticalSettings) -> float:
    """The cheapest class for one tree with its splitter somewhere, in minor units; inf where none closes."""
    best = math.inf
    rate = sum(rules.service(d.connection.service).rate_mbps for d in group)
    grown = rules.helix_ratio / rules.helix_ratio_low
    for pon in rules.trees.pons:
        minor = 2 * pon.olt_port.amount_minor + len(group) * pon.onu.amount_minor
        minor += next(row for row in rules.trees.splitters if row.split == split).price.amount_minor
        fits = rate <= 0.9 * min(pon.rate_down_mbps, pon.rate_up_mbps)
        for hut_m in (0.0, plant.cable.end_m):
            ways = [_loss_db(drop, at_m, hut_m, plant, split, rules) for drop in group]
            attenuator = math.ceil(max(pon.least_loss_db - min(way[0] for way in ways), 0.0))
            minor += rules.prices.attenuator.amount_minor if attenuator else 0
            fits &= all(way[2] + attenuator <= pon.budget_db and way[3] * grown <= pon.reach_m for way in ways)
        best = min(best, minor) if fits else best
    return best


def _partitions(count: int, most: int) -> Iterator[list[tuple[int, int]]]:
    """Every way to part so many neighbours into groups of at most ``most``."""
    for ends in itertools.chain.from_iterable(itertools.combinations(range(1, count), n) for n in range(count)):
        bounds = [0, *ends, count]
        groups = list(itertools.pairwise(bounds))
        if all(last - first <= most for first, last in groups):
            yield groups


def _brute_force(drops: Sequence[Drop], plant: SpanPlant, split: int, rules: OpticalSettings) -> tuple[float, int, int]:
    """Least price, then millimetres between splitters and taps, then fibres, over all partitions and splitters."""

    def key(first: int, last: int) -> tuple[float, int, int]:
        group, keys = drops[first:last], []
        for at_m in sorted({drop.tap_m for drop in group}):
            route = [float(m) for m in plant.cable.route_m([*(d.tap_m for d in group), at_m])]
            apart_mm = round(1000.0 * sum(abs(m - route[-1]) for m in route[:-1]))
            sides = (sum(d.tap_m < at_m for d in group), sum(d.tap_m > at_m for d in group))
            keys.append((_price(group, at_m, plant, split, rules), apart_mm, 1 + max(sides)))
        in_hut = any(d.tap_m in (0.0, plant.cable.end_m) for d in group) and len({d.tap_m for d in group}) > 1
        return (math.inf, 0, 0) if in_hut else min(keys)

    known = {(a, b): key(a, b) for a in range(len(drops)) for b in range(a + 1, min(a + split, len(drops)) + 1)}
    parted = [[known[group] for group in groups] for groups in _partitions(len(drops), split)]
    return min(tuple(map(sum, zip(*groups, strict=True))) for groups in parted)


@settings(max_examples=30, deadline=None)
@given(
    places=st.lists(st.integers(0, 140), min_size=1, max_size=7),
    split=st.sampled_from([2, 4]),
    rate_mbps=st.sampled_from([20.0, 400.0, 900.0]),
    end_m=st.sampled_from([14_000.0, 17_900.0]),
)
def test_sharing_is_the_best_of_all_partitions(places: list[int], split: int, rate_mbps: float, end_m: float) -> None:
    rules = _rules(split, rate_mbps)
    drops, plant = _span([100.0 * place for place in places], rules, end_m)
    expected = _brute_force(drops, plant, split, rules)
    trees = cheapest_trees(drops, plant, rules)
    assert isinstance(trees, Refusal) == math.isinf(expected[0])
    if isinstance(trees, Refusal):
        return
    cable = plant.cable
    apart_mm = [
        round(1000.0 * sum(abs(float(cable.route_m(b.drop.tap_m) - cable.route_m(t.splitter_m))) for b in t.branches))
        for t in trees
    ]
    assert (sum(t.cost_minor for t in trees), sum(t.fibres for t in trees)) == (expected[0], expected[2])
    assert sum(apart_mm) == pytest.approx(expected[1], abs=len(trees))
    assert sorted(b.drop.connection.name for t in trees for b in t.branches) == sorted(d.connection.name for d in drops)


def test_the_budget_of_a_branch_by_hand() -> None:
    rules = _rules()
    drops, plant = _span([3000.0, 5000.0, 9000.0], rules)
    (tree,) = cheapest_trees(drops, plant, rules)
    assert tree.splitter_m == 5000.0
    assert tree.pon.name == "GPON B+"
    for side, hut_m in ((0, 0.0), (1, ROAD_M)):
        ways = [_loss_db(drop, 5000.0, hut_m, plant, 4, rules) for drop in drops]
        attenuator_db = math.ceil(max(13.0 - min(way[0] for way in ways), 0.0))
        for branch, (least, typical, greatest, fibre_m) in zip(tree.branches, ways, strict=True):
            budget = branch.budgets[side]
            assert branch.lengths[side].fibre_m == pytest.approx(fibre_m, abs=1e-6)
            assert budget.attenuator_db == attenuator_db
            assert budget.first_day_loss_db == pytest.approx(least + attenuator_db, abs=1e-9)
            assert budget.typical_loss_db == pytest.approx(typical + attenuator_db, abs=1e-9)
            assert budget.loss_db == pytest.approx(greatest + attenuator_db, abs=1e-9)
            left, above = 28.0 - greatest - attenuator_db, least + attenuator_db - 13.0
            assert budget.margin_db == pytest.approx(min(left, above), abs=1e-9)
    assert [(b.port, b.fibre) for b in tree.branches] == [(1, 2), (2, 0), (3, 2)]
    assert tree.fibres == 2


def _plan(rules: OpticalSettings, **drawn: object) -> OpticalPlan:
    rng = np.random.default_rng(5)
    at_m = [0.0, 4800.0, *rng.uniform(100.0, 9900.0, 12).round().tolist()]
    road = drawn_road(10_000.0, places=[(4800.0, "P", True)], **drawn)
    names = ("camera", "camera", "sign")
    cameras = [
        Connection(f"K-{n:02d}", m, ("increasing", "decreasing")[n % 2], 25.0, names[n % 3]) for n, m in enumerate(at_m)
    ]
    return plan_optical(road, cameras, rules)


@pytest.mark.parametrize("changes", [{}, {"cables": 2}, {"cables": 2, "second_cable": "same_trench"}])
def test_every_cut_by_brute_force(changes: dict[str, object]) -> None:
    """Each stretch of light walked by itself: stranded are those whose branch, or both of whose feeders, are cut."""
    plan = _plan(_rules(span_limit_m=8000.0, chamber_limit_m=400.0, **changes), bridges=[(6100.0, 6900.0)])
    huts = {str(row["hut"]): row for row in plan.layers["huts"].rows()}
    order = sorted(huts, key=lambda hut: huts[hut]["measure_m"])
    assert len(order) > 2
    links, spans = list(plan.layers["tree_links"].rows()), list(plan.layers["spans"].rows())
    strandings = 0
    for cut in plan.layers["cuts"].rows():
        middle, falls = (cut["start_m"] + cut["end_m"]) / 2.0, str(cut["cables"]).split(",")

        def hit(cable: str, *ends: float, middle: float = middle, falls: Sequence[str] = falls) -> bool:
            return cable in falls and min(ends) < middle < max(ends)

        whole = {s["span"] for s in spans if not hit(str(s["cable"]), s["start_m"], s["end_m"])}
        lit = {order[0], order[-1]}
        for _ in order:
            lit |= {b for s in whole for a, b in itertools.permutations(str(s).split("–")) if a in lit}
        served = {
            row["connection"]
            for row in links
            if row["hut"] in lit
            and not hit(str(row["cable"]), huts[row["hut"]]["measure_m"], row["splitter_m"])
            and not hit(str(row["cable"]), row["splitter_m"], row["measure_m"])
        }
        lost = {row["connection"] for row in links} - served
        assert cut["stranded"] == len(lost), cut
        strandings += len(lost)
    camera = plan.layers["services"].where(service="camera")
    assert camera["pairs_stranded"].tolist() == [strandings]
    assert strandings > 0
    assert plan.layers["services"].where(service="sign")["pairs_stranded"].tolist() == [0]


def test_what_a_tree_is_made_of_is_bought() -> None:
    plan = _plan(_rules(split=4))
    bought = {row.item: row.quantity for row in plan.quantities}
    splitters, links = plan.layers["splitters"], plan.layers["tree_links"]
    assert bought["splitter 2:4"] == len(splitters)
    assert bought["OLT port GPON B+"] == 2 * len(splitters)
    assert bought["ONU GPON B+"] == len(links) / 2
    feeders = {(row["tree"], row["hut"]) for row in links.rows() if row["attenuator_db"] > 0.0}
    assert bought["attenuator"] >= len(feeders) > 0
    assert sum(row["fibres"] for row in splitters.rows()) == int((plan.layers["fibres"]["service"] == "tree").sum())


def test_no_layer_tells_of_trees_where_none_grows() -> None:
    plan = plan_optical(
        drawn_road(5000.0),
        [Connection("K", 900.0, "increasing", 20.0, "camera")],
        OpticalSettings(check_transmission=False),
    )
    assert not {"splitters", "tree_links"} & set(plan.layers)


def test_a_rate_beyond_every_class_is_refused() -> None:
    with pytest.raises(InputError, match=r"tree of 8957\.95 Mbit/s is too little for the 9500 Mbit/s"):
        _plan(_rules(rate_mbps=9500.0))


def test_trees_that_take_all_fibres_are_refused() -> None:
    with pytest.raises(InputError, match="0 fibres left for them beside 6 of trees"):
        _plan(_rules(split=2, fibres=6, backbone_fibres=3, span_limit_m=8000.0))


def test_too_far_for_every_class_is_refused() -> None:
    road = drawn_road(50_000.0)
    with pytest.raises(InputError, match=r"no class of optical\.trees\.pons reaches K from both huts"):
        plan_optical(road, [Connection("K", 25_000.0, "increasing", 20.0, "camera")], _rules(new_power_step_m=90_000.0))


def test_a_tree_that_promises_to_survive_any_cut_is_refused() -> None:
    with pytest.raises(ValidationError, match="cut between its splitter and its place"):
        ServiceClass(name="camera", access="tree", rate_mbps=20.0)
    with pytest.raises(ValidationError, match="that of a tree"):
        ServiceClass(name="camera", access="ring", protection="feeder", rate_mbps=20.0)
