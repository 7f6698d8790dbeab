"""Everything beside the road on the line: lists, access rings, and every cut by brute force on a plain graph."""

from __future__ import annotations

import itertools
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from command_line import trassa
from drawn_road import drawn_road
from forging import caught, row_of, sql
from trassa.errors import InputError
from trassa.optical.access.connection_list import OFFSET_M, read_connections
from trassa.optical.plan import OpticalPlan, plan_optical
from trassa.optical.plant.drops import Connection
from trassa.optical.settings import OpticalSettings
from trassa.plan.verify import verify
from valley import planned_valley, valley

ROAD = drawn_road(90_000.0, ref="A 1", places=[(40_000.0, "P", True)])
SERVICES = ("radio site", "camera", "sign", "gantry")


def _mixed(seed: int, count: int = 40) -> list[Connection]:
    rng = np.random.default_rng(seed)
    sides = ("increasing", "decreasing")
    return [
        Connection(
            f"X-{n:02d}",
            float(rng.uniform(0.0, ROAD.length_m)),
            sides[int(rng.integers(2))],  # type: ignore[arg-type]
            float(rng.uniform(2.0, 60.0)),
            SERVICES[int(rng.integers(len(SERVICES)))],
        )
        for n in range(count)
    ]


def _rules(**changes: object) -> OpticalSettings:
    return OpticalSettings(check_transmission=False, **changes)


def _graph(plan: OpticalPlan, cut: tuple[float, float, set[str]]) -> nx.MultiGraph:
    """Huts, connections and every fibre between them that a cut leaves; a segment is gone where they overlap."""
    layers, graph = plan.layers, nx.MultiGraph()
    hut_at = {row["hut"]: row["measure_m"] for row in layers["huts"].rows()}

    def join(first: str, second: str, start_m: float, end_m: float, cable: str) -> None:
        low, high = min(start_m, end_m), max(start_m, end_m)
        if cable not in cut[2] or high <= cut[0] + 1e-3 or low >= cut[1] - 1e-3:
            graph.add_edge(first, second)

    graph.add_nodes_from([*hut_at, *layers["connections"]["connection"]])
    for row in layers["spans"].rows():
        first, second = row["span"].split("–")
        join(first, second, row["start_m"], row["end_m"], row["cable"])
    for row in layers["links"].rows():
        join(row["site"], row["hut"], row["measure_m"], hut_at[row["hut"]], row["cable"])
    for row in layers["ring_segments"].rows():
        join(row["first"], row["second"], row["start_m"], row["end_m"], row["cable"])
    return graph


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("changes", [{}, {"ring_members": 3}, {"cables": 2}, {"ring_rate_mbps": 450.0}])
def test_every_cut_by_brute_force(seed: int, changes: dict[str, object]) -> None:
    plan = plan_optical(ROAD, _mixed(seed), _rules(**changes))
    presences = set(plan.layers["huts"].where(role="point_of_presence")["hut"])
    names = plan.layers["connections"]["connection"].tolist()
    for row in plan.layers["cuts"].rows():
        graph = _graph(plan, (row["start_m"], row["end_m"], set(row["cables"].split(","))))
        reached = set().union(*(nx.node_connected_component(graph, hut) for hut in presences))
        assert row["stranded"] == sum(name not in reached for name in names)
    assert plan.layers["services"]["connections"].sum() == len(names)
    assert plan.layers["services"]["pairs_stranded"].sum() == plan.layers["cuts"]["stranded"].sum()


@pytest.mark.parametrize("changes", [{"ring_members": 3}, {"ring_rate_mbps": 450.0}])
def test_rings_hold_their_bounds(changes: dict[str, float]) -> None:
    rules = _rules(**changes)
    plan = plan_optical(ROAD, _mixed(7, 60), rules)
    segments, service = plan.layers["ring_segments"], {c.name: c.service for c in _mixed(7, 60)}
    for name in set(segments["ring"]):
        rows = list(segments.where(ring=name).rows())
        members = [row["second"] for row in rows[:-1]]
        assert all(a["second"] == b["first"] for a, b in itertools.pairwise(rows))
        assert len(members) <= rules.ring_members
        assert sum(rules.service(service[m]).rate_mbps for m in members) <= rules.ring_rate_mbps
        assert len({row["optics"].split()[0] for row in rows}) == 1, "one kind of fibre end to end"
    hung = [m for name in set(segments["ring"]) for m in segments.where(ring=name)["second"][:-1]]
    assert sorted(hung) == sorted(name for name, wanted in service.items() if wanted != "radio site")


def test_a_ring_is_as_long_as_its_cable_and_twice_its_drops() -> None:
    rules = _rules(ring_members=100)
    cameras = [Connection(f"C-{n}", 5000.0 * (n + 1), "increasing", 20.0, "camera") for n in range(4)]
    layers = plan_optical(drawn_road(30_000.0), cameras, rules).layers
    drop_sheath_m = (
        (20.0 - rules.verge_offset_m) * (1.0 + rules.slack_ratio)
        + rules.closure_loop_m / 2.0
        + rules.termination_loop_m
    )
    whole = layers["cables"]["fibre_m"][0] + 8 * drop_sheath_m / rules.helix_ratio
    assert layers["ring_segments"]["fibre_m"].sum() == pytest.approx(whole, rel=1e-12)


