"""trassa show: windows, widths, and what it says about a plan that is not there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from command_line import modified, set_in, trassa


def test_a_window_begins_and_ends_where_it_was_asked(planned_a4: Path) -> None:
    answer = trassa("show", planned_a4, "350-360", "--json").json
    assert (answer["from"], answer["to"]) == ("km 350+000", "km 360+000")
    assert answer["road"] == "A 4"
    assert set(answer["rows"]) >= {"road", "structures", "places", "sites", "→ best", "← best", "fibre"}
    assert answer["start_m"] == pytest.approx(613.7, abs=0.05)
    columns = {len(cells) for cells in answer["rows"].values()}
    assert len(columns) == 1
    assert answer["notes"] == []


@pytest.mark.parametrize(
    ("window", "start", "end"),
    [
        ("101-103", "км 101+000", "км 103+000"),
        ("101–103", "км 101+000", "км 103+000"),
        ("101+250-101+750", "км 101+250", "км 101+750"),
        ("101.25-101.75", "км 101+250", "км 101+750"),
        ("км 101+250–101+750", "км 101+250", "км 101+750"),
        ("km 101 - km 102", "км 101+000", "км 102+000"),
        ("103-", "км 103+000", "км 104+000"),
        ("-101", "км 100+000", "км 101+000"),
        ("90-110", "км 100+000", "км 104+000"),
        ("", "км 100+000", "км 104+000"),
    ],
)
def test_windows_as_people_write_them(planned_lane: Path, window: str, start: str, end: str) -> None:
    answer = trassa("show", "--json", "--", planned_lane, *([window] if window else [])).json
    assert (answer["from"], answer["to"]) == (start, end)


def test_the_current_folder_needs_no_name(planned_lane: Path) -> None:
    assert trassa("show", cwd=planned_lane).out.startswith("Б-1 км 100+000 … км 104+000")
    for window in ("101-102", "км 101-102", "101-"):
        assert trassa("show", window, cwd=planned_lane).out.startswith("Б-1 км 101+000 … ")


def test_a_folder_may_be_called_like_a_window(planned_lane: Path, tmp_path: Path) -> None:
    shutil.copytree(planned_lane, tmp_path / "101-102")
    assert trassa("show", "101-102", cwd=tmp_path).out.startswith("Б-1 км 100+000 … км 104+000")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["350-x"], "'350-x' is not FROM-TO. Try: 350-360"),
        (["103-101"], "holds no stretch of Б-1, км 100+000 … км 104+000"),
        (["10-20"], "holds no stretch of Б-1"),
        (["--", "-"], "'-' is not FROM-TO"),
        (["--width", "3"], "a width of 3 columns. Try: 10 to 2000"),
        (["--width", "-5"], "a width of -5 columns"),
        (["--width", "100000"], "a width of 100000 columns"),
    ],
)
def test_a_window_that_is_none_is_wrong_usage(planned_lane: Path, words: list[str], told: str) -> None:
    options = [word for word in words if words[0] == "--width"]
    rest = [word for word in words if not options]
    assert told in trassa("show", *options, planned_lane, *rest).refused(2)


def test_the_diagram_is_as_wide_as_asked(planned_lane: Path) -> None:
    for width in (10, 40, 150):
        rows = trassa("show", planned_lane, "--width", width, "--json").json["rows"]
        assert max(len(cells) for cells in rows.values()) <= width


def test_a_plan_that_is_out_of_date_is_not_drawn_in_silence(planned_lane: Path, tmp_path: Path) -> None:
    lane = Path(shutil.copytree(planned_lane, tmp_path / "lane"))
    set_in(lane, "optical", "slack_ratio = 0.04")
    done = trassa("show", lane)
    assert done.err == f"not planned yet, or changed since: optical. Try: trassa run {lane}\n"
    assert "\nfibre" not in done.out
    assert "→ best" in done.out
    shutil.rmtree(lane / "stages")
    done = trassa("show", lane)
    assert "radio and optical" in done.err
    assert "\nroad " in done.out


def test_showing_a_plan_writes_nothing(planned_lane: Path) -> None:
    before = modified(planned_lane)
    trassa("show", planned_lane)
    trassa("road", "posts", planned_lane)
    assert modified(planned_lane) == before
