"""trassa toll post, explain, audit: as a person runs them, without a platform and beside one."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from command_line import trassa
from running_store import lane_with_tolls
from trassa.clock import SteppedClock
from trassa.live.book import Book
from trassa.live.roadway import Roadway
from trassa.live.secrets import Secrets
from trassa.live.store.embedded import PostgresPlace
from trassa.live.store.store import Store
from trassa.live.toll_desk import TollDesk
from trassa.plan.project import open_project

TABLE = """\
source,device,sequence,time,toll_point,means,identity,vehicle_class
gantry,front,1,2026-06-05T15:00:00+03:00,m11-021-moskva,plate,А123ВС77,1
gantry,rear,1,2026-06-05T12:00:01.500Z,m11-021-moskva,plate,А123ВС77,1
gantry,front,7,1780662600000,m11-058-solnechnogorsk,plate,А123ВС77,1
gantry,front,8,2026-06-05T15:30:00+03:00,nowhere,plate,А123ВС77,1
gantry,front,9,2026-06-05T15:40:00+03:00,m11-058-solnechnogorsk,tag,E2-77,3
"""


@pytest.fixture(scope="module")
def tolled(planned_lane: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lane_with_tolls(planned_lane, tmp_path_factory.mktemp("tolled") / "lane").plan.project.root


@pytest.fixture
def lane(tolled: Path, tmp_path: Path) -> Iterator[Path]:
    root = tmp_path / "lane"
    shutil.copytree(tolled, root)
    (tmp_path / "reads.csv").write_text(TABLE, "utf-8")
    yield root
    if (root / "live").exists():
        PostgresPlace.of(Book(root, "live")).discard()


def posted(lane: Path) -> Any:
    done = trassa("toll", "post", lane, lane.parent / "reads.csv", "--json")
    assert done.code == 0, done.err
    return done.json


def test_a_table_becomes_a_charge_that_explains_itself_and_stands_the_audit(lane: Path) -> None:
    first = posted(lane)
    assert first == {
        "reads": 5,
        "receipts": {"open": 4, "rejected": 1},
        "rejected": [{"line": 5, "reason": "toll point 'nowhere' is not known here"}],
        "settled": True,
        "charges_changed": 1,
    }
    again = posted(lane)
    assert (again["receipts"], again["charges_changed"]) == (
        {"charged": 2, "duplicate": 1, "held": 1, "rejected": 1},
        0,
    )
    audited = trassa("toll", "audit", lane, "--json")
    assert (audited.code, audited.json["holds"], audited.json["entries"]) == (0, True, 1)
    assert audited.json["charged"] == [{"currency": "RUB", "amount_minor": 165_000, "charges": 1}]
    assert set(audited.json["held"]) == {"entry_without_exit"}
    said = trassa("toll", "audit", lane)
    assert "1650.00 RUB in 1 charges" in said.out
    assert said.out.endswith("no differences\n")

    key = charge_key(lane)
    explained = trassa("toll", "explain", lane, key[-24:-4])
    assert explained.code == 0
    for word in ("1650.00 RUB", "Москва", "Солнечногорск", "version 2026-04-24", "profile fri", "rules", "gantry/rear"):
        assert word in explained.out
    assert "А123ВС77" not in explained.out
    body = trassa("toll", "explain", lane, key, "--json").json
    assert sum(line["amount_minor"] for line in body["explanation"]["arithmetic"]["lines"]) == body["amount_minor"]
    assert trassa("toll", "explain", lane, "zzz").refused().startswith("error: charge: there is no 'zzz'")


def charge_key(lane: Path) -> str:
    place = PostgresPlace.of(Book(lane, "live"))
    with place.running():
        store = Store(place.url())
        with store.transaction() as connection:
            row = connection.execute("SELECT charge_key FROM charge").fetchone()
        store.close()
    assert row is not None
    return str(row["charge_key"])


def test_a_difference_is_printed_and_is_exit_1(lane: Path) -> None:
    posted(lane)
    place = PostgresPlace.of(Book(lane, "live"))
    superuser = place.url().replace("trassa_app", "postgres")
    with place.running(), psycopg.connect(superuser, autocommit=True) as burglar:
        burglar.execute("SET session_replication_role = replica")
        burglar.execute("UPDATE trassa.posting SET amount_minor = amount_minor * 2")
    audited = trassa("toll", "audit", lane)
    assert audited.code == 1
    assert "DIFFERS  entry 1: its content is not what was written" in audited.out
    assert "is 330000 RUB in the ledger, 165000 by the rules" in audited.out


def test_beside_a_running_platform_its_database_is_used_and_it_settles(lane: Path) -> None:
    posted(lane)
    book = Book(lane, "live")
    place = PostgresPlace.of(book)
    with book.lock_file.open("r+") as held, place.running() as server:
        fcntl.flock(held, fcntl.LOCK_EX)
        late = TABLE.splitlines()[0] + "\ngantry,front,77,2026-06-05T15:20:00+03:00,m11-036-zelenograd,plate,А9,1\n"
        (lane.parent / "late.csv").write_text(late, "utf-8")
        done = trassa("toll", "post", lane, lane.parent / "late.csv")
        assert (done.code, done.out.splitlines()[-1]) == (0, "the running platform settles them")
        assert server.process.poll() is None
        assert "pending  1 vehicles" in trassa("toll", "audit", lane).out
        store = Store(place.url())
        clock = SteppedClock(1_800_000_000_000)
        TollDesk(Roadway.of(open_project(lane)), store, clock, key=Secrets.of(book).identity_key).settle()
        store.close()
        audited = trassa("toll", "audit", lane, "--json")
        assert (audited.code, audited.json["pending"]) == (0, 0)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", "has no column source"),
        ("source,device,time,toll_point,means\n", "has no column identity"),
        ("source,device,time,toll_point,means,identity,colour\n", "column 'colour' is not known"),
        ("source,device,time,toll_point,means,identity\na,b,2026-06-05T15:00:00,c,plate,d\n", "line 2: time"),
        ("source,device,time,toll_point,means,identity\na,b,noon,c,plate,d\n", "line 2: time 'noon' is none"),
        ("source,device,time,toll_point,means,identity\na,b\n", "line 2: has not 6 cells"),
        ('source,device,time,toll_point,means,identity\n"a,b\n', "unexpected end of data"),
    ],
)
def test_a_table_that_is_none_posts_nothing(lane: Path, table: str, said: str) -> None:
    (lane.parent / "bad.csv").write_text(table, "utf-8")
    assert said in trassa("toll", "post", lane, lane.parent / "bad.csv").refused()
    assert not (lane / "live").exists()


def test_what_is_not_there_is_said_so(lane: Path, planned_lane: Path) -> None:
    assert "has no ledger yet" in trassa("toll", "audit", lane).refused()
    assert "has no ledger yet" in trassa("toll", "explain", lane, "x", "--book", "drive").refused()
    assert "there is no book 'night'" in trassa("toll", "audit", lane, "--book", "night").refused(2)
    assert "the road is free" in trassa("toll", "audit", planned_lane).refused()
    assert "No such file" in trassa("toll", "post", lane, lane / "gone.csv").refused()
    (lane / "latin.csv").write_bytes("source,имя\n".encode("cp1251"))
    assert "is not UTF-8" in trassa("toll", "post", lane, lane / "latin.csv").refused()
