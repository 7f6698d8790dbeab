"""Seeded bugs: a worker that is wrong on purpose must turn audit and score red, or they prove nothing.

The worker is another program; everything that judges it is as it always is.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from command_line import trassa
from running_platform import served_copy, until
from trassa.live.book import Book
from trassa.live.platform import Platform, Programs
from trassa.live.store.embedded import PostgresPlace
from trassa.plan.project import open_project
from trassa.twin.drive import DrivePlan, drive

SOUND = ""
UNDIRECTED = """
from trassa.toll.tariff import TariffSystem
sound = TariffSystem.price
def price(self, version, key):
    start, end = sorted(key[2:4])
    return sound(self, version, (*key[:2], start, end, key[4]))
TariffSystem.price = price
"""
"""A pair of toll points is taken for the same in both directions."""
ROUNDED_UP = """
from trassa.toll import ledger
sound = ledger.postings_of
def postings_of(charge):
    return tuple(type(p)(p.account, p.currency, p.amount_minor + (1 if p.amount_minor > 0 else -1))
                 for p in sound(charge))
ledger.postings_of = postings_of
"""
"""A kopeck too much; the postings still add up to nothing."""
SLEEPY = """
from trassa.vehicles.hazards import HazardWatch
sound = HazardWatch.__init__
def init(self, quiet, settings):
    sound(self, quiet, settings.model_copy(update={"stationary_after_s": 100.0, "queue_after_s": 60.0}))
HazardWatch.__init__ = init
"""
"""The road warns when it is too late."""
READS = """\
source,device,sequence,time,toll_point,means,identity,vehicle_class
gantry,21/1,1,2026-06-05T12:00:00+03:00,m11-021-moskva,plate,А001АА777,1
gantry,58/1,1,2026-06-05T12:30:00+03:00,m11-058-solnechnogorsk,plate,А001АА777,1
gantry,58/2,2,2026-06-05T12:00:00+03:00,m11-058-solnechnogorsk,plate,А002АА777,1
gantry,21/2,2,2026-06-05T12:30:00+03:00,m11-021-moskva,plate,А002АА777,1
"""
START_MS = 1_780_660_800_000
"""2026-06-05T15:00+03:00."""


def worker_with(bug: str) -> Programs:
    """The real worker after the statements of a bug."""
    program = f"import sys\n{bug}\nfrom trassa.live.worker import main\nsys.exit(main())"
    return Programs(worker=(sys.executable, "-c", program))


@pytest.mark.parametrize(
    ("bug", "told"),
    [(SOUND, ""), (UNDIRECTED, "1650"), (ROUNDED_UP, "126001")],
    ids=["sound", "undirected", "rounded up"],
)
def test_the_audit_finds_what_the_worker_did_wrong(planned_m11: Path, tmp_path: Path, bug: str, told: str) -> None:
    folder = served_copy(planned_m11, tmp_path / "m11")
    (tmp_path / "reads.csv").write_text(READS, "utf-8")
    with Platform(open_project(folder), "live", web=False, programs=worker_with(bug)) as platform:
        platform.wait_ready()
        posted = trassa("toll", "post", folder, tmp_path / "reads.csv")
        assert posted.code == 0, posted.err
        until(lambda: _settled(folder), "the reads are not settled")
        done = trassa("toll", "audit", folder, "--json")
    PostgresPlace.of(platform.book).discard()
    differences = done.json["differences"]
    assert done.json["holds"] == (not bug)
    assert done.code == (1 if bug else 0), differences
    assert any(told in difference for difference in differences) or not bug, differences


def _settled(folder: Path) -> bool:
    said = trassa("toll", "audit", folder, "--json").json
    return bool(said["pending"] == 0 and said["vehicles"] == 2)


def test_the_score_of_a_drive_misses_the_warnings_that_did_not_come(planned_m11: Path, tmp_path: Path) -> None:
    project = open_project(served_copy(planned_m11, tmp_path / "m11"))
    try:
        verdict = drive(project, DrivePlan(40, 120, 3, START_MS), programs=worker_with(SLEEPY))
    finally:
        PostgresPlace.of(Book(project.root.resolve(), "drive")).discard()
    assert not verdict.agrees
    events = verdict.score["events"]
    assert events["true"] > events["seen"]
