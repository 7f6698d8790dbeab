"""serve, drive and doctor over a project that cannot be served: told at once, with nothing started or written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from command_line import contents, trassa
from trassa.live.book import Book
from trassa.live.ports import choose_ports
from trassa.live.secrets import make_secrets


def _cut_plan(project: Path) -> None:
    plan = project / "plan.gpkg"
    plan.write_bytes(plan.read_bytes()[:5000])


def _break_proof(project: Path) -> None:
    (project / "proof.json").write_text('{"broken', "utf-8")


def _in_force(project: Path, systems: str) -> None:
    file = project / "trassa.toml"
    text = file.read_text("utf-8")
    assert '\nsystems = ["m11-15-58", "m11-58-684"]' in text
    file.write_text(text.replace('["m11-15-58", "m11-58-684"]', systems), "utf-8")


def _name_no_tariff(project: Path) -> None:
    _in_force(project, '["m13"]')


def _contradict(project: Path) -> None:
    bundled = Path(__file__).resolve().parents[2] / "src" / "trassa" / "toll" / "tariffs" / "m11-15-58.toml"
    (project / "inputs" / "other.toml").write_text(
        bundled.read_text("utf-8").replace("\nkm = 58", "\nkm = 59"), "utf-8"
    )
    _in_force(project, '["other.toml", "m11-58-684"]')


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (_cut_plan, "plan.gpkg is not a GeoPackage"),
        (_break_proof, "proof.json is not JSON"),
        (_name_no_tariff, "'m13' is no bundled tariff"),
        (_contradict, "main line km 59 in other.toml and main line km 58 in m11-58-684.toml"),
    ],
)
def test_what_cannot_be_served_is_told_before_anything_is_written(
    damage: Callable[[Path], None], told: str, planned_m11: Path, tmp_path: Path
) -> None:
    project = Path(shutil.copytree(planned_m11, tmp_path / "m11"))
    damage(project)
    before = contents(project)
    assert told in trassa("serve", project, "--no-web").refused(3)
    assert told in trassa("drive", project).refused(3)
    examined = trassa("doctor", project)
    assert examined.code == 1
    assert any(row.startswith("missing") and told in row for row in examined.out.splitlines())
    assert contents(project) == before


def test_a_table_with_semicolons_is_told_what_it_lacks(planned_m11: Path, tmp_path: Path) -> None:
    table = tmp_path / "reads.csv"
    table.write_text("source;device;time;toll_point;means;identity\n", "utf-8")
    assert "with commas between them" in trassa("toll", "post", planned_m11, table).refused(3)


def test_a_drive_into_a_platform_that_does_not_run_names_its_door_and_the_command(
    planned_m11: Path, tmp_path: Path
) -> None:
    project = Path(shutil.copytree(planned_m11, tmp_path / "m11"))
    book = Book(project, "drive")
    book.root.mkdir()
    make_secrets(book)
    door = choose_ports(book, mqtt=0, web=0).mqtt
    told = trassa("drive", project, "--vehicles", 30, "--minutes", 2, "--into", "http://127.0.0.1:1").refused(3)
    assert f"no platform that can be driven answers at 127.0.0.1:{door}: Connection refused" in told
    assert told.endswith(f"Try: trassa serve {project} --allow-drive")
