"""A road whose map has a gap on both carriageways: what is exempt is told for either, and verify adds it up."""

from __future__ import annotations

from pathlib import Path

from command_line import trassa
from osm_map import OsmMap


def test_a_gap_on_both_carriageways_is_verified(tmp_path: Path) -> None:
    drawn = OsmMap()
    for north_m in (0.0, 16.0):
        for east_m in ((0.0, 1500.0, 3000.0), (3700.0, 5200.0, 6500.0)):
            nodes = drawn.row([(at_m, north_m) for at_m in east_m])
            drawn.way(nodes if north_m == 0.0 else nodes[::-1])
    root = tmp_path / "gap"
    assert trassa("init", root, "--ref", "A 1", "--osm", drawn.write(tmp_path / "gap.osm")).code == 0
    run = trassa("run", root)
    assert "without geometry" in run.out
    rows = {row["claim"]: row for row in trassa("verify", root, "--json").json["rows"]}
    assert {name: row["detail"] for name, row in rows.items() if not row["agrees"]} == {}
    assert rows["radio.told"]["agrees"]
