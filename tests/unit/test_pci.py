"""PCI plans: hard rules counted again bin by bin, and the least cost of soft rules by trying everything."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trassa.errors import InputError
from trassa.radio.neighbours import Neighbours, neighbours_of
from trassa.radio.pci import NR_IDS, NR_MODULI, PciPlan, plan_pci
from trassa.radio.pci_recount import pci_conflicts
from trassa.radio.signals import Signals

Scene = tuple[Signals, np.ndarray]


def scene(seed: int, cells: int, bins: int = 40, heard: int = 3, per_site: int = 2) -> Scene:
    """Random signals along one carriageway, and the bin that follows each."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, min(heard, cells) + 1, bins)
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    cell = np.concatenate([rng.permutation(cells)[:count] for count in counts]).astype(np.int64)
    rsrp = np.concatenate([np.sort(rng.uniform(-100.0, -80.0, count))[::-1] for count in counts])
    following = np.append(np.arange(1, bins), -1)
    return Signals(start, cell, rsrp, rsrp, np.arange(cells) // per_site), following


def motorway(sites: int, per_site: int = 3) -> Scene:
    """Sites every 4 km of two carriageways, heard for 15 km, with sectors that favour a direction each."""
    along = np.concatenate([np.arange(0.0, sites * 4000.0, 50.0)] * 2)
    half = len(along) // 2
    rows: list[tuple[np.ndarray, np.ndarray]] = []
    at = np.arange(sites) * 4000.0 + 1000.0
    for measure in along:
        near = np.flatnonzero(np.abs(at - measure) < 15_000.0)
        away = measure - at[near]
        sector = np.array([10.0, -10.0, 0.0])[:per_site]
        level = -60.0 - 30.0 * np.log10(np.hypot(away, 50.0) / 100.0)[:, None] + np.sign(away)[:, None] * sector
        order = np.argsort(-level.ravel(), kind="stable")
        rows.append(((near[:, None] * per_site + np.arange(per_site)).ravel()[order], level.ravel()[order]))
    start = np.concatenate([[0], np.cumsum([len(cells) for cells, _ in rows])]).astype(np.int64)
    cell = np.concatenate([cells for cells, _ in rows]).astype(np.int64)
    rsrp = np.concatenate([levels for _, levels in rows])
    following = np.concatenate([np.append(np.arange(1, half), -1), np.append(-1, np.arange(half, 2 * half - 1))])
    return Signals(start, cell, rsrp, rsrp, np.repeat(np.arange(sites), per_site)), following


def differing_pairs(signals: Signals, neighbours: Neighbours) -> set[tuple[int, int]]:
    """Pairs of cells that the hard rules keep apart, by their definition."""
    pairs: set[tuple[int, int]] = set()
    for a, b in zip(signals.bin_start[:-1], signals.bin_start[1:], strict=True):
        pairs |= set(itertools.combinations(sorted(signals.cell[a:b].tolist()), 2))
    for cell in range(len(signals.site)):
        near = sorted(neighbours.of(cell).tolist())
        pairs |= {(min(cell, other), max(cell, other)) for other in near} | set(itertools.combinations(near, 2))
    return pairs


def soft_cost(pci: tuple[int, ...], signals: Signals, neighbours: Neighbours, moduli: tuple[int, ...]) -> int:
    """The cost of the soft rules that a plan breaks, by their definition."""
    weight: dict[tuple[int, int], int] = {}
    for row, (a, b) in enumerate(zip(neighbours.source.tolist(), neighbours.cell.tolist(), strict=True)):
        key = (min(a, b), max(a, b))
        weight[key] = weight.get(key, 0) + max(int(neighbours.bins[row] + neighbours.handovers[row].sum()), 1)
    heaviest = max([*weight.values(), 1])
    for a, b in itertools.combinations(range(len(signals.site)), 2):
        if signals.site[a] == signals.site[b]:
            weight[a, b] = weight.get((a, b), 0) + heaviest
    return sum(w for (a, b), w in weight.items() for m in moduli if (pci[a] - pci[b]) % m == 0)


def least_cost(signals: Signals, neighbours: Neighbours, ids: int, moduli: tuple[int, ...]) -> int | None:
    """Least soft cost over all plans that keep the hard rules; None where there is no such plan."""
    pairs = differing_pairs(signals, neighbours)
    costs = [
        soft_cost(pci, signals, neighbours, moduli)
        for pci in itertools.product(range(ids), repeat=len(signals.site))
        if all(pci[a] != pci[b] for a, b in pairs)
    ]
    return min(costs) if costs else None


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("cells", "ids", "moduli"), [(5, 6, (3,)), (4, 8, (2, 4)), (5, 5, (2, 4)), (6, 4, (3,))])
def test_least_cost_or_none_as_trying_everything_finds(
    seed: int, cells: int, ids: int, moduli: tuple[int, ...]
) -> None:
    signals, following = scene(seed, cells, bins=8)
    neighbours = neighbours_of(signals, following)
    least = least_cost(signals, neighbours, ids, moduli)
    if least is None:
        with pytest.raises(InputError, match=f"{ids} identities do not suffice"):
            plan_pci(signals, neighbours, ids=ids, moduli=moduli)
        return
    plan = plan_pci(signals, neighbours, ids=ids, moduli=moduli)
    assert pci_conflicts(signals, following, plan.pci) == []
    assert plan.cost == soft_cost(tuple(plan.pci.tolist()), signals, neighbours, moduli)
    scarce = ids <= cells  # one change at a time cannot always get there
    assert plan.cost >= least if scarce else plan.cost == least


