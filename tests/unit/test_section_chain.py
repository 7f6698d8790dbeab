"""Sections of a tariff are a chain with two ends: how often a trip went round a ring, its prices could not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import trassa

HEAD = """\
format = "trassa-tariff/1"
system = "chain"
name = "Chain"
kind = "sections"
operator = "o"
currency = "EUR"
price_unit_minor = 1
zone = "UTC"
longest_trip_h = 2
[classes]
car = "cars"
[payments]
plate = ["plate"]
"""
VERSION = """\
[[version]]
id = "1"
source = "made for tests"
read = 2026-01-01
from = 2026-01-01T00:00:00
time_base = "exit"
rounding = "half up"
[version.profiles]
always = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
[[version.table]]
class = "car"
payment = "plate"
columns = ["always"]
"""


def tariff(folder: Path, *sections: tuple[str, str]) -> Path:
    points = [
        f'[[toll_point]]\nid = "p{i}"\nname = "P{i}"\nsection = ["{a}", "{b}"]\n' for i, (a, b) in enumerate(sections)
    ]
    rows = ", ".join(f'["{a}", "{b}", {5 + i}]' for i, (a, b) in enumerate(sections))
    file = folder / "chain.toml"
    file.write_text(HEAD + "".join(points) + VERSION + f"rows = [{rows}]\n", "utf-8")
    return file


@pytest.mark.parametrize("start", [[], [("north", "west")]], ids=["ring", "ring with a way in"])
def test_sections_that_lead_round_are_refused(tmp_path: Path, start: list[tuple[str, str]]) -> None:
    file = tariff(tmp_path, *start, ("west", "mid"), ("mid", "east"), ("east", "west"))
    done = trassa("toll", "check", file)
    assert done.code == 1
    assert "the sections lead round: west → mid → east → west; a chain has two ends" in done.out


def test_sections_one_after_the_other_are_a_chain(tmp_path: Path) -> None:
    assert trassa("toll", "check", tariff(tmp_path, ("west", "mid"), ("mid", "east"))).code == 0