def test_rings_take_one_fibre_where_fibres_are_short() -> None:
    """The cheapest kind for every ring and connection, by trying all of them within the fibres."""
    sites = [Connection(f"S-{n}", 3000.0 * (n + 1), "increasing", 20.0) for n in range(4)]
    cameras = [Connection(f"C-{n}", 2500.0 * (n + 1), "increasing", 20.0, "camera") for n in range(6)]
    road = drawn_road(20_000.0)
    costs = {}
    for fibres in range(9, 20):
        plan = plan_optical(road, [*sites, *cameras], _rules(fibres=fibres, backbone_fibres=4, ring_members=6))
        duplex = sum(name.startswith("grey") for name in plan.layers["links"]["optics"]) // 2
        duplex += plan.layers["ring_segments"]["optics"][0].startswith("grey")
        assert 5 + duplex <= fibres - 4
        costs[fibres] = plan.figures["huts_and_spans_cost_minor"] - _cable_minor(plan, fibres)
    assert list(costs.values()) == sorted(costs.values(), reverse=True)
    assert len(set(costs.values())) > 2
    with pytest.raises(InputError, match="need more than the 4 fibres"):
        plan_optical(
            road, [*sites, *cameras], _rules(fibres=8, backbone_fibres=4, ring_members=6, new_power_step_m=50_000.0)
        )


def _cable_minor(plan: OpticalPlan, fibres: int) -> int:
    """What splices cost, which rises with the fibres."""
    joints = sum("joint" in kind for kind in plan.layers["closures"]["kind"])
    return (joints + 2 * len(plan.layers["spans"])) * fibres * 1200


LIST = "name;service;position;offset_m\nCAM 1;camera;A 1 km 3+250 ←;8,5\nWX;weather station;km 7,5;\n"


def _read(tmp_path: Path, text: str) -> list[Connection]:
    path = tmp_path / "list.csv"
    path.write_text(text, "utf-8")
    return read_connections(path, ROAD, _rules())


def test_a_list_as_offices_write_it(tmp_path: Path) -> None:
    camera, station = _read(tmp_path, "\ufeff" + LIST)
    assert camera == Connection("CAM 1", pytest.approx(3250.0), "decreasing", 8.5, "camera")  # type: ignore[arg-type]
    assert station == Connection("WX", pytest.approx(7500.0), ROAD.reference, OFFSET_M, "weather station")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("camera", "kamera"), "line 2: service 'kamera' is no class"),
        (("A 1 km", "A 9 km"), "line 2: 'A 9 km 3+250 ←' lies on A 9, not A 1"),
        (("3+250", "93+250"), "line 2"),
        (("8,5", "8.5 m"), "line 2: offset_m '8.5 m'"),
        (("8,5", "-inf"), "line 2: offset_m '-inf'"),
        (("WX;", "CAM 1;"), "line 3: 'CAM 1' stands twice"),
        (("position", "place"), "has no column position"),
        (("WX;weather station;km 7,5;", "WX;weather station"), "line 3: not 4 fields"),
        (("WX;", ";"), "line 3: the name is empty"),
        (("km 7,5", "somewhere"), "line 3"),
        ((LIST[31:], ""), "has a header and no row"),
    ],
)
def test_a_bad_list_is_refused_with_its_line(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    with pytest.raises(InputError) as refused:
        _read(tmp_path, LIST.replace(*change))
    assert told in str(refused.value)
    assert "Try: " in str(refused.value)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A valley with two cameras and a sign in a list, as a spreadsheet saves it: capital heads, a row left empty."""
    root = valley(tmp_path_factory.mktemp("ringed") / "valley", "")
    rows = ["Name,Service,Position", "K-1,camera,km 1+200 →", ",,", "K-2,camera,km 4+100 ←", "Z-1,sign,km 2+500"]
    (root / "inputs" / "equipment.csv").write_text("\n".join(rows) + "\n", "utf-8")
    text = (root / "trassa.toml").read_text("utf-8")
    (root / "trassa.toml").write_text(
        text.replace('# equipment_list = ""', 'equipment_list = "equipment.csv"'), "utf-8"
    )
    assert trassa("run", root).code in (0, 1)
    assert verify(root).agrees, verify(root).text()
    return root


@pytest.mark.parametrize(
    ("change", "by", "told"),
    [
        ("UPDATE ring_segments SET margin_db = margin_db + 1, loss_db = loss_db - 1", "optical.rings", "loss of"),
        ("UPDATE connections SET service = 'sign' WHERE connection = 'K-1'", "optical.connections", "K-1 is a camera"),
        ("UPDATE connections SET drop_m = 1.0 WHERE connection = 'K-2'", "optical.connections", "drop of K-2"),
        ("DELETE FROM connections WHERE connection = 'Z-1'", "optical.connections", "Z-1, a sign, is not connected"),
        ("UPDATE services SET worst_latency_us = 1.0 WHERE service = 'camera'", "optical.service.camera", "stated"),
    ],
)
def test_a_forged_ring_is_named(forged: Path, change: str, by: str, told: str) -> None:
    sql(forged, change)
    assert told in row_of(caught(forged, by), by).detail


def test_a_class_with_a_bound_that_no_way_keeps(tmp_path: Path) -> None:
    late = '[[optical.services]]\nname = "radio site"\naccess = "own fibres"\nrate_mbps = 10000.0\nlatency_us = 0.5\n'
    root = planned_valley(tmp_path / "valley", late)
    verification = verify(root)
    row = row_of(verification, "optical.service.radio-site")
    assert row.agrees
    assert row.holds == "no"
    assert (row.margin or 0.0) < 0.0
