"""What the commands about traces say, and what they refuse."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from command_line import set_in, trassa
from forging import ask
from trassa.optical.otdr import read_sor, sor_bytes


@pytest.fixture(scope="module")
def drill(planned_hills: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A planned project with traces of one simulated cable beside it."""
    folder = tmp_path_factory.mktemp("drill")
    shutil.copytree(planned_hills, folder / "hills")
    for name, hut, *words in (
        ("here", "H-01"),
        ("there", "H-02"),
        ("later", "H-01", "--repaired", "H 1 km 25+000", "--inserted-m", "70", "--date", "2026-03-01"),
    ):
        done = trassa(
            "optical", "simulate", "hills", "--from", hut, "--fibre", 1, "-o", f"{name}.sor", *words, cwd=folder
        )
        assert done.code == 0, done.err
    return folder


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_events_are_told_as_table_csv_and_json(drill: Path) -> None:
    body = trassa("optical", "events", "here.sor", "--json", cwd=drill).json
    rows = _rows(trassa("optical", "events", "here.sor", "--csv", cwd=drill).out)
    assert [row["kind"] for row in rows] == [row["kind"] for row in body["events"]]
    assert rows[-1]["kind"].startswith("end")
    assert float(rows[-1]["distance_m"]) == pytest.approx(body["events"][-1]["instrument_m"], abs=15.0)
    for row in body["events"]:
        if row["kind"] == "gainer":
            assert row["loss_db"] < 0.0
        if row["kind"] == "splice" and row["instrument_db"] is not None:
            assert row["loss_db"] == pytest.approx(row["instrument_db"], abs=0.02)
    table = trassa("optical", "events", "here.sor", cwd=drill).out.splitlines()
    assert len(table) == len(rows) + 1


def test_events_of_real_traces(shared: Path) -> None:
    for path in sorted((shared / "optical" / "sor").glob("*.sor")):
        done = trassa("optical", "events", path, "--index", 1.468, "--json")
        if done.code == 3:
            assert path.stem == "otdr3"  # shorter than its dead zone
            assert "no backscatter" in done.refused()
            continue
        body = done.json
        own = [row for row in body["events"] if row["distance_own_m"] is not None]
        assert all(
            row["distance_own_m"] == pytest.approx(row["distance_m"] * body["index"] / 1.468, abs=0.2) for row in own
        )
        assert sum(row["instrument_m"] is not None for row in body["events"]) >= 1


def test_a_real_break_is_found_by_its_events(shared: Path) -> None:
    """1310_0002 ends at 868 m, 20.3 dB down; 1310_0001 has a closure 5 m before and goes on to 8816 m."""
    place = shared / "optical" / "sor"
    one, two = (trassa("optical", "events", place / f"1310_000{n}.sor", "--json").json for n in (1, 2))
    end = next(row for row in two["events"] if row["kind"].startswith("end"))
    beside = min((row for row in one["events"] if row["loss_db"] is not None), key=lambda r: abs(r["distance_m"] - 863))
    assert end["distance_m"] == pytest.approx(868.0, abs=3.0)
    assert beside["distance_m"] == pytest.approx(863.0, abs=3.0)
    assert beside["kind"] == "gainer"
    body = trassa("optical", "events", place / "1310_0002.sor", "--earlier", place / "1310_0001.sor", "--json").json
    (moved,) = [row for row in body["changes"] if row["what"] == "end moved"]
    assert moved["distance_m"] == pytest.approx(868.0, abs=3.0)
    assert moved["beside_m"] == pytest.approx(863.0, abs=3.0)
    assert moved["moved_m"] == pytest.approx(868.0 - 8816.0, abs=4.0)
    assert max(row["distance_m"] for row in one["events"] if row["kind"].startswith("end")) == pytest.approx(
        8816, abs=2
    )


def test_a_real_break_is_located_beside_its_earlier_trace(shared: Path, drill: Path) -> None:
    place = shared / "optical" / "sor"
    words = ("--from", "H-01", "--fibre", 1, "--earlier", place / "1310_0001.sor", "--json")
    body = trassa("optical", "locate", drill / "hills", place / "1310_0002.sor", *words).json
    (found,) = [row for row in body["findings"] if row["what"] == "break"]
    assert found["optical_m"] == pytest.approx(868.0, abs=3.0)
    assert any("is next to what the earlier trace shows at 8" in note for note in body["notes"])


