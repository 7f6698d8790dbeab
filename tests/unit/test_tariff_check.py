"""Tariff files with one mistake each: the check names the place, the value and the bound; the command exits with 1."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from command_line import fresh_process, trassa
from trassa.errors import InputError
from trassa.toll.context import read_context
from trassa.toll.tariff_file import bundled_names, checked, tariff_path

SOUND = """\
format = "trassa-tariff/1"
system = "lane"
name = "A lane"
kind = "matrix"
operator = "us"
currency = "EUR"
price_unit_minor = 10
zone = "Europe/Berlin"
longest_trip_h = 3

[classes]
1 = "all"

[payments]
all = ["tag", "plate"]

[[toll_point]]
id = "west"
name = "West"
km = 0
node = "w"

[[toll_point]]
id = "middle"
name = "Middle"
km = 10
node = "m"

[[toll_point]]
id = "east"
name = "East"
km = 30
node = "e"

[[version]]
id = "old"
source = "drawn"
read = 2026-01-01
from = 2026-01-01T00:00:00
to = 2026-07-01T00:00:00
time_base = "entry"
rounding = "half up"
cap_minor_per_km = 50
[version.profiles]
always = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
[[version.table]]
class = "1"
payment = "all"
columns = ["always"]
rows = [["w", "m", 10], ["w", "e", 30], ["m", "e", 20], ["m", "w", 10], ["e", "m", 20], ["e", "w", 30]]

