"""Doors of a platform: ports chosen once, secrets that stay secret, hosts that need TLS; no broker runs here."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import set_in, trassa
from trassa.errors import InputError
from trassa.live.book import Book
from trassa.live.child import Child, ChildSpec, Launch, footprint_of
from trassa.live.doorway import Doorway
from trassa.live.ports import Ports, choose_ports, holder_of
from trassa.live.secrets import Secrets, hashed_password, make_secrets, password_fits
from trassa.plan.live_settings import LiveSettings


@pytest.fixture
def book(tmp_path: Path) -> Book:
    made = Book(tmp_path, "live")
    made.root.mkdir()
    return made


def test_ports_are_chosen_once(book: Book) -> None:
    first = choose_ports(book, mqtt=0, web=0)
    assert len({first.nats, first.mqtt, first.web}) == 3
    assert choose_ports(book, mqtt=0, web=0) == first == Ports.of(book)


def test_two_books_choose_different_ports(tmp_path: Path) -> None:
    books = [Book(tmp_path, "live"), Book(tmp_path, "drive")]
    for book in books:
        book.root.mkdir()
    one, other = (choose_ports(book, mqtt=0, web=0) for book in books)
    assert one != other


def test_a_port_that_is_asked_for_is_taken_and_kept(book: Book) -> None:
    free = choose_ports(book, mqtt=0, web=0)
    asked = choose_ports(book, mqtt=0, web=free.web + 10)
    assert (asked.nats, asked.mqtt, asked.web) == (free.nats, free.mqtt, free.web + 10)
    with pytest.raises(InputError, match="web and another door are both given port"):
        choose_ports(book, mqtt=0, web=asked.mqtt)


def test_a_taken_port_names_its_holder_and_no_other_is_taken(book: Book) -> None:
    free = choose_ports(book, mqtt=0, web=0)
    with socket.create_server(("127.0.0.1", free.mqtt)):
        assert f"(process {os.getpid()})" in str(holder_of(free.mqtt))
        with pytest.raises(InputError, match=rf"port {free.mqtt} for mqtt is taken by .* \(process {os.getpid()}\)"):
            choose_ports(book, mqtt=0, web=0)
    assert holder_of(free.mqtt) is None
    assert Ports.of(book) == free


def test_a_connection_that_lingers_does_not_take_the_port(book: Book) -> None:
    free = choose_ports(book, mqtt=0, web=0)
    with socket.create_server(("127.0.0.1", free.web)) as server:
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
        accepted.close()  # the side that closes first keeps the port in TIME_WAIT
        client.close()
    assert choose_ports(book, mqtt=0, web=0) == free


@pytest.mark.parametrize("damage", ["", "{}", "[]", '{"nats": 1, "mqtt": "x", "web": 3}'])
def test_damaged_ports_and_secrets_are_said(book: Book, damage: str) -> None:
    for file, reader in ((book.ports_file, Ports.of), (book.secrets_file, Secrets.of)):
        file.write_text(damage, "utf-8")
        with pytest.raises(InputError, match=f"{file.name} is damaged"):
            reader(book)
        file.unlink()
        with pytest.raises(InputError, match="was never served"):
            reader(book)


def test_secrets_are_made_once_and_private(book: Book) -> None:
    made, password = make_secrets(book)
    assert password is not None
    assert stat.S_IMODE(book.secrets_file.stat().st_mode) == 0o600
    assert make_secrets(book) == (made, None)
    assert len(made.identity_key) == 32
    texts = [made.fleet_password, made.platform_password, made.reads_key, made.hmac_key]
    assert len(set(texts)) == 4
    again, other = make_secrets(book, new_password=True)
    assert other not in (None, password)
    assert (again.hmac_key, again.fleet_password) == (made.hmac_key, made.fleet_password)
    assert not password_fits(password, again.operator_password_hash)


def test_a_password_that_could_not_be_shown_is_never_the_one_that_counts(book: Book) -> None:
    def interrupted(_secrets: Secrets, _password: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_secrets(book, tell=interrupted)
    assert not book.secrets_file.exists()
    shown: list[str] = []
    made, password = make_secrets(book, tell=lambda _, told: shown.append(told))
    assert shown == [password]
    with pytest.raises(KeyboardInterrupt):
        make_secrets(book, new_password=True, tell=interrupted)
    assert Secrets.of(book) == made


def test_password_hash_is_scrypt_as_openssl_computes_it() -> None:
    """RFC 7914, section 12: scrypt("pleaseletmein", "SodiumChloride", 16384, 8, 1), its first 32 bytes."""
    digest = "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
    stored = f"scrypt$16384$8$1${b'SodiumChloride'.hex()}${digest}"
    assert password_fits("pleaseletmein", stored)
    assert not password_fits("pleaseletmein ", stored)
    assert hashed_password("x") != hashed_password("x")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "localhost", "::1"])
def test_loopback_needs_no_tls(host: str) -> None:
    assert Doorway.of(LiveSettings(), "live", host=host).host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "road.example", "127.0.0.1.example"])
def test_every_other_host_needs_tls(host: str) -> None:
    with pytest.raises(InputError, match="is reachable from other machines"):
        Doorway.of(LiveSettings(), "live", host=host)
    with pytest.raises(InputError, match="is reachable from other machines"):
        Doorway.of(LiveSettings(host=host), "live")


def test_a_drive_takes_free_ports_and_loopback() -> None:
    settings = LiveSettings(host="192.168.0.7", port=8000)
    assert Doorway.of(settings, "drive") == Doorway("127.0.0.1", 0, 0)
    assert Doorway.of(settings, "drive", port=8123).web_port == 8123


def test_tls_needs_a_pair(tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("nothing", "ascii")
    settings, cert, key = LiveSettings(), tmp_path / "cert.pem", tmp_path / "key.pem"
    with pytest.raises(InputError, match="needs both"):
        Doorway.of(settings, "live", tls_cert=cert)
    with pytest.raises(InputError, match="does not exist"):
        Doorway.of(settings, "live", tls_cert=cert, tls_key=tmp_path / "no.pem")
    with pytest.raises(InputError, match="are no pair"):
        Doorway.of(settings, "live", tls_cert=cert, tls_key=key)


def test_a_log_is_bounded_and_the_last_words_are_kept(tmp_path: Path) -> None:
    program = "for n in range(400_000): print(f'{n:060d}')\nprint('last words')"
    child = Child(ChildSpec("talker", lambda: Launch([sys.executable, "-c", program])), tmp_path / "talker.log")
    child.process.wait(60)
    child.end(1.0)
    assert child.last_lines[-1] == "last words"
    sizes = {file.name: file.stat().st_size for file in tmp_path.iterdir()}
    assert set(sizes) == {"talker.log", "talker.old.log"}
    assert sum(sizes.values()) < 17 << 20
    assert child.how_it_ended() == "ended with code 0"


def test_a_footprint_is_of_one_process_only() -> None:
    first, other = (subprocess.Popen(["sleep", "600"]) for _ in range(2))
    try:
        assert footprint_of(first.pid) == footprint_of(first.pid) != footprint_of(other.pid)
        first.kill()
        os.waitid(os.P_PID, first.pid, os.WEXITED | os.WNOWAIT)
        assert footprint_of(first.pid) is None, "a process that has ended and was not reaped"
    finally:
        for process in (first, other):
            process.kill()
            process.wait()
    assert footprint_of(first.pid) is None


def test_a_program_that_is_not_there_says_so(tmp_path: Path) -> None:
    child = Child(ChildSpec("ghost", lambda: Launch(["/no/such/program"])), tmp_path / "ghost.log")
    assert child.process.wait(60) == 127
    child.end(1.0)
    assert list(child.last_lines) == ["/no/such/program: No such file or directory"]


def test_serve_refuses_an_open_door_without_tls(planned_lane: Path) -> None:
    said = trassa("serve", planned_lane, "--host", "0.0.0.0").refused()
    assert "0.0.0.0 is reachable from other machines" in said
    assert "--tls-cert" in said


def test_serve_needs_a_plan(tmp_path: Path) -> None:
    trassa("init", tmp_path / "p", "--example", "hills")
    assert "has not been planned yet. Try: trassa run" in trassa("serve", tmp_path / "p").refused()


def test_serve_without_pages_names_the_command_that_builds_them(
    planned_lane: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trassa.live.serving.static_pages", lambda: tmp_path)
    said = trassa("serve", planned_lane).refused()
    assert f"{tmp_path / 'index.html'} is missing" in said
    assert said.endswith("Try: make web")


def test_serve_refuses_a_start_that_is_no_moment(planned_lane: Path) -> None:
    for start in ("yesterday", "2026-06-05T15:00"):
        done = trassa("serve", planned_lane, "--allow-drive", "--start", start)
        assert "is not a moment with its offset" in done.refused(2)


def test_doctor_finds_what_is_here_and_what_is_missing(
    planned_lane: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trassa.live.serving.static_pages", lambda: tmp_path)
    done = trassa("doctor", planned_lane, "--json")
    found = {row["thing"]: row for row in done.json}
    assert done.code == 1
    assert found["web pages"] == {"state": "missing", "thing": "web pages", "said": "are not built. Try: make web"}
    assert found["nats-server"]["state"] == found["postgres"]["state"] == found["plan"]["state"] == "ok"
    assert "nats-server: v2." in found["nats-server"]["said"]
    assert "PostgreSQL" in found["postgres"]["said"]
    (tmp_path / "index.html").touch()
    assert {row["thing"]: row["state"] for row in trassa("doctor", "--json").json}["web pages"] == "ok"
    assert not (planned_lane / "live").exists()


def test_doctor_names_who_holds_a_port(planned_lane: Path, tmp_path: Path) -> None:
    import shutil

    root = tmp_path / "lane"
    shutil.copytree(planned_lane, root)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        set_in(root, "live", f"port = {port}")
        done = trassa("doctor", root, "--json")
    found = {row["thing"]: row for row in done.json}["port of web"]
    assert found["state"] == "missing"
    assert f"port {port} for web is taken by" in found["said"]
    assert f"(process {os.getpid()})" in found["said"]
    assert json.loads(done.out) == done.json