def test_the_life_of_kept_traces(drill: Path, tmp_path: Path) -> None:
    """Stored from both huts, listed, judged, shifted by a repair that is learned, then entered too late."""
    shutil.copytree(drill, tmp_path / "drill")
    here = tmp_path / "drill"
    for name, hut in (("here", "H-01"), ("there", "H-02")):
        kept = trassa("optical", "baseline", "hills", f"{name}.sor", "--from", hut, "--fibre", 1, cwd=here)
        assert kept.code == 0, kept.err
    listed = trassa("optical", "baselines", "hills", "--json", cwd=here).json
    assert [(row["hut"], row["fibre"], row["epoch"]) for row in listed["traces"]] == [("H-01", 1, 0), ("H-02", 1, 0)]
    assert listed["traces"][0]["side"] in ("increasing", "decreasing")
    by_plan = trassa("optical", "splices", "hills", "--from", "H-01", "--json", cwd=here).json["splices"]
    by_file = _rows(trassa("optical", "splices", "here.sor", "there.sor", "--csv", cwd=here).out)
    means = {round(row["loss_db"], 2) for row in by_plan}
    assert len([row for row in by_file if round(float(row["loss_db"]), 2) in means]) >= len(by_file) - 1 > 2
    assert all(row["closure"].startswith("CL-") and row["label"] for row in by_plan)
    _closes_the_circle(here, {row["closure"]: row["loss_db"] for row in by_plan})
    strict = trassa("optical", "splices", "hills", "--from", "H-01", "--limit-db", 0.0, "--json", cwd=here).json
    assert strict["accepted"] < strict["rejected"]
    later = trassa("optical", "baseline", "hills", "later.sor", "--from", "H-01", "--fibre", 1, "--json", cwd=here).json
    assert later["traces"][0]["epoch"] == 1
    put_in = re.search(r"put in (\d+) m", later["notes"][0])
    assert put_in is not None
    assert int(put_in[1]) == pytest.approx(70, abs=5)
    words = ("optical", "repair", "hills", "H 1 km 25+000", "--inserted-m", 70, "--date")
    assert "it counts once, from then on" in trassa(*words, "2026-04-01", cwd=here).out
    assert "is entered" in trassa(*words, "2026-04-01", cwd=here).refused()
    assert "repaired" in trassa("optical", "baselines", "hills", cwd=here).out


def _closes_the_circle(here: Path, means: dict[str, float]) -> None:
    """Acceptance into the list that the plan reads: only its losses differ, by what was measured."""
    export = trassa("optical", "export", "hills", "--into", "list", "--only", "as-built", cwd=here)
    assert export.code == 0, export.err
    words = ("optical", "splices", "hills", "--from", "H-01", "--as-built", "list/as_built.csv")
    accepted = trassa(*words, cwd=here)
    assert accepted.code == 0, accepted.err
    before = (here / "list" / "as_built.csv").read_text("utf-8").splitlines()
    after = accepted.out.splitlines()
    assert [line for line in after if line not in before] != []
    rows = list(csv.DictReader(after, delimiter=";"))
    assert {row["name"]: float(row["splice_loss_db"]) for row in rows if row["splice_loss_db"]} == means
    assert [{**row, "splice_loss_db": ""} for row in rows] == list(csv.DictReader(before, delimiter=";"))
    (here / "other.csv").write_text("item;name\njoint;M 1\n", "utf-8")
    assert "other.csv: names none of the joints CL-" in trassa(*words[:-1], "other.csv", cwd=here).refused()
    assert "is no CSV" in trassa(*words[:-1], "none.csv", cwd=here).refused()
    folder = here / "accepted"
    shutil.copytree(here / "hills", folder)
    losses = {}
    for name, text in (("bare", "\n".join(before)), ("measured", accepted.out)):
        (folder / "inputs" / f"{name}.csv").write_text(text, "utf-8")
        setting = (folder / "trassa.toml").read_text("utf-8")
        if name == "bare":
            set_in(folder, "optical", 'as_built = "bare.csv"')
        else:
            (folder / "trassa.toml").write_text(setting.replace("bare.csv", "measured.csv"), "utf-8")
        assert trassa("run", folder).code == 0
        losses[name] = ask(folder, "SELECT SUM(loss_db) FROM spans")[0][0]
    more_db = sum(loss_db - 0.05 for loss_db in means.values())
    assert losses["measured"] - losses["bare"] == pytest.approx(more_db, abs=1e-6)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("splices", "here.sor"), 2, "one direction"),
        (("splices", "here.sor", "later.sor", "--as-built", "list.csv"), 2, "closures of a plan"),
        (("splices", "here.sor", "later.sor"), 0, ""),
        (("splices", "hills", "--from", "H-02"), 3, "stored traces"),
        (("baseline", "hills", "nothing.sor", "--from", "H-01", "--fibre", "1"), 3, "cannot be read"),
        (("baseline", "hills", "here.sor", "--from", "H-09", "--fibre", "1"), 3, "no hut H-09"),
        (("repair", "hills", "H 1 km 25+000", "--inserted-m", "0", "--date", "2026-01-01"), 3, "lies outside"),
        (("repair", "hills", "H 1 km 25+000", "--inserted-m", "900", "--date", "2026-01-01"), 3, "new reel"),
        (("repair", "hills", "H 1 km 25+000", "--inserted-m", "9", "--date", "yesterday"), 2, ""),
        (("locate", "hills", "here.sor", "--from", "H-01", "--fibre", "1", "--beside", "here.sor"), 3, "tells no bend"),
        (("simulate", "elsewhere", "--from", "H-01", "--fibre", "1", "-o", "x.sor"), 3, "elsewhere"),
    ],
)
def test_what_is_refused(drill: Path, words: tuple[str, ...], code: int, said: str) -> None:
    done = trassa("optical", *words, cwd=drill)
    assert done.code == code, done.err
    assert said in done.err
    assert not (drill / "hills" / "otdr").exists()