[[version]]
id = "new"
source = "drawn"
read = 2026-01-01
from = 2026-07-01T00:00:00
time_base = "exit"
rounding = "up"
day_starts = 06:00:00
day_ends = 01:00:00
[version.profiles]
day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
night = ["night"]
[[version.table]]
class = "1"
payment = "all"
columns = ["day", "night"]
from = "w"
rows = [["m", 12, 6], ["e", 36, 18]]
"""

MISTAKES = {
    "a gap in time": ("to = 2026-07-01T00:00:00", "to = 2026-06-30T00:00:00", "leave a gap from 2026-06-30"),
    "an overlap": ("to = 2026-07-01T00:00:00", "to = 2026-07-02T00:00:00", "overlap"),
    "no end before the next": ("to = 2026-07-01T00:00:00\n", "", "overlap: the first ends never"),
    "ends before it begins": ("to = 2026-07-01T00:00:00", "to = 2025-07-01T00:00:00", "begins at"),
    "an offset": ("from = 2026-01-01T00:00:00", "from = 2026-01-01T00:00:00Z", "write local time"),
    "an unknown class": ('class = "1"', 'class = "9"', "class '9' is not declared"),
    "an unknown payment": ('payment = "all"', 'payment = "cash"', "payment 'cash' is not declared"),
    "an unknown node": ('["w", "m", 10]', '["w", "x", 10]', "'x' is no node"),
    "an unknown column": ('columns = ["always"]', 'columns = ["fri"]', "'fri' is no profile"),
    "a price of half a unit": ('["w", "m", 10]', '["w", "m", 10.5]', "10.5 is no whole number of price units"),
    "a price as text": ('["w", "m", 10]', '["w", "m", "10"]', "'10' is no price"),
    "a negative price": ('["w", "m", 10]', '["w", "m", -1]', "-1 is no price"),
    "a short row": ('["w", "m", 10]', '["w", "m"]', "row 1: has 2 values, not 3"),
    "a pair twice": ('["m", "e", 20]', '["w", "m", 20]', "priced twice"),
    "a pair of one place": ('["w", "m", 10]', '["w", "w", 10]', "same place"),
    "above the cap": ('["w", "e", 30]', '["w", "e", 151]', "1510 minor units lie above the cap of 1500"),
    "the wrong unit": ("price_unit_minor = 10", "price_unit_minor = 1000", "is price_unit_minor right?"),
    "a day in two profiles": ('night = ["night"]', 'night = ["night", "sun"]', "sun stands in 2 profiles"),
    "a night before midnight": (
        "day_ends = 01:00:00",
        "day_ends = 22:00:00",
        "it must end at 00:00 or in the hours after",
    ),
    "a night that never comes": ('always = ["mon",', 'always = ["night", "mon",', "night never comes"),
    "an unknown key": ("rounding = ", "roundng = ", "is not known"),
    "an unknown rounding": ('rounding = "up"', 'rounding = "nearest"', "'nearest'"),
    "no such zone": ("Europe/Berlin", "Europe/Bonn", "'Europe/Bonn' is no time zone"),
    "a point twice": ('id = "middle"', 'id = "west"', "is given 2 times"),
    "a point without a node": ('km = 10\nnode = "m"', "km = 10", "needs a node"),
    "a version twice": ('id = "new"', 'id = "old"', "is given 2 times"),
    "a price beyond any toll": ('["w", "m", 10]', '["w", "m", 99999999999999999999]', "more than any toll"),
    "a price that is true": ('["w", "m", 10]', '["w", "m", true]', "true is no price"),
    "a kilometre that is no number": ("km = 10", "km = nan", "nan: Input should be a finite number"),
    "a kilometre off the Earth": ("km = 10", "km = 1e300", "less than or equal to 100000"),
    "no such day": ('always = ["mon",', 'always = ["monday", "mon",', "'monday' is no kind of day; one of mon, tue"),
    "a discount as number": (
        "[version.profiles]",
        "[version.discounts]\nall = 0.2\n[version.profiles]",
        "0.2 is no share as text",
    ),
    "a discount in per cent": (
        "[version.profiles]",
        '[version.discounts]\nall = "20"\n[version.profiles]',
        "'20' is no share as text",
    ),
    "an id in Cyrillic": ('id = "middle"', 'id = "Клин"', "'Клин' is no name for programs"),
    "a unit forgotten": ("price_unit_minor = 10\n", "", "price_unit_minor: is missing"),
    "a byte order mark": ('format = "trassa', '\ufeffformat = "trassa', "byte order mark"),
    "a slack without end": (
        "cap_minor_per_km = 50",
        "cap_minor_per_km = 50\ncap_slack_km = inf",
        "cap_slack_km: inf: Input should be a finite number",
    ),
    "no TOML": ("[classes]", "[classes", "is no TOML"),
    "what trassa fills in": ('name = "A lane"', 'name = "A lane"\nsha256 = "0"', "filled in by trassa"),
}


def said(path: Path) -> list[str]:
    return [f"{finding.weight} {finding.place}: {finding.text}" for finding in checked(path)[1]]


@pytest.fixture
def lane(tmp_path: Path) -> Path:
    path = tmp_path / "lane.toml"
    path.write_text(SOUND, "utf-8")
    return path


def test_a_sound_tariff_has_no_error(lane: Path) -> None:
    assert [line for line in said(lane) if line.startswith("error")] == []
    done = trassa("toll", "check", lane)
    assert (done.code, done.err) == (0, "no errors\n")


def test_another_encoding_is_told_by_its_first_byte(lane: Path) -> None:
    lane.write_bytes(SOUND.replace("A lane", "Лань").encode("cp1251"))
    assert said(lane) == ["error the file: is not UTF-8 (byte 0xcb at 51); save it as UTF-8"]


def test_brackets_without_end_are_no_toml(lane: Path) -> None:
    lane.write_text(f"rows = {'[' * 20_000}", "utf-8")
    checked_it = trassa("toll", "check", lane)
    assert (checked_it.code, checked_it.err) == (1, f"1 error in {lane}\n")
    assert "is no TOML: its brackets are nested too deep" in checked_it.out
    rated = trassa("toll", "rate", lane, "--from", "w", "--to", "e", "--at", "2026-06-05T12:00")
    assert "lane.toml, the file: is no TOML: its brackets are nested too deep" in rated.refused()


@pytest.mark.parametrize("name", ["/nonexist/dir/m12", "../m12", "./m12"])
def test_a_folder_before_a_bundled_name_is_not_dropped(name: str) -> None:
    words = ("--from", "moscow", "--to", "shali", "--at", "2026-10-05T12:00")
    assert f"{name!r} is no bundled tariff" in trassa("toll", "rate", name, *words).refused()
    assert f"{name!r} is no bundled tariff" in trassa("toll", "check", name).refused()


def test_a_mistake_is_told_once(lane: Path) -> None:
    lane.write_text(SOUND.replace('["w", "m", 10]', '["w", "m", 10.5]', 1), "utf-8")
    assert len(said(lane)) == 1
    assert trassa("toll", "check", lane).err == f"1 error in {lane}\n"


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistake(lane: Path, mistake: str) -> None:
    old, new, wanted = MISTAKES[mistake]
    assert old in SOUND
    lane.write_text(SOUND.replace(old, new, 1), "utf-8")
    errors = [line for line in said(lane) if line.startswith("error")]
    assert any(wanted in line for line in errors), errors
    assert trassa("toll", "check", lane).code == 1
    with pytest.raises(InputError, match=r"tariff: lane\.toml, .*Try: trassa toll check") as refused:
        read_context(["lane.toml"], lane.parent)
    assert refused.value.exit_code == 3


def test_what_a_person_should_sign_off(lane: Path) -> None:
    changed = SOUND.replace('["e", "w", 30]', '["e", "w", 15]').replace('["w", "e", 30]', '["w", "e", 9]')
    lane.write_text(changed.replace('night = ["night"]\n', "", 1).replace('["day", "night"]', '["day"]').replace(
        '["m", 12, 6], ["e", 36, 18]', '["m", 12], ["e", 36]'), "utf-8")  # fmt: skip
    assert said(lane) == [
        "warning version old, class 1 all: e → w and its opposite differ",
        "warning version old, class 1 all: w → e costs less than → m: always",
        "warning version old, class 1 all: e → w costs less than → m: always",
        "warning version new, profiles: night has no profile: trips at that time are held",
        "note version new: m → any of the 2 others: no price, held",
        "note version new: e → any of the 2 others: no price, held",
    ]


def test_the_bundled_tariffs_are_sound_and_say_what_they_lack() -> None:
    assert bundled_names() == ["ckad", "m11-15-58", "m11-58-684", "m12"]
    found = {name: [f for f in checked(tariff_path(name, Path()))[1]] for name in bundled_names()}  # noqa: C416
    assert not [finding for findings in found.values() for finding in findings if finding.is_error]
    differ = [f for f in found["m11-15-58"] if f.text.endswith("and its opposite differ")]
    assert len(differ) == 10  # of the 12 pairs that are listed both ways
    assert any("moscow → zelenograd costs less than → sheremetyevo1: monThu, sun" in f.text for f in found["m11-15-58"])
    done = trassa("toll", "check", "--json")
    assert done.code == 0
    assert {row["tariff"] for row in done.json} == set(bundled_names())


def test_a_version_is_chosen_by_its_own_time_base(lane: Path) -> None:
    """Entered under the old version (time of entry), left under the new one (time of exit): two would fit, so held."""

    def asked(entry: str, leave: str) -> tuple[int, int | None]:
        done = trassa("toll", "rate", lane, "--from", "west", "--to", "e", "--at", leave, "--entry-at", entry, "--json")
        return done.code, done.json["amount_minor"]

    assert asked("2026-06-30T22:00", "2026-06-30T23:59:59") == (0, 300)
    assert asked("2026-07-01T00:00", "2026-07-01T01:00") == (0, 180)
    assert asked("2026-07-01T00:00", "2026-07-01T00:59:59") == (0, 360)
    assert asked("2026-06-30T23:00", "2026-07-01T00:30") == (1, None)


def test_contradicting_files_are_refused(lane: Path) -> None:
    other = lane.with_name("other.toml")
    other.write_text(SOUND.replace('system = "lane"', 'system = "other"').replace("km = 30", "km = 31"), "utf-8")
    with pytest.raises(
        InputError, match=r"toll point east is main line km 30 in lane\.toml and main line km 31 in other"
    ):
        read_context(["lane.toml", "other.toml"], lane.parent)
    other.write_text(SOUND, "utf-8")
    with pytest.raises(InputError, match="is system 'lane', as is"):
        read_context(["lane.toml", "other.toml"], lane.parent)
    with pytest.raises(InputError, match="'m13' is no bundled tariff"):
        read_context(["m13"], lane.parent)
    with pytest.raises(InputError, match="there is no file"):
        read_context(["gone.toml"], lane.parent)


def test_points_of_the_m11_are_those_of_the_road() -> None:
    """Kilometres of the bundled road example and of the tariffs are the same plazas; km 58 is one point."""
    context = read_context(["m11-15-58", "m11-58-684"], Path())
    assert [system.system for system in context.systems_at("m11-058-solnechnogorsk")] == ["m11-15-58", "m11-58-684"]
    assert context.boundary("m11-15-58", "m11-58-684") == "m11-058-solnechnogorsk"
    example = Path(__file__).resolve().parents[2] / "src" / "trassa" / "plan" / "examples" / "m11.csv"
    with example.open(encoding="utf-8") as file:
        plazas = {row["km"] for row in csv.DictReader(file) if row["kind"] == "toll_plaza"}
    opened_since = {"593"}
    assert {f"{point.km:g}" for point in context.points.values()} - opened_since == plazas
    assert all(ident.startswith(f"m11-{int(point.km or 0):03d}-") for ident, point in context.points.items())


PRICES = """
2026-06-05T12:00     moscow          solnechnogorsk  1  plate  0  1650.00 RUB
2026-06-05T12:00     solnechnogorsk  moscow          1  plate  0  1260.00 RUB
2026-06-05T00:59:59  moscow          solnechnogorsk  1  own    0  1130.00 RUB
2026-06-05T01:00     m11-021-moskva  Солнечногорск   1  plate  0  880.00 RUB
2026-06-05T12:00     moscow          solnechnogorsk  2  plate  1  held: m11-15-58 2026-04-24 has no price for class 2 (class_not_priced)
2026-06-05T12:00     moscow          solnechnogorsk  1  tag    1  held: m11-15-58 2026-04-24 has no price of class 1 by tag (means_not_priced)
2026-06-05T12:00     tskad           moscow          1  plate  1  held: m11-15-58 2026-04-24 has no price tskad → moscow (fri) (pair_not_priced)
2026-06-05T12:00     mmk_a107        m11-050-mmk-sever  1  plate  1  held: a return at mmk_a107 has no published price (same_place_return)
2026-04-24T00:30     moscow          solnechnogorsk  1  plate  1  held: m11-15-58 has no one version in force for an exit at 2026-04-24T00:30:00.000+03:00 (no_tariff_in_force)
"""  # noqa: E501


@pytest.mark.parametrize("line", PRICES.strip().splitlines())
def test_rate(line: str) -> None:
    at, start, end, vehicle_class, means, code, wanted = line.split(maxsplit=6)
    done = trassa(
        "toll", "rate", "m11-15-58", "--from", start, "--to", end, "--at", at, "--class", vehicle_class,
        "--means", means,
    )  # fmt: skip
    assert (done.code, done.out.splitlines()[0]) == (int(code), wanted)


@pytest.mark.parametrize(
    ("words", "code", "wanted"),
    [
        (["--at", "noon"], 2, "--at 'noon' is no time"),
        (["--at", "2026-06-05T12:00+03:00"], 2, "has an offset"),
        (["--at", "0001-01-01T00:00"], 2, "--at '0001-01-01T00:00' in Europe/Moscow lies outside the years 1 to 9999"),
        (["--at", "2026-06-05T12:00", "--entry-at", "0001-01-01T00:00"], 2, "--entry-at '0001-01-01T00:00' in"),
        (["--at", "2026-06-05T12:00", "--entry-at", "2026-06-05T13:00"], 2, "lies after the exit"),
        (["--at", "2026-06-05T12:00", "--means", "cash"], 2, "'cash' is no means"),
        (["--at", "2026-06-05T12:00", "--from", "tver"], 2, "'tver' is no place of m11-15-58"),
    ],
)
def test_rate_refuses(words: list[str], code: int, wanted: str) -> None:
    done = trassa("toll", "rate", "m11-15-58", "--from", "moscow", "--to", "zelenograd", *words)
    assert wanted in done.refused(code)


def test_the_explanation_is_json_with_the_tariff_it_cites() -> None:
    done = trassa(
        "toll", "rate", "ckad", "--from", "М-11", "--to", "Дмитровское ш.", "--at", "2026-10-05T12:00", "--json"
    )
    said = done.json["explanation"]
    assert (done.json["amount_minor"], done.json["currency"]) == (33_500, "RUB")
    assert [line["amount_minor"] for line in said["arithmetic"]["lines"]] == [16_700, 16_800]
    assert len(said["tariff"]["sha256"]) == 64
    assert json.loads(json.dumps(said)) == said


def test_no_engine_is_loaded_for_a_price() -> None:
    watch = (
        "import atexit, sys\natexit.register(lambda: print(sorted({'numpy', 'psycopg', 'numba'} & set(sys.modules))))"
    )
    words = ("toll", "rate", "m12", "--from", "moscow", "--to", "shali", "--at", "2026-10-05T12:00")
    done = fresh_process(*words, before=watch)
    assert done.code == 0, done.err
    assert done.out.splitlines()[0] == "5909.00 RUB"
    assert done.out.splitlines()[-1] == "[]"
