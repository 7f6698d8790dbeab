"""The strip of a plan, drawn and expected as text."""

from __future__ import annotations

import numpy as np
import pytest

from synthetic_plan import synthetic_plan, synthetic_road
from trassa.errors import InputError
from trassa.linear import CARRIAGEWAYS, Diagram, Extent, Layer
from trassa.optical.layers import SCHEMAS as OPTICAL
from trassa.plan.strip import strip_of, window_of, wrapped_strip
from trassa.radio.layers import SCHEMAS as RADIO

DRAWN = """
    km     0         1         2
    → m    777776655544433344455x
    ← m    7777766555-443334xxx55
    → d    22222110000-1112222333
    ← d    2222211000-.1112222333
    fibre  H====c====H====c====H.
    sites  .....A.........B......
"""


def bins_of(drawn: Diagram) -> Layer:
    """A bin for each column: digits are its margins, ``x`` is exempt, ``.`` has no server in reach."""
    defaults = {"int": 0, "float": 0.0, "text": "", "bool": False}
    rows = []
    for arrow, carriageway in zip("→←", CARRIAGEWAYS, strict=True):
        best, down = drawn.row(f"{arrow} m").cells, drawn.row(f"{arrow} d").cells
        for column in range(drawn.ruler.columns):
            margin, second = ({"-": -0.5, "x": 0.0, ".": np.nan}.get(c[column], c[column]) for c in (best, down))
            rows.append(
                {c.name: defaults[c.type] for c in RADIO["bins"].columns}
                | {
                    "start_m": drawn.ruler.measure_m(column),
                    "end_m": drawn.ruler.measure_m(column + 1),
                    "carriageway": carriageway,
                    "exempt": "tunnel" if best[column] == "x" else "",
                    "margin_db": float(margin),
                    "second_margin_db": float(second),
                }
            )
    return Layer.from_rows(RADIO["bins"], rows)


def located(schema: str, marks: list[tuple[str, float]]) -> Layer:
    schemas = {**RADIO, **OPTICAL}[schema]
    defaults = {"int": 0, "float": 0.0, "text": "", "bool": False}
    blank = {c.name: defaults[c.type] for c in schemas.columns}
    return Layer.from_rows(schemas, [blank | {"measure_m": m} for _, m in marks])


def test_margins_drawn_are_margins_printed() -> None:
    drawn = Diagram.parse(DRAWN)
    road = synthetic_road(2200.0, ref="A 4")
    cable = drawn.extents("fibre", "H=c")[0]
    cables = Layer.from_rows(
        OPTICAL["cables"],
        [
            {c.name: {"float": 0.0, "int": 0, "text": "", "bool": False}[c.type] for c in OPTICAL["cables"].columns}
            | {"start_m": cable.start_m, "end_m": cable.end_m}
        ],
    )
    layers = {
        "bins": bins_of(drawn),
        "sites": located("sites", drawn.positions("sites")),
        "huts": located("huts", drawn.positions("fibre", "H")),
        "closures": located("closures", drawn.positions("fibre", "c")),
        "cables": cables,
    }
    printed = strip_of(road, layers, Extent(0.0, 2200.0), columns=23)
    assert printed.ruler.step_m == 100.0

    def expected(cells: str, exempt: str = "") -> str:
        return "".join("x" if e == "x" else c for c, e in zip(cells, exempt or cells, strict=True)) + "."

    best = {arrow: drawn.row(f"{arrow} m").cells for arrow in "→←"}
    assert printed.row("→ best").cells == expected(best["→"])
    assert printed.row("← best").cells == expected(best["←"])
    assert printed.row("→ down").cells == expected(drawn.row("→ d").cells, best["→"])
    assert printed.row("← down").cells == expected(drawn.row("← d").cells.replace(".", "-"), best["←"])
    assert printed.row("fibre").cells == drawn.row("fibre").cells + "."
    assert printed.row("sites").cells == drawn.row("sites").cells + "."


def test_ten_columns_in_one_show_the_worst_of_them() -> None:
    drawn = Diagram.parse(DRAWN)
    road = synthetic_road(2200.0, ref="A 4")
    coarse = strip_of(road, {"bins": bins_of(drawn)}, Extent(0.0, 2200.0), columns=12)
    assert coarse.ruler.step_m == 200.0
    for name, row in (("→ best", "→ m"), ("← best", "← m")):
        fine = drawn.row(row).cells
        for column, cell in enumerate(coarse.row(name).cells[:11]):
            counted = [c for c in fine[2 * column : 2 * column + 2] if c != "x"]
            assert cell == (min(counted, key=lambda c: -1 if c == "-" else int(c)) if counted else "x")


def test_a_whole_plan_prints_and_reads_back() -> None:
    plan = synthetic_plan()
    printed = strip_of(plan.road, plan.layers, columns=90)
    assert Diagram.parse(str(printed)) == printed
    assert str(printed).startswith("км ")
    tunnels = printed.extents("structures", "#")
    for extent in plan.road.structure_extents("tunnel", "increasing"):
        assert any(t.start_m <= extent.start_m and t.end_m >= extent.end_m for t in tunnels)
    assert [mark for mark, _ in printed.positions("sites")] == list("ABCDEFGHI")


def test_a_long_road_in_blocks() -> None:
    plan = synthetic_plan(120_000.0)
    text = wrapped_strip(plan.road, plan.layers, columns=80)
    assert max(len(line.split("  ")[0]) for line in text.splitlines()) < 100
    read = Diagram.parse(text)
    assert read.ruler.step_m == 500.0
    assert read.row("→ down").cells == strip_of(plan.road, plan.layers, columns=241).row("→ down").cells


def test_windows_by_label() -> None:
    road = synthetic_road()
    assert window_of(road, "260-262") == Extent(2000.0, 4000.0)
    assert window_of(road, "км 260+500 – 262") == Extent(2500.0, 4000.0)
    assert window_of(road, "295—").end_m == road.length_m
    assert window_of(road, "-260").start_m == 0.0
    for text in ("260", "", "-", "1-2-3"):
        with pytest.raises(InputError, match="is not FROM–TO"):
            window_of(road, text)
    with pytest.raises(InputError, match="does not begin before it ends"):
        window_of(road, "262-260")
    with pytest.raises(InputError, match="does not exist on this road"):
        window_of(road, "262-999")
