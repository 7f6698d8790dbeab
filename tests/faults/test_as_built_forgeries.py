"""Forged plant that is said to be built: every column of it, an item left out or put in, a list that says otherwise."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from pyogrio import raw
from pyproj import Transformer

from command_line import set_in, trassa
from forging import ask, caught, claim_in, edit_proof, row_of, sql
from trassa.plan.verify import Row, verify
from trassa.plan.verify.evidence import read_evidence
from trassa.plan.verify.optical.as_built import check_as_built
from trassa.plan.verify.optical.cable import check_lengths, plant_of
from trassa.plan.verify.optical.check import check_optical

LIST = """section;item;name;cable;position;loop_m;sheath_mark_m;{loss};{in_1310};{in_1550}
lot 1;hut;Haus 1;C-1;{0};6;100;;0,39;0,26
lot 1;chamber;K 1;C-1;{1};14;;;;
lot 1;tap;T 1;C-1;{2};30;1655,5;0,19;;
lot 1;joint;M 1;C-1;{3};12;2420;0,44;;
"""
COLUMNS = {
    "loss": "splice_loss_db",
    "in_1310": "attenuation_1310_db_per_km",
    "in_1550": "attenuation_1550_db_per_km",
}
AT_M = (0.0, 610.0, 1480.0, 2200.0)


@pytest.fixture(scope="module")
def honest(planned_lane: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lane, of which the first half is built."""
    root = tmp_path_factory.mktemp("built") / "lane"
    shutil.copytree(planned_lane, root)
    ((start_km,),) = ask(root, "SELECT MIN(start_km) FROM label_intervals")
    labels = [f"km {m // 1000}+{m % 1000:03d}" for m in (round(1000.0 * start_km + at_m) for at_m in AT_M)]
    (root / "inputs" / "built.csv").write_text(LIST.format(*labels, **COLUMNS), "utf-8")
    set_in(root, "optical", 'as_built = "built.csv"')
    done = trassa("run", root)
    assert done.code == 0, done.err
    verification = verify(root)
    assert verification.agrees, verification.text()
    assert "4 items of 1 sections" in row_of(verification, "optical.as-built").detail
    return root


