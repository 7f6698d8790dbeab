"""The platform as processes: started in order, restarted, killed in two ways, and never met by its own leftovers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from stand_ins import PATIENCE_S, Supervisor, everything_gone, recorded, stand_ins
from trassa.errors import InputError
from trassa.live.child import footprint_of
from trassa.live.platform import Platform, Programs
from trassa.live.publisher import Publisher
from trassa.live.secrets import password_fits
from trassa.live.store.embedded import PostgresPlace
from trassa.plan.project import open_project

ALL = {"nats", "postgres", "worker", "web"}


@pytest.fixture
def project(planned_lane: Path, tmp_path: Path) -> Iterator[Path]:
    """A small planned project that takes free ports; whatever it keeps elsewhere goes after the test."""
    root = tmp_path / "полоса"
    shutil.copytree(planned_lane, root)
    settings = (root / "trassa.toml").read_text("utf-8")
    assert "[live]" in settings
    (root / "trassa.toml").write_text(settings.replace("[live]\n", "[live]\nport = 0\nmqtt_port = 0\n"), "utf-8")
    yield root
    for name in ("live", "drive"):
        if (root / name).exists():
            PostgresPlace.of(open_book(root, name)).discard()


def open_book(root: Path, name: str = "live"):  # type: ignore[no-untyped-def]
    from trassa.live.book import Book

    return Book(root.resolve(), name)  # type: ignore[arg-type]


def platform(project: Path, folder: Path, **words: object) -> Platform:
    """A platform with stand-ins in this process."""
    book = words.pop("book", "live")
    return Platform(open_project(project), book, programs=stand_ins(folder), **words)  # type: ignore[arg-type]


def until(reached, what: str) -> None:  # type: ignore[no-untyped-def]
    """Wait for something that must happen."""
    deadline = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_everything_starts_and_ports_and_secrets_stay(project: Path, tmp_path: Path) -> None:
    with platform(project, tmp_path) as first:
        first.wait_ready()
        ports, secrets, password = first.ports, first.secrets, first.operator_password
        assert password is not None
        assert password_fits(password, secrets.operator_password_hash)
        assert not password_fits(password + "x", secrets.operator_password_hash)
        assert set(recorded(first.book)) == ALL
        with Publisher(ports, secrets) as publisher:
            publisher.publish("cits/out/denm/1/9-1", b"warning", retain=True)
        with psycopg.connect(first.database_url) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("trassa_app",)
        worker_said = (first.book.logs / "worker.log").read_text("utf-8")
        assert f"--project {project.resolve()} --book live --clock utc" in worker_said
    assert recorded(first.book) == {}
    for file in (first.book.secrets_file, first.book.broker / "nats.conf"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(first.book.root.stat().st_mode) == 0o700
    assert password not in first.book.secrets_file.read_text("utf-8")
    with platform(project, tmp_path) as second:
        assert (second.ports, second.secrets, second.operator_password) == (ports, secrets, None)
        with Publisher(ports, secrets) as publisher:
            assert publisher.retained("cits/out/#") == {"cits/out/denm/1/9-1": b"warning"}


def test_no_mode_outside_the_book_changes(project: Path, tmp_path: Path) -> None:
    private = tmp_path / "home"
    private.mkdir(mode=0o700)
    moved = private / "m"
    project.rename(moved)
    try:
        watched = [moved, *moved.resolve().parents]
        before = {folder: stat.S_IMODE(folder.stat().st_mode) for folder in watched}
        with platform(moved, tmp_path):
            pass
        assert {folder: stat.S_IMODE(folder.stat().st_mode) for folder in watched} == before
    finally:
        PostgresPlace.of(open_book(moved)).discard()


@pytest.mark.parametrize("way", ["kill", "kill_group"])
def test_killed_supervisor_leaves_nothing_and_the_next_start_works(project: Path, tmp_path: Path, way: str) -> None:
    supervisor = Supervisor(project, tmp_path).until_ready()
    children = supervisor.children()
    assert set(children) == ALL
    data = str(PostgresPlace.of(supervisor.book).lodging.data)
    getattr(supervisor, way)()
    assert everything_gone(children) == []
    until(lambda: not _standing_in(data), "sessions of PostgreSQL outlive it")
    with platform(project, tmp_path) as again:
        again.wait_ready()
        assert set(recorded(again.book)) == ALL


def test_without_death_signals_the_next_start_ends_what_was_left(project: Path, tmp_path: Path) -> None:
    supervisor = Supervisor(project, tmp_path, death_signal=False).until_ready()
    children = supervisor.children()
    supervisor.process.kill()
    supervisor.process.wait()
    assert set(supervisor.children()) == ALL
    said: list[str] = []
    with platform(project, tmp_path, say=said.append) as again:
        assert everything_gone(children) == []
        again.wait_ready()
        assert said == ["ended what an earlier platform left running: web, worker, postgres, nats"]
        with psycopg.connect(again.database_url) as connection:
            assert connection.execute("SELECT count(*) FROM trassa.schema_version").fetchone() != (0,)
    assert supervisor.process.stdout is not None
    supervisor.process.stdout.close()


def _standing_in(folder: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "cwd") == folder and footprint_of(int(process.name)) is not None:
                found.append(process.name)
        except OSError:
            continue
    return found


def test_start_ends_a_recorded_leftover_and_nobody_else(project: Path, tmp_path: Path) -> None:
    """A broker that outlived its platform, as where no death signal exists, and a stranger under a recorded pid."""
    with platform(project, tmp_path) as first:
        book = first.book
    words = [str(Path(sys.executable).parent / "nats-server"), "-c", str(book.broker / "nats.conf")]
    leftover = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        rows = {}
        for name, process in (("nats", leftover), ("worker", stranger)):
            foot = footprint_of(process.pid)
            assert foot is not None
            started = foot.started if name == "nats" else str(int(foot.started) - 1)
            rows[name] = {"pid": foot.pid, "started": started, "boot": foot.boot, "stop_signal": 15}
        book.children_file.write_text(json.dumps(rows), "utf-8")
        said: list[str] = []
        with platform(project, tmp_path, say=said.append):
            assert leftover.wait(PATIENCE_S) is not None
            assert stranger.poll() is None
        assert said == ["ended what an earlier platform left running: nats"]
    finally:
        for process in (leftover, stranger):
            process.kill()
            process.wait()


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"nats": 7}', '{"nats": {"pid": "x"}}'])
def test_damaged_record_does_not_stop_a_start(project: Path, tmp_path: Path, damage: str) -> None:
    book = open_book(project)
    book.root.mkdir()
    book.children_file.write_text(damage, "utf-8")
    with platform(project, tmp_path) as running:
        assert set(recorded(running.book)) == {"nats", "postgres"}


def test_second_supervisor_is_refused(project: Path, tmp_path: Path) -> None:
    with (
        platform(project, tmp_path),
        pytest.raises(InputError, match=f"is being served by another trassa \\(process {os.getpid()}\\)"),
    ):
        platform(project, tmp_path).__enter__()


def test_taken_port_names_its_holder(project: Path, tmp_path: Path) -> None:
    with platform(project, tmp_path) as first:
        ports = first.ports
    for name in ("nats", "mqtt", "web"):
        with socket.create_server(("127.0.0.1", getattr(ports, name))):
            with pytest.raises(InputError, match=rf"port {getattr(ports, name)} for {name} is taken by") as refused:
                platform(project, tmp_path).__enter__()
            assert f"(process {os.getpid()})" in str(refused.value)
    with platform(project, tmp_path) as again:
        assert again.ports == ports


@pytest.mark.parametrize("way", ["interrupt_group", "terminate"])
def test_asked_to_stop_it_stops_everything_once_and_in_order(project: Path, tmp_path: Path, way: str) -> None:
    supervisor = Supervisor(project, tmp_path).until_ready()
    children, book = supervisor.children(), supervisor.book
    assert getattr(supervisor, way)() == 0, supervisor.said
    assert everything_gone(children) == []
    assert (book.root / "farewell").read_text() == "web\nworker\n"
    assert not (book.root / "interrupted").exists(), "Ctrl-C reached the worker directly"
    assert "database system is shut down" in (book.logs / "postgres.log").read_text("utf-8")
    assert "Server Exiting" in (book.logs / "nats.log").read_text("utf-8")
    assert supervisor.said[-1] == "stopped"


def test_asked_to_stop_while_it_starts(project: Path, tmp_path: Path) -> None:
    supervisor = Supervisor(project, tmp_path)
    until(lambda: supervisor.book.children_file.exists() and recorded(supervisor.book), "no child was recorded")
    children = recorded(supervisor.book)
    assert supervisor.interrupt_group() == 0, supervisor.said
    assert everything_gone(children) == []
    assert not [line for line in supervisor.said if line.startswith("ready")]


def test_dead_children_come_back(project: Path, tmp_path: Path) -> None:
    with platform(project, tmp_path) as running:
        running.wait_ready()
        with Publisher(running.ports, running.secrets) as publisher:
            for name in ("nats", "postgres", "worker", "web"):
                before = recorded(running.book)[name]
                os.kill(before.pid, signal.SIGKILL)
                until(lambda name=name: running.restarts[name] == 1 and running.is_ready(name), f"{name} is not back")
                assert recorded(running.book)[name] != before
                running.check()
            publisher.publish("cits/out/denm/1/9-2", b"warning", retain=False)
        with psycopg.connect(running.database_url) as connection:
            assert connection.execute("SELECT count(*) FROM trassa.schema_version").fetchone() != (0,)
    assert running.restarts == dict.fromkeys(ALL, 1)
    assert (running.book.root / "farewell").read_text() == "web\nworker\n", (
        "a restart must not change the order of the stop"
    )


@pytest.mark.parametrize("later_s", [0.0, 0.12, 0.2])
def test_stop_in_the_middle_of_a_restart_leaves_nothing(project: Path, tmp_path: Path, later_s: float) -> None:
    with platform(project, tmp_path) as running:
        running.wait_ready()
        data = str(PostgresPlace.of(running.book).lodging.data)
        for name in ALL:
            os.kill(recorded(running.book)[name].pid, signal.SIGKILL)
        time.sleep(later_s)
    assert recorded(running.book) == {}
    until(lambda: not _standing_in(data), "PostgreSQL runs on")
    assert not _speaking_of(str(project.resolve()))


def _speaking_of(text: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if text.encode() in (process / "cmdline").read_bytes():
                found.append(process.name)
        except OSError:
            continue
    return found


def test_child_that_keeps_failing_ends_the_platform(project: Path, tmp_path: Path) -> None:
    with platform(project, tmp_path) as running:
        (tmp_path / "worker.py").write_text("import sys\nprint('no road here')\nsys.exit(7)\n", "utf-8")
        with pytest.raises(InputError, match=r"worker: ended with code 7, 5 times in a minute") as failed:
            running.wait_ready()
        assert "no road here" in str(failed.value)
        assert str(running.book.logs / "worker.log") in str(failed.value)
    assert recorded(running.book) == {}


def test_child_that_was_given_the_unusable_is_not_tried_again(project: Path, tmp_path: Path) -> None:
    with platform(project, tmp_path) as running:
        (tmp_path / "worker.py").write_text("import sys\nprint('no tariff has this name')\nsys.exit(3)\n", "utf-8")
        with pytest.raises(InputError, match=r"worker: ended with code 3; its last words:\n  no tariff has this name"):
            running.wait_ready()
    assert running.restarts["worker"] == 0


def test_web_that_was_given_the_unusable_is_not_tried_again(project: Path, tmp_path: Path) -> None:
    """The real web server, in a project whose settings became unreadable after the start."""
    programs = replace(stand_ins(tmp_path), web=Programs().web)
    with Platform(open_project(project), "live", programs=programs) as running:
        (project / "trassa.toml").write_text("[live\n", "utf-8")
        with pytest.raises(InputError, match=r"web: ended with code 3; its last words:\n  .*trassa\.toml"):
            running.wait_ready()
    assert running.restarts["web"] == 0


def test_asked_twice_it_starts_each_child_once(project: Path, tmp_path: Path) -> None:
    with platform(project, tmp_path) as running:
        running.wait_ready()
        pids = {name: running.pid(name) for name in ALL}
        running.wait_ready()
        assert {name: running.pid(name) for name in ALL} == pids
        said = (running.book.logs / "worker.log").read_text("utf-8")
    assert said.count("ready") == 1


def test_database_of_ones_own(project: Path, tmp_path: Path) -> None:
    """An external PostgreSQL by its URL: the platform makes its tables there and starts no server."""
    (tmp_path / "elsewhere").mkdir()
    place = PostgresPlace.of(open_book(tmp_path / "elsewhere"))
    try:
        with place.running():
            url = place.url("trassa_owner")
            settings = (project / "trassa.toml").read_text("utf-8")
            settings = settings.replace("[live]\n", f'[live]\npostgres_url = "{url}"\n')
            (project / "trassa.toml").write_text(settings, "utf-8")
            with platform(project, tmp_path) as running:
                running.wait_ready()
                assert set(recorded(running.book)) == {"nats", "worker", "web"}
            with psycopg.connect(url) as connection:
                assert connection.execute("SELECT count(*) FROM trassa.schema_version").fetchone() != (0,)
    finally:
        place.discard()


def test_drive_has_a_book_of_its_own_that_starts_empty(project: Path, tmp_path: Path) -> None:
    words = {"book": "drive", "clock": "stepped", "start_ms": 1_000, "fresh": True}
    with platform(project, tmp_path, **words) as drive:
        drive.wait_ready()
        ports, driver = drive.ports, drive.secrets.driver_user
        assert driver == "driver"
        with Publisher(ports, drive.secrets) as publisher:
            publisher.publish("cits/out/denm/1/9-3", b"warning", retain=True)
        assert "--clock stepped --start-ms 1000" in (drive.book.logs / "worker.log").read_text("utf-8")
        (drive.book.root / "counts.json").write_text("{}", "utf-8")
    assert not (project / "live").exists()
    with platform(project, tmp_path, **words) as drive, Publisher(ports, drive.secrets) as publisher:
        assert drive.ports == ports
        assert not (drive.book.root / "counts.json").exists()
        assert publisher.retained("cits/out/#") == {}


def test_operators_book_is_never_emptied(project: Path, tmp_path: Path) -> None:
    for words in ({"fresh": True}, {"clock": "stepped"}):
        with pytest.raises(ValueError, match="never emptied"):
            platform(project, tmp_path, **words)