@pytest.mark.parametrize(("cells", "bins", "ids", "seed"), [(9, 10, 3, 39), (10, 14, 5, 53), (12, 14, 4, 52)])
def test_dead_ends_of_the_first_try_are_searched_through(cells: int, bins: int, ids: int, seed: int) -> None:
    """Scenes in which taking the cheapest identity each time leaves a cell with none."""
    signals, following = scene(seed, cells, bins=bins)
    plan = plan_pci(signals, neighbours_of(signals, following), ids=ids, moduli=(3,))
    assert pci_conflicts(signals, following, plan.pci) == []
    assert set(plan.pci.tolist()) <= set(range(ids))


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(2, 30), st.integers(1, 5))
def test_every_plan_keeps_the_hard_rules(seed: int, cells: int, heard: int) -> None:
    signals, following = scene(seed, cells, heard=heard)
    neighbours = neighbours_of(signals, following, symmetric=bool(seed % 2))
    plan = plan_pci(signals, neighbours)
    assert pci_conflicts(signals, following, plan.pci, symmetric=bool(seed % 2)) == []
    assert plan.cost == soft_cost(tuple(plan.pci.tolist()), signals, neighbours, (3, 30))
    assert all(0 <= number < 504 for number in plan.pci.tolist())
    again = plan_pci(signals, neighbours)
    np.testing.assert_array_equal(again.pci, plan.pci)


def test_no_single_change_is_better() -> None:
    signals, following = scene(5, 24, bins=300, heard=4)
    neighbours = neighbours_of(signals, following)
    plan = plan_pci(signals, neighbours)
    assert plan.cost > 0
    ids = tuple(plan.pci.tolist())
    apart = differing_pairs(signals, neighbours)
    for cell in range(24):
        others = {ids[b if a == cell else a] for a, b in apart if cell in (a, b)}
        for number in set(range(60)) - others:
            changed = (*ids[:cell], number, *ids[cell + 1 :])
            assert soft_cost(changed, signals, neighbours, (3, 30)) >= plan.cost


def motorway_plan(sites: int, **options: object) -> tuple[PciPlan, Signals, np.ndarray, Neighbours]:
    signals, following = motorway(sites)
    neighbours = neighbours_of(signals, following)
    return plan_pci(signals, neighbours, **options), signals, following, neighbours  # type: ignore[arg-type]


@pytest.mark.parametrize("options", [{}, {"ids": NR_IDS, "moduli": NR_MODULI}])
def test_sectors_of_a_site_differ_modulo_three_along_a_motorway(options: dict[str, object]) -> None:
    plan, signals, following, neighbours = motorway_plan(40, **options)
    assert pci_conflicts(signals, following, plan.pci) == []
    assert not [one for one in plan.breaks if one.same_site and one.modulus == 3]
    assert not [one for one in plan.breaks if one.modulus == 30]
    assert plan.cost == sum(one.bins for one in plan.breaks)
    assert plan.cost == soft_cost(tuple(plan.pci.tolist()), signals, neighbours, tuple(options.get("moduli", (3, 30))))


def test_recount_names_planted_conflicts() -> None:
    plan, signals, following, _ = motorway_plan(12)
    pci = plan.pci.copy()
    pci[5] = pci[4]
    (found, *_) = pci_conflicts(signals, following, pci)
    assert (found.kind, found.first, found.second) == ("collision", 4, 5)
    heard = signals.cell[signals.bin_start[found.at] : signals.bin_start[found.at + 1]]
    assert {4, 5} <= set(heard.tolist())


def test_recount_names_a_confusion_of_cells_that_never_meet() -> None:
    levels = np.array([-80.0, -81.0, -80.0, -81.0])
    signals = Signals(np.array([0, 2, 4]), np.array([0, 1, 0, 2]), levels, levels, np.arange(3))
    found = pci_conflicts(signals, [-1, -1], [7, 3, 3])
    assert [(one.kind, one.first, one.second, one.at) for one in found] == [("confusion", 1, 2, 0)]
    plan = plan_pci(signals, neighbours_of(signals, [-1, -1]))
    assert len(set(plan.pci.tolist())) == 3


def test_a_handover_to_a_cell_of_equal_pci_is_a_collision() -> None:
    levels = np.array([-80.0, -80.0])
    signals = Signals(np.array([0, 1, 2]), np.array([0, 1]), levels, levels, np.arange(2))
    assert [one.kind for one in pci_conflicts(signals, [1, -1], [3, 3])] == ["collision"]
    assert pci_conflicts(signals, [-1, -1], [3, 3]) == []


def test_cells_too_weak_to_be_heard_may_share() -> None:
    signals, _ = scene(1, 8, bins=30, heard=8)
    weak = replace(signals, rsrp_dbm=signals.rsrp_dbm - 200.0)
    plan = plan_pci(weak, neighbours_of(weak, np.full(30, -1), within_db=-1.0), ids=1, moduli=(1,))
    assert set(plan.pci.tolist()) == {0}


def test_too_few_identities_name_the_cells_that_show_it() -> None:
    signals, following = scene(1, 8, bins=30, heard=8)
    with pytest.raises(InputError, match=r"7 identities do not suffice for 8 cells; 8 cells must all differ: 0, 1"):
        plan_pci(signals, neighbours_of(signals, following), ids=7)
