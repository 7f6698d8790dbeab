"""From a plan to the list that its builder hands back, and on to the plan with what stands, by the commands."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest

from command_line import set_in, trassa
from forging import accused_by, ask, row_of
from otdr_truth import backbone_path, laid
from trassa.optical.otdr import calibrated, located
from trassa.plan.optical.questions import planned_line
from trassa.plan.verify import verify

HALF_M = 20_000.0
LONG_REEL_M = 5500.0


@pytest.fixture(scope="module")
def template(planned_hills: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plant of the example as a list."""
    into = tmp_path_factory.mktemp("export") / "line"
    done = trassa("optical", "export", planned_hills, "--into", into, "--only", "as-built")
    assert done.code == 0, done.err
    return into / "as_built.csv"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def _metres(text: str) -> int:
    km, metres = text.removeprefix("km ").split("+")
    return 1000 * int(km) + int(metres)


def _as_the_builder_has_it(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The first half up to a joint: places moved by up to 150 m, one reel of 5.5 km, other loops, 1 % more sheath."""
    joints = [_metres(row["position"]) for row in rows if row["item"] == "joint"]
    start = _metres(rows[0]["position"])
    last = min(joints, key=lambda at: abs(at - start - HALF_M))
    kept = [row for row in rows if _metres(row["position"]) <= last]
    first = next(at for at in joints if at > start)
    kept = [row for row in kept if not (row["item"] != "chamber" and start < _metres(row["position"]) <= first)]
    moves, marks = np.random.default_rng(7), {}
    found = []
    for row in kept:
        at = _metres(row["position"])
        if at not in marks:
            moved = at if at in (start, last) else at + int(moves.integers(-150, 150))
            marks[at] = moved, 1000.0 + 1.03 * (moved - start)
        moved, mark_m = marks[at]
        new = dict(row, section="Los 1", position=f"km {moved // 1000}+{moved % 1000:03d}")
        if row["item"] != "chamber":
            new |= {"name": f"{row['item'].title()} {len(found)}", "loop_m": "17,5", "sheath_mark_m": f"{mark_m:.1f}"}
        found.append(new)
    return found


@pytest.fixture(scope="module")
def built(planned_hills: Path, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with half of its road as built."""
    root = tmp_path_factory.mktemp("built") / "hills"
    shutil.copytree(planned_hills, root)
    rows = _as_the_builder_has_it(_rows(template))
    with (root / "inputs" / "lot1.csv").open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), delimiter=";")
        table.writeheader()
        table.writerows(rows)
    set_in(root, "optical", 'as_built = "lot1.csv"')
    done = trassa("run", root)
    assert done.code == 0, done.err
    assert "stand as built" in done.out
    return root


def test_the_plan_follows_what_stands_and_verify_agrees(built: Path) -> None:
    verification = verify(built)
    assert accused_by(verification) == set(), verification.text()
    assert "each where it is listed" in row_of(verification, "optical.as-built").detail
    longest = ask(built, "SELECT MAX(sheath_m) FROM reels WHERE origin = 'as built'")[0][0]
    assert longest > LONG_REEL_M
    listed = {name for (name,) in ask(built, "SELECT name FROM as_built WHERE item != 'hut'")}
    stated = {n for (n,) in ask(built, "SELECT chamber FROM chambers UNION SELECT closure FROM closures")}
    assert listed <= stated


def test_what_changed_beside_the_plan(planned_hills: Path, built: Path) -> None:
    """1 % more sheath where it was read, everything else of that half as listed; the other half within its limits."""
    half = "SELECT SUM(sheath_m) FROM reels WHERE origin = 'as built'"
    ((sheath_m,),) = ask(built, half)
    ((start_m, end_m),) = ask(built, "SELECT MIN(start_m), MAX(end_m) FROM reels WHERE origin = 'as built'")
    assert sheath_m == pytest.approx(1.03 * (end_m - start_m), rel=1e-3)
    planned = "SELECT {} FROM reels WHERE origin = 'planned'"
    assert ask(built, planned.format("MAX(sheath_m)"))[0][0] <= 4000.5
    assert ask(built, planned.format("MIN(start_m)"))[0][0] == end_m
    total = "SELECT SUM(fibre_m) FROM cables"
    assert ask(built, total)[0][0] > ask(planned_hills, total)[0][0]
    assert ask(built, "SELECT COUNT(*) FROM chambers WHERE origin = 'as built'")[0][0] == len(
        ask(built, "SELECT 1 FROM as_built WHERE item = 'chamber'")
    )


def test_the_plan_as_a_list_reads_back_as_the_whole_road(planned_hills: Path, template: Path, tmp_path: Path) -> None:
    root = tmp_path / "hills"
    shutil.copytree(planned_hills, root)
    shutil.copy(template, root / "inputs")
    set_in(root, "optical", 'as_built = "as_built.csv"')
    assert trassa("run", root).code == 0
    assert ask(root, "SELECT DISTINCT origin FROM reels") == [("as built",)]
    for layer in ("chambers", "closures", "huts"):
        there = dict(ask(planned_hills, f"SELECT {layer[:-1]}, measure_m FROM {layer}"))
        again = dict(ask(root, f"SELECT {layer[:-1]}, measure_m FROM {layer}"))
        assert again == pytest.approx(there, abs=1.0), layer


def test_a_break_is_found_at_the_listed_chamber(built: Path) -> None:
    plan = planned_line(built)
    path = backbone_path(plan)
    listed = {str(row["name"]) for row in plan.layers["as_built"].rows()}
    places = [place for place in path.places if place.kind == "chamber" and place.name in listed][3::4]
    assert len(places) > 2
    fibre = laid(path, np.random.default_rng(11))
    calibration = calibrated(path, [fibre.table() for _ in range(4)])
    for place in places:
        table = fibre.table(broken_at_m=fibre.optical_m(place.route_m))
        assert table.end is not None
        assert located(calibration, table.end.fibre_m, table=table).nearest.name == place.name


def test_a_list_that_does_not_hold_leaves_the_last_plan(built: Path, tmp_path: Path) -> None:
    root = tmp_path / "hills"
    shutil.copytree(built, root)
    path = root / "inputs" / "lot1.csv"
    before = (root / "proof.json").read_bytes()
    path.write_text(path.read_text("utf-8-sig").replace("17,5", "-17,5", 1), "utf-8")
    assert "lot1.csv, line" in trassa("run", root).refused()
    assert (root / "proof.json").read_bytes() == before