def _accused(root: Path) -> dict[str, Row]:
    """The rows about the line as built and its lengths that do not agree, without the rest of a verification."""
    evidence = read_evidence(root)
    plant = plant_of(evidence)
    rows = [*check_as_built(evidence, plant), *check_lengths(evidence, plant)]
    return {row.claim: row for row in rows if not row.agrees}


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE as_built SET section = 'lot 2' WHERE name = 'K 1'", "K 1"),
        ("UPDATE as_built SET item = 'joint' WHERE name = 'T 1'", "T 1 is a joint in the layer"),
        ("UPDATE as_built SET name = 'K 7' WHERE name = 'K 1'", "K 7"),
        ("UPDATE as_built SET cable = 'C-2' WHERE name = 'K 1'", "K 1"),
        ("UPDATE as_built SET measure_m = measure_m + 3 WHERE name = 'K 1'", "measure_m of K 1"),
        ("UPDATE as_built SET measure_m = NULL WHERE name = 'K 1'", "measure_m of K 1"),
        ("UPDATE as_built SET loop_m = 15 WHERE name = 'K 1'", "loop_m of K 1"),
        ("UPDATE as_built SET loop_m = NULL WHERE name = 'K 1'", "loop_m of K 1"),
        ("UPDATE as_built SET mark_in_m = 1600 WHERE name = 'T 1'", "mark_in_m of T 1"),
        ("UPDATE as_built SET mark_out_m = 1700 WHERE name = 'T 1'", "mark_out_m of T 1"),
        ("UPDATE as_built SET splice_loss_db = 0.43 WHERE name = 'M 1'", "splice_loss_db of M 1 stated 0.43"),
        ("UPDATE as_built SET splice_loss_db = NULL WHERE name = 'T 1'", "splice_loss_db of T 1"),
        ("UPDATE as_built SET splice_loss_db = 0.05 WHERE name = 'K 1'", "splice_loss_db of K 1"),
        ("UPDATE as_built SET attenuation_1310_db_per_km = 0.38 WHERE name = 'Haus 1'", "attenuation_1310_db_per_km"),
        ("UPDATE as_built SET attenuation_1550_db_per_km = NULL WHERE name = 'Haus 1'", "attenuation_1550_db_per_km"),
        ("DELETE FROM as_built WHERE name = 'K 1'", "lacks K 1"),
        ("INSERT INTO as_built SELECT NULL, * FROM (SELECT {} FROM as_built WHERE name = 'K 1')", "5 rows, the list 4"),
        ("UPDATE chambers SET chamber = 'CH-0009' WHERE chamber = 'K 1'", "listed as K 1"),
        ("UPDATE chambers SET origin = 'planned' WHERE chamber = 'K 1'", "K 1 is planned"),
        ("UPDATE chambers SET origin = 'as built' WHERE origin = 'planned'", "is as built, but is not listed"),
        ("UPDATE chambers SET measure_m = measure_m + 40 WHERE chamber = 'K 1'", "K 1"),
        ("UPDATE closures SET closure = 'CL-0009' WHERE closure = 'M 1'", "listed M 1"),
        ("UPDATE closures SET origin = 'planned' WHERE closure = 'M 1'", "M 1 is planned"),
        ("UPDATE closures SET chamber = 'K 1' WHERE closure = 'M 1'", "M 1 lies in K 1"),
        ("UPDATE closures SET kind = 'joint' WHERE closure = 'T 1'", "T 1 is a joint"),
        ("UPDATE huts SET hut = 'H-09' WHERE hut = 'Haus 1'", "hut Haus 1 is not in the plan"),
        ("UPDATE huts SET origin = 'planned' WHERE hut = 'Haus 1'", "Haus 1 is planned, but bears a listed name"),
        ("UPDATE huts SET origin = 'as built' WHERE hut = 'H-01'", "H-01 is as built, but is not listed"),
        ("UPDATE huts SET power = 'new' WHERE hut = 'Haus 1'", "though it is built"),
        ("UPDATE reels SET origin = 'planned' WHERE origin = 'as built'", "is planned, as built by the list"),
        ("UPDATE reels SET origin = 'as built' WHERE origin = 'planned'", "is as built, planned by the list"),
    ],
)
def test_a_forged_column_is_named(forged: Path, statement: str, said: str) -> None:
    if "{}" in statement:
        columns = [row[1] for row in ask(forged, "PRAGMA table_info(as_built)") if row[1] != "fid"]
        statement = statement.format(", ".join(columns))
    sql(forged, statement)
    assert said in _accused(forged)["optical.as-built"].detail


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE closures SET sheath_m = sheath_m + 2 WHERE closure = 'T 1'",
        "UPDATE closures SET fibre_m = fibre_m - 2 WHERE closure = 'M 1'",
        "UPDATE reels SET sheath_m = sheath_m - 2 WHERE origin = 'as built'",
        "UPDATE reels SET sheath_m = NULL WHERE origin = 'as built'",
    ],
)
def test_sheath_that_the_marks_do_not_say(forged: Path, statement: str) -> None:
    sql(forged, statement)
    assert "optical.lengths" in _accused(forged)


def test_something_between_the_places(forged: Path) -> None:
    columns = ", ".join(
        row[1] for row in ask(forged, "PRAGMA table_info(chambers)") if row[1] not in ("fid", "chamber", "measure_m")
    )
    sql(
        forged,
        f"INSERT INTO chambers (chamber, measure_m, {columns}) SELECT 'CH-0099', 900.0, {columns} FROM chambers "
        "WHERE chamber = 'K 1'",
    )
    assert "CH-0099" in row_of(caught(forged, "optical.as-built"), "optical.as-built").detail


@pytest.mark.parametrize(
    ("old", "new"),
    [("30;1655,5", "20;1655,5"), ("2420", "2435"), ("K 1", "K 2"), ("lot 1;chamber;K 1;C-1", "lot 1;tap;K 1;C-1")],
)
def test_another_list_than_was_planned_with(forged: Path, old: str, new: str) -> None:
    """With its hash in the proof and the manifest made anew."""
    path = forged / "inputs" / "built.csv"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    assert "optical.as-built" in _accused(forged)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda claim: claim["worst"].update(value=3.0, margin=2.0), "states 3.0 m off the list, found 0.0 m"),
        (lambda claim: claim["worst"].update(value=None), "states None m off"),
        (lambda claim: claim["worst"].update(bound=50.0), "bound by 50.0 m"),
        (lambda claim: claim["worst"].update(place="K 9 at Б-1 km 0+000"), "has its worst place at"),
        (lambda claim: claim["scope"].update(text="9 items of 1 sections"), "found «4 items of 1 sections»"),
        (lambda claim: claim.update(holds="no"), "the proof says no"),
        (lambda claim: claim.update(id="optical.as-planned"), "not claimed"),
    ],
)
def test_a_forged_claim_is_named(forged: Path, change: Callable[[dict[str, Any]], None], said: str) -> None:
    edit_proof(forged, lambda body: change(claim_in(body, "optical.as-built")))
    assert said in _accused(forged)["optical.as-built"].detail


