"""Cameras on passive trees, from trassa.toml to a verified plan, by the commands."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from command_line import set_in, trassa
from forging import ask, row_of
from trassa.plan.verify import verify

LIST = ["name,service,position", *(f"K-{n:02d},camera,H 1 km {11 + 3 * n}+{137 * n % 1000:03d}" for n in range(12))]


@pytest.fixture(scope="module")
def grown(planned_hills: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with twelve cameras on trees."""
    root = tmp_path_factory.mktemp("trees") / "hills"
    shutil.copytree(planned_hills, root)
    (root / "inputs" / "cameras.csv").write_text("\n".join(LIST) + "\n", "utf-8")
    text = (root / "trassa.toml").read_text("utf-8")
    for old, new in (
        ('# equipment_list = ""', 'equipment_list = "cameras.csv"'),
        ("# services = [", "services = ["),
        ('"camera", access = "ring", protection = "any cut"', '"camera", access = "tree", protection = "feeder"'),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    (root / "trassa.toml").write_text(text, "utf-8")
    done = trassa("run", root)
    assert done.code == 0, done.out + done.err
    return root


def test_cameras_on_trees_hold_and_verify_agrees(grown: Path) -> None:
    found = verify(grown)
    assert found.agrees, found.text()
    assert row_of(found, "optical.trees").holds == "yes"
    assert row_of(found, "optical.service.camera").holds == "yes"
    (places,) = ask(grown, "SELECT COUNT(DISTINCT connection) FROM tree_links")
    assert places == (12,)


def test_a_cut_of_a_branch_says_whom_it_strands(grown: Path) -> None:
    name, tap_m, splitter_m = ask(
        grown, "SELECT connection, measure_m, splitter_m FROM tree_links WHERE cable_fibre > 0 LIMIT 1"
    )[0]
    km = 10.0 + (tap_m + splitter_m) / 2000.0
    said = trassa("optical", "cut", grown, f"H 1 km {int(km)}+{round(1000 * km) % 1000:03d}")
    assert said.code == 0, said.err
    assert "stranded" in said.out
    assert name in said.out
    assert "trees TR-" in said.out


def test_a_trace_through_a_splitter_is_refused(grown: Path, tmp_path: Path) -> None:
    ((hut, fibre),) = ask(grown, "SELECT hut, fibre FROM patches WHERE use = 'TR-01' LIMIT 1")
    done = trassa("optical", "simulate", grown, "-o", tmp_path / "t.sor", "--from", hut, "--fibre", fibre)
    assert "belongs to the tree TR-01" in done.refused()


def test_what_acceptance_measured_counts_in_trees_and_verify_agrees(grown: Path, tmp_path: Path) -> None:
    root, listed = tmp_path / "hills", tmp_path / "list"
    shutil.copytree(grown, root)
    assert trassa("optical", "export", root, "--into", listed, "--only", "as-built").code == 0
    rows = list(csv.DictReader((listed / "as_built.csv").read_text("utf-8").splitlines(), delimiter=";"))
    last = {row["section"]: row["name"] for row in rows}
    for number, row in enumerate(rows):
        if row["item"] in ("joint", "tap"):
            row["splice_loss_db"] = f"{0.01 * (number % 9)}"
        if row["item"] in ("hut", "joint") and last[row["section"]] != row["name"]:
            row["attenuation_1310_db_per_km"] = f"{0.31 + 0.01 * (number % 5)}"
    with (root / "inputs" / "as_built.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), delimiter=";")
        table.writeheader()
        table.writerows(rows)
    set_in(root, "optical", 'as_built = "as_built.csv"')
    done = trassa("run", root)
    assert done.code == 0, done.out + done.err
    found = verify(root)
    assert found.agrees, found.text()
    losses = "SELECT connection, hut, typical_loss_db FROM tree_links ORDER BY 1, 2"
    assert ask(root, losses) != ask(grown, losses)
