"""Traces of the second cable: stored, located, judged and simulated as those of the first, and told apart from them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from command_line import set_in, trassa
from trassa.plan.optical.questions import planned_line
from trassa.plan.optical.traces.fibre import traced_fibre


@pytest.fixture(scope="module")
def drill(planned_hills: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hills with a second cable across the road, and traces of fibre 3 of either beside it."""
    folder = tmp_path_factory.mktemp("two")
    shutil.copytree(planned_hills, folder / "two")
    set_in(folder / "two", "optical", "cables = 2")
    assert trassa("run", folder / "two").code == 0
    for cable in (1, 2):
        for name, *words in (
            ("here", "--from", "H-01"),
            ("there", "--from", "H-02"),
            ("broken", "--from", "H-01", "--break", "H 1 km 25+000", "--date", "2026-02-01"),
        ):
            told = (*words, "--fibre", 3, "--cable", cable, "-o", f"{name}{cable}.sor")
            done = trassa("optical", "simulate", "two", *told, cwd=folder)
            assert f"fibre 3 of C-{cable}" in done.out, done.err
    return folder


def test_the_fibre_of_a_cable_is_its_route_and_its_closures(drill: Path) -> None:
    """Lengths and closures are those of the cable's own layers, from either hut."""
    plan = planned_line(drill / "two")
    for cable in (1, 2):
        rows = plan.layers["closures"].where(cable=f"C-{cable}").rows()
        joints = {str(row["closure"]): float(row["route_m"]) for row in rows if "joint" in str(row["kind"])}
        ours = traced_fibre(plan, "H-01", 3, cable=cable)
        seen = {place.name: place.route_m for place in ours.path.seen[:-1]}
        assert seen == pytest.approx(joints)
        back = traced_fibre(plan, "H-02", 3, cable=cable)
        assert back.path.fibre_length_m == pytest.approx(ours.path.fibre_length_m)
        assert ours.carriageway == {1: "increasing", 2: "decreasing"}[cable]
        chambers = {str(row["chamber"]) for row in plan.layers["chambers"].where(cable=f"C-{cable}").rows()}
        assert {place.name for place in ours.path.places if place.kind == "chamber"} <= chambers


def test_each_cable_learns_from_its_own_traces(drill: Path, tmp_path: Path) -> None:
    shutil.copytree(drill, tmp_path / "drill")
    here = tmp_path / "drill"
    end = ("--from", "H-01", "--fibre", 3, "--cable", 2)
    blind = trassa("optical", "locate", "two", "broken2.sor", *end, "--json", cwd=here).json
    assert blind["calibrated_by"] == 0
    for name, hut in (("here2", "H-01"), ("there2", "H-02")):
        words = (f"{name}.sor", "--from", hut, "--fibre", 3, "--cable", 2, "--json")
        kept = trassa("optical", "baseline", "two", *words, cwd=here).json
        assert [(row["cable"], row["side"]) for row in kept["traces"]] == [("C-2", "decreasing")]
        assert kept["notes"] == []
    body = trassa("optical", "locate", "two", "broken2.sor", *end, "--json", cwd=here).json
    (found,) = [row for row in body["findings"] if row["what"] == "break"]
    assert body["calibrated_by"] == 2
    truth_m = planned_line(drill / "two").road.calibration.measure_at_km(25.0)
    assert found["measure_m"] == pytest.approx(truth_m, abs=50.0)
    assert found["low_m"] <= truth_m <= found["high_m"]
    assert body["stranded"] == []
    assert body["carried"] == []  # connections hang on the first cable, in the other trench
    first = trassa("optical", "locate", "two", "broken1.sor", "--from", "H-01", "--fibre", 3, "--json", cwd=here).json
    assert first["calibrated_by"] == 0
    assert first["carried"] != []
    judged = trassa("optical", "splices", "two", "--from", "H-01", "--cable", 2, "--json", cwd=here).json["splices"]
    layer = planned_line(drill / "two").layers["closures"]
    assert {row["closure"] for row in judged} <= {row["closure"] for row in layer.where(cable="C-2").rows()}
    assert "no fibre of C-1 between" in trassa("optical", "splices", "two", "--from", "H-01", cwd=here).refused()
    entered = trassa(
        *("optical", "repair", "two", "H 1 km 30+000", "--inserted-m", 20, "--date", "2026-03-01", "--cable", 2),
        cwd=here,
    )
    assert entered.out.startswith("C-2: 20 m of cable put in at H 1 km 30+000")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("locate", "two", "here1.sor", "--from", "H-01", "--fibre", 3, "--cable", 3), "--cable 1..2"),
        (("baseline", "two", "here1.sor", "--from", "H-01", "--fibre", 3, "--cable", 0), "--cable 1..2"),
        (("baseline", "two", "here1.sor", "--from", "H-01", "--fibre", 97, "--cable", 2), "C-2 has no fibre 97"),
        (("splices", "two", "--from", "H-01", "--cable", 9), "no cable 9: C-1, C-2 lie here"),
        (("splices", "two", "--from", "H-01", "--fibre", 0), "a fibre of 1..96"),
        (("simulate", "two", "--from", "H-01", "--fibre", 1, "--cable", 4, "-o", "x.sor"), "--cable 1..2"),
        (("repair", "two", "H 1 km 30+000", "--inserted-m", 20, "--date", "2026-03-01", "--cable", 3), "--cable 1..2"),
        (("repair", "two", "A 9 km 30+000", "--inserted-m", 20, "--date", "2026-03-01"), "not on H 1"),
        (("repair", "two", "H 1 km 30+000", "--inserted-m", -9999, "--date", "2026-03-01"), "-500..500 m, 0 left out"),
        (("repair", "two", "H 1 km 30+000", "--inserted-m", 20, "--date", "2999-01-01"), "after today"),
        (("baseline", "two", "here1.sor", "--from", "H-01", "--fibre", 3, "--date", "2999-01-01"), "after today"),
    ],
)
def test_bounds_are_named(drill: Path, words: tuple[object, ...], said: str) -> None:
    assert said in trassa("optical", *words, cwd=drill).refused()
    assert not (drill / "two" / "otdr").exists()


def test_names_in_a_file_that_say_otherwise_are_told(drill: Path, tmp_path: Path) -> None:
    """They decide nothing: people type them."""
    shutil.copytree(drill, tmp_path / "drill")
    here = tmp_path / "drill"
    ends = ("--from", "H-01", "--fibre", 3, "--cable", 1)
    assert "of C-2, not of C-1" in trassa("optical", "locate", "two", "here2.sor", *ends, cwd=here).out
    assert "in H-02, not in H-01" in trassa("optical", "locate", "two", "there1.sor", *ends, cwd=here).out
    other = ("--from", "H-01", "--fibre", 2)
    assert "of fibre 3, not of 2" in trassa("optical", "baseline", "two", "here1.sor", *other, cwd=here).out