def test_an_item_in_another_place_than_listed_breaks_the_claim(forged: Path) -> None:
    """Six metres off, in the layers alone, and the claim says that it holds."""
    sql(forged, "UPDATE chambers SET measure_m = measure_m + 6 WHERE chamber = 'K 1'")
    row = _accused(forged)["optical.as-built"]
    assert row.holds == "no"
    assert row.margin == pytest.approx(-1.0, abs=0.01)


@pytest.mark.parametrize(
    ("column", "name", "old", "new", "accused"),
    [
        ("loss", "M 1", "0,44", "0,84", {"optical.spans", "optical.budgets", "optical.links"}),
        ("in_1310", "Haus 1", "0,39", "0,79", {"optical.budgets", "optical.links"}),
        ("in_1550", "Haus 1", "0,26", "0,36", {"optical.spans"}),
    ],
)
def test_losses_that_do_not_follow_the_list(
    forged: Path, column: str, name: str, old: str, new: str, accused: set[str]
) -> None:
    """List and layer say the same, as if the plan had read a value and then left it out of its losses."""
    path = forged / "inputs" / "built.csv"
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")
    sql(forged, f"UPDATE as_built SET {COLUMNS[column]} = {new.replace(',', '.')} WHERE name = '{name}'")
    assert accused <= {row.claim for row in check_optical(read_evidence(forged)) if not row.agrees}


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32637"])
def test_points_of_a_geopackage_are_read_again(honest: Path, tmp_path: Path, crs: str) -> None:
    """The verifier puts the points on the road by itself; the layer says where the plan has them."""
    root = tmp_path / "points"
    shutil.copytree(honest, root)
    line = np.array(ask(root, "SELECT measure_m, longitude_deg, latitude_deg FROM alignment GROUP BY measure_m"))
    lon, lat = (np.interp(AT_M, line[:, 0], line[:, column]) for column in (1, 2))
    x, y = Transformer.from_crs(4326, crs, always_xy=True).transform(lon + 12.0 / 63_900.0, lat)
    rows = [row.split(";") for row in LIST.format(*"0123", **COLUMNS).splitlines()]
    kept = [n for n, name in enumerate(rows[0]) if name != "position"]
    columns = [np.array([row[n].replace(",", ".") for row in rows[1:]], dtype=object) for n in kept]
    raw.write(
        root / "inputs" / "built.gpkg",
        shapely.to_wkb(shapely.points(x, y)),
        columns,
        [rows[0][n] for n in kept],
        layer="plant",
        driver="GPKG",
        geometry_type="Point",
        crs=crs,
    )
    path = root / "trassa.toml"
    path.write_text(path.read_text("utf-8").replace("built.csv", "built.gpkg"), "utf-8")
    assert trassa("run", root).code == 0
    assert ask(root, "SELECT measure_m FROM as_built") == [(pytest.approx(at_m, abs=1.0),) for at_m in AT_M]
    assert _accused(root) == {}
    sql(root, "UPDATE as_built SET measure_m = measure_m + 1 WHERE name = 'K 1'")
    assert "measure_m of K 1" in _accused(root)["optical.as-built"].detail


@pytest.mark.parametrize("second", ["same_trench", "other_side"])
def test_two_cables_of_which_one_stands(honest: Path, tmp_path: Path, second: str) -> None:
    root = tmp_path / "two"
    shutil.copytree(honest, root)
    set_in(root, "optical", f'cables = 2\nsecond_cable = "{second}"')
    done = trassa("run", root)
    assert done.code == 0, done.err
    assert _accused(root) == {}
    assert ask(root, "SELECT DISTINCT cable FROM reels WHERE origin = 'as built'") == [("C-1",)]