def test_a_trace_that_ends_at_the_hut_is_refused_by_its_file(drill: Path, tmp_path: Path) -> None:
    """Nothing but the launch: every command that reads it says which file it is."""
    whole = read_sor(drill / "here.sor")
    (tmp_path / "cut.sor").write_bytes(sor_bytes(replace(whole, level_db=whole.level_db[:40], events=())))
    cut, good, end = tmp_path / "cut.sor", drill / "here.sor", ("--from", "H-01", "--fibre", 1)
    for words in (
        ("events", cut),
        ("events", good, "--earlier", cut),
        ("splices", cut, good),
        ("splices", good, cut),
        ("locate", drill / "hills", cut, *end),
        ("locate", drill / "hills", good, *end, "--baseline", cut),
        ("locate", drill / "hills", good, *end, "--earlier", cut),
        ("baseline", drill / "hills", cut, *end),
    ):
        assert "cut.sor: trace of " in trassa("optical", *words).refused()
    broken = trassa(
        "optical", "simulate", "hills", *end, "--break", "H 1 km 25+000", "-o", tmp_path / "b.sor", cwd=drill
    )
    assert broken.code == 0
    assert "here.sor, " in trassa("optical", "splices", good, tmp_path / "b.sor").refused()


def test_a_store_that_is_not_of_this_plan_is_said_to_be(drill: Path, tmp_path: Path) -> None:
    """The index changed by hand, a file of it cut short: one clear error each, and the way out it names works."""
    shutil.copytree(drill, tmp_path / "drill")
    here = tmp_path / "drill"
    end = ("--from", "H-01", "--fibre", 1)
    for name in ("here", "later"):
        assert trassa("optical", "baseline", "hills", f"{name}.sor", *end, cwd=here).code == 0
    index = here / "hills" / "otdr" / "index.json"
    kept = json.loads(index.read_text("utf-8"))
    first = kept["traces"][0]
    locate = ("optical", "locate", "hills", "here.sor", *end)
    for changed, said in (
        ({"fibre": 500}, "C-1 has no fibre 500"),
        ({"length_m": 20_000.0}, "20000 m of fibre, planned are 4"),
    ):
        index.write_text(json.dumps({**kept, "traces": [{**first, **changed}, kept["traces"][1]]}), "utf-8")
        refused = trassa(*locate, cwd=here).refused()
        assert said in refused
        assert f"{first['sha256'][:16]}.sor (fibre " in refused
        assert f"--remove {first['sha256'][:8]}`" in refused
    index.write_text(json.dumps({**kept, "traces": [{**first, "cable": "C-9"}, kept["traces"][1]]}), "utf-8")
    assert "of C-9, H-01→H-02" in trassa("optical", "baselines", "hills", cwd=here).out.splitlines()[-1]
    index.write_text(json.dumps(kept), "utf-8")
    file = here / "hills" / "otdr" / f"{first['sha256'][:16]}.sor"
    file.write_bytes(file.read_bytes()[:5000])
    refused = trassa(*locate, cwd=here).refused()
    assert "is not the file that was put in" in refused
    assert trassa("optical", "baselines", "hills", "--remove", first["sha256"][:8], cwd=here).code == 0
    assert trassa(*locate, "--json", cwd=here).json["calibrated_by"] == 1
