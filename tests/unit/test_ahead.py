"""Connection ahead: against a walk metre by metre, and by hand where place, time and order matter."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from drawn_road import drawn_road
from trassa.errors import InputError
from trassa.linear import Extent, Layer
from trassa.radio.ahead import connection_ahead, look_ahead, way_through
from trassa.radio.ahead_answer import Leg, Threshold
from trassa.radio.layers import SCHEMAS

SCHEMA = SCHEMAS["ahead"]
ROAD = drawn_road(2_000.0, start_km=350.0)


def layer(rows: list[tuple[float, float, str, float]], up: float = 9.0, confidence: float = 0.95) -> Layer:
    """Rows (start, end, carriageway, downlink); the rest is good everywhere."""
    start, end, carriageway, down = (list(column) for column in zip(*rows, strict=True))
    same = {"rate_up_mbps": up, "reliability": 0.99, "interruption_risk": 0.001, "confidence": confidence}
    constant = {name: [value] * len(rows) for name, value in same.items()}
    return Layer.from_columns(
        SCHEMA, start_m=start, end_m=end, carriageway=carriageway, rate_down_mbps=down, **constant
    )


BOTH = layer(
    [(10.0 * k, 10.0 * k + 10.0, "increasing", 3.0 + k % 3 if 60 <= k < 80 else 25.0) for k in range(200)]
    + [(10.0 * k, 10.0 * k + 10.0, "decreasing", 5.0 if k < 30 else 25.0) for k in range(200)]
)
DOWN = Threshold("rate_down_mbps", 10.0)


def test_a_weak_stretch_is_found_with_place_time_and_worst_value() -> None:
    answer = connection_ahead(ROAD, BOTH, look_ahead(ROAD, "increasing", 100.0, 1500.0), [DOWN], speed_mps=25.0)
    (found,) = answer.shortfalls
    assert found.extent == Extent(600.0, 800.0)
    assert found.distance_m == (500.0, 700.0)
    assert found.seconds == (20.0, 28.0)
    assert (found.value, found.confidence) == (3.0, 0.95)
    assert answer.first is found
    assert answer.worst == {
        "rate_down_mbps": 3.0, "rate_up_mbps": 9.0, "reliability": 0.99, "interruption_risk": 0.001
    }  # fmt: skip


def test_the_other_carriageway_is_driven_towards_falling_measure() -> None:
    answer = connection_ahead(ROAD, BOTH, look_ahead(ROAD, "decreasing", 500.0, 9000.0), [DOWN], speed_mps=10.0)
    (found,) = answer.shortfalls
    assert answer.length_m == 500.0
    assert found.extent == Extent(0.0, 300.0)
    assert found.distance_m == (200.0, 500.0)
    assert found.seconds == (20.0, 50.0)


def test_a_turn_at_a_junction_goes_on_counting() -> None:
    legs = way_through(
        ROAD, [("increasing", 500.0), ("increasing", 700.0), ("decreasing", 700.0), ("decreasing", 250.0)]
    )
    answer = connection_ahead(ROAD, BOTH, legs, [DOWN], speed_mps=10.0)
    assert [(one.carriageway, one.distance_m) for one in answer.shortfalls] == [
        ("increasing", (100.0, 200.0)),
        ("decreasing", (600.0, 650.0)),
    ]
    assert answer.length_m == 650.0


def test_only_the_target_period_counts() -> None:
    legs = look_ahead(ROAD, "increasing", 0.0, 2000.0)
    answer = connection_ahead(ROAD, BOTH, legs, [DOWN], speed_mps=10.0, period_s=(70.0, 75.5))
    (found,) = answer.shortfalls
    assert found.seconds == (70.0, 75.5)
    assert found.extent == Extent(700.0, 755.0)
    later = connection_ahead(ROAD, BOTH, legs, [DOWN], speed_mps=10.0, period_s=(90.0, 120.0))
    assert later.shortfalls == ()
    assert later.worst["rate_down_mbps"] == 25.0


def test_what_no_row_speaks_about_is_unknown_and_falls_short() -> None:
    gap = layer(
        [(0.0, 100.0, "increasing", 25.0), (150.0, 200.0, "increasing", 2.0), (200.0, 400.0, "increasing", 25.0)]
    )
    answer = connection_ahead(ROAD, gap, look_ahead(ROAD, "increasing", 0.0, 400.0), [DOWN], speed_mps=10.0)
    unknown, weak = answer.shortfalls
    assert unknown.extent == Extent(100.0, 150.0)
    assert math.isnan(unknown.value)
    assert math.isnan(unknown.confidence)
    assert (weak.extent, weak.value) == (Extent(150.0, 200.0), 2.0)
    assert json.loads(json.dumps(answer.as_dict()))["shortfalls"][0]["value"] is None
    assert answer.table()[1][0][5] == "unknown"
    nothing = connection_ahead(
        ROAD, Layer.empty(SCHEMA), look_ahead(ROAD, "increasing", 0.0, 400.0), [DOWN], speed_mps=9.0
    )
    assert [one.extent for one in nothing.shortfalls] == [Extent(0.0, 400.0)]
    assert math.isnan(nothing.worst["rate_down_mbps"])


def test_a_risk_falls_short_where_it_is_high() -> None:
    rows = layer([(0.0, 100.0, "increasing", 25.0), (100.0, 200.0, "increasing", 25.0)])
    rows["interruption_risk"][1] = 0.2
    needs = [Threshold("interruption_risk", 0.05), Threshold("reliability", 0.999)]
    answer = connection_ahead(ROAD, rows, look_ahead(ROAD, "increasing", 0.0, 200.0), needs, speed_mps=10.0)
    assert [(one.threshold.quantity, one.extent, one.value) for one in answer.shortfalls] == [
        ("reliability", Extent(0.0, 200.0), 0.99),
        ("interruption_risk", Extent(100.0, 200.0), 0.2),
    ]


@pytest.mark.parametrize("seed", range(10))
def test_shortfalls_equal_a_walk_metre_by_metre(seed: int) -> None:
    rng = np.random.default_rng(seed)
    edges = np.unique(np.append(rng.integers(0, 2001, 40), [0, 2000]))
    rates = rng.choice([2.0, 5.0, 12.0, 30.0, math.nan], len(edges) - 1)
    kept = rng.random(len(rates)) < 0.9
    carriageway = ("increasing", "decreasing")[seed % 2]
    rows = [
        (float(a), float(b), carriageway, r)
        for a, b, r in zip(edges[kept.nonzero()], edges[1:][kept], rates[kept], strict=True)
    ]
    begin, far = float(rng.integers(0, 2001)), float(rng.integers(1, 2500))
    begin = min(begin, 1999.0) if seed % 2 == 0 else max(begin, 1.0)
    answer = connection_ahead(
        ROAD, layer([rows[k] for k in rng.permutation(len(rows))]), look_ahead(ROAD, carriageway, begin, far), [DOWN],
        speed_mps=20.0,
    )  # fmt: skip
    sense = 1.0 if carriageway == "increasing" else -1.0
    short = []
    for step in range(int(answer.length_m)):
        middle = begin + sense * (step + 0.5)
        rate = next((r for a, b, _, r in rows if a <= middle < b), math.nan)
        short.append(None if rate >= 10.0 else ("unknown" if math.isnan(rate) else "weak", rate))
    walked = [None] * len(short)
    for one in answer.shortfalls:
        for step in range(round(one.distance_m[0]), round(one.distance_m[1])):
            assert walked[step] is None
            walked[step] = "unknown" if math.isnan(one.value) else "weak"
        inside = [s[1] for s in short[round(one.distance_m[0]) : round(one.distance_m[1])] if s is not None]
        assert one.value == min(inside) or (math.isnan(one.value) and np.isnan(inside).all())
        assert one.seconds == pytest.approx([d / 20.0 for d in one.distance_m])
    assert walked == [None if s is None else s[0] for s in short]
    runs = sum(1 for a, b in zip([None, *walked], walked, strict=False) if b is not None and a != b)
    assert len(answer.shortfalls) == runs


def test_text_and_table_speak_in_labels() -> None:
    answer = connection_ahead(ROAD, BOTH, look_ahead(ROAD, "increasing", 100.0, 1500.0), [DOWN], speed_mps=25.0)
    assert answer.text() == (
        "1.5 km ahead, 60 s: downlink falls short in 500 m (20 s); at worst downlink 3 Mbit/s, uplink 9 Mbit/s, "
        "reliability 0.99, interruption risk 0.001"
    )
    header, rows = answer.table()
    assert len(header) == len(rows[0])
    assert rows == [["A 1 km 350+600–350+800 →", "20", "28", "downlink", "10 Mbit/s", "3 Mbit/s", "0.95"]]
    said = answer.as_dict()
    assert said["way"] == [{"carriageway": "increasing", "from": "km 350+100", "to": "km 351+600"}]
    assert (said["first_shortfall_m"], said["first_shortfall_s"], said["duration_s"]) == (500.0, 20.0, 60.0)
    calm = connection_ahead(ROAD, BOTH, look_ahead(ROAD, "increasing", 900.0, 500.0), [DOWN], speed_mps=25.0)
    assert "nothing falls short" in calm.text()
    assert calm.as_dict()["first_shortfall_s"] is None


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: Leg("increasing", 500.0, 100.0), "against the traffic of the increasing"),
        (lambda: way_through(ROAD, [("decreasing", 100.0), ("decreasing", 500.0)]), "against the traffic"),
        (lambda: way_through(ROAD, [("increasing", 100.0), ("increasing", 2500.0)]), "2500 m is off the road"),
        (lambda: look_ahead(ROAD, "increasing", 2000.0, 500.0), "the way has no length"),
        (lambda: look_ahead(ROAD, "increasing", 0.0, 0.0), "a way of 0 m"),
        (lambda: Threshold("delay_ms", 5.0), "no quantity 'delay_ms'"),
        (lambda: Threshold("reliability", math.nan), "is not a number"),
        (lambda: connection_ahead(ROAD, BOTH, [Leg("increasing", 0.0, 9.0)], [DOWN], speed_mps=0.0), "speed of 0 m/s"),
        (lambda: connection_ahead(ROAD, BOTH, [Leg("increasing", 0.0, 9.0)], [], speed_mps=9.0), "no threshold"),
    ],
)
def test_questions_that_make_no_sense_are_refused(ask, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask()
