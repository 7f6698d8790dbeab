"""The API's doors under abuse and failure: bytes by hand, slow readers, a database that dies, TLS and proxies."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from running_api import Api, served_api
from running_platform import rows, until
from trassa.live.broker import connected
from trassa.live.doorway import Doorway
from trassa.live.subjects import FRAME
from trassa.live.web.doors import CONTENT_SECURITY_POLICY, MAX_BODY_BYTES

JSON = {"content_type": "application/json"}


@pytest.fixture(scope="module")
def api(planned_lane: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with served_api(planned_lane, tmp_path_factory.mktemp("abused") / "lane", public_hosts='["road.example"]') as there:
        yield there


def batch(*sequences: int) -> dict[str, Any]:
    """Reads of one moment."""
    told = {"source": "s", "device": "d", "toll_point": "lane-101", "means": "tag", "identity": "T1"}
    return {"reads": [told | {"sequence": sequence, "time_ms": 1_780_639_200_000} for sequence in sequences]}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("HEAD", "/api/plan", 405),
        ("OPTIONS", "/api/plan", 405),
        ("PROPFIND", "/api/plan", 405),
        ("GET", "/api/login", 405),
        ("GET", "/api/plan/", 404),
        ("GET", "/api/nope", 404),
        ("GET", "/nope", 404),
        ("GET", "/%00", 404),
        ("GET", "/%ff%fe", 404),
        ("GET", "/" + "a" * 5000, 404),
        ("GET", "//etc/passwd", 404),
        ("GET", "/..%2f..%2f..%2f..%2fetc/passwd", 404),
        ("GET", "/assets/%2e%2e/%2e%2e/app.py", 404),
        ("GET", "/../app.py", 404),
        ("GET", "/drive", 200),
        ("HEAD", "/", 200),
        ("GET", "/api/toll/charges/a:b%2Fc", 404),
        ("GET", "/api/toll/charges/%00", 422),
        ("GET", "/api/toll/charges/';DROP%20TABLE%20entry--", 404),
        ("GET", "/api/toll/charges?vehicle_key=' OR 1=1".replace(" ", "%20"), 422),
        ("GET", "/api/toll/charges?limit=99999999999999999999", 422),
        ("GET", "/api/events?ended=NaN", 422),
    ],
)
def test_every_answer_carries_the_policy_and_names_nothing_of_the_machine(
    api: Api, method: str, path: str, status: int
) -> None:
    answer = api.raw(method, path, cookie=f"trassa_session={api.operator.cookies['trassa_session']}")
    assert answer.status == status, answer.body
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    kind = "application/json" if path.startswith("/api") else "text/html"
    assert answer.headers["content-type"].startswith(kind)
    for word in (b"Traceback", b".py", b"/tmp/", b"/root/", b"/home/", str(api.platform.book.root).encode()):
        assert word not in answer.body


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "[::1", "", "x\u0444"])
def test_another_host_is_not_answered(api: Api, host: str) -> None:
    assert api.raw("GET", "/api/session", host=host).status in (400, 421)


def test_a_proxy_in_front_says_who_comes_and_that_it_spoke_tls(api: Api) -> None:
    words = {"host": "road.example", "content_length": "14", **JSON}
    told = {"x_forwarded_proto": "https", "x_forwarded_for": "203.0.113.9"}
    body = b'{"password":1}'
    answer = api.raw("POST", "/api/login", body, **words, **told, origin="https://road.example")
    assert answer.status == 422
    assert "max-age" in answer.headers["strict-transport-security"]
    knocks = {api.raw("POST", "/api/login", body, **words, **told).status for _ in range(12)}
    assert knocks == {422, 429}, "one client is slowed down"
    other = {"x_forwarded_proto": "https", "x_forwarded_for": "203.0.113.10"}
    assert api.raw("POST", "/api/login", body, **words, **other).status == 422, "and no other behind the same proxy"
    assert "strict-transport-security" not in api.raw("GET", "/").headers


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://[", "file://", "//127.0.0.1"])
def test_another_origin_writes_nothing_and_watches_nothing(api: Api, origin: str) -> None:
    assert api.raw("POST", "/api/logout", origin=origin, content_length="0").status == 403
    with pytest.raises(InvalidStatus), api.socket("/api/live", api.operator, origin=origin):
        pass


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe", b"{bad", b"[" * 200_000, b'{"reads":[1' + b"0" * 9000 + b"]}", b'{"reads":NaN}',
        b'{"reads":[],"reads":[{}]}', b'{"\\ud800":1}', b'{"reads":[{"source":"\\ud800"}]}', b"null", b"\0",
    ],
)  # fmt: skip
def test_a_body_that_is_no_batch_is_refused(api: Api, body: bytes) -> None:
    answer = api.gantry.post("/api/toll/reads", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (400, 422)
    assert set(answer.json()) == {"error", "next"}


def test_bodies_too_large_said_or_unsaid_are_refused(api: Api) -> None:
    key = f"Bearer {api.platform.secrets.reads_key}"
    chunk = b"10000\r\n" + b" " * 65_536 + b"\r\n"
    chunks = [chunk] * (MAX_BODY_BYTES // 65_536 + 1)
    said = api.raw("POST", "/api/toll/reads", authorization=key, content_length=str(MAX_BODY_BYTES + 1))
    unsaid = api.raw("POST", "/api/toll/reads", *chunks, authorization=key, transfer_encoding="chunked", **JSON)
    assert (said.status, unsaid.status) == (413, 413)
    assert api.raw("POST", "/api/toll/reads", b"x", authorization=key, content_length="9" * 30).status == 400


def test_junk_on_a_socket_disturbs_nobody(api: Api) -> None:
    page = api.paired("junk")
    with api.socket("/api/live", api.operator) as live, api.socket("/api/drive/live", page) as board:
        for said in (
            "{bad", b"\0\xff" * 100, "[" * 30_000, "1e999", "null", '{"latitude_deg":1e999,"longitude_deg":0}',
            '{"latitude_deg":' + "9" * 400 + ',"longitude_deg":0}', '{"latitude_deg":NaN,"longitude_deg":0}',
            '{"latitude_deg":[],"longitude_deg":"x"}', '{"latitude_deg":37.3,"longitude_deg":55.0}',
            '{"latitude_deg":-89,"longitude_deg":179}', '{"latitude_deg":55.01,"longitude_deg":37.3}',
        ):  # fmt: skip
            live.send(said)
            board.send(said)
        until(lambda: json.loads(board.recv())["position"], "the last message, a good one, is not heard")
        live.recv()
        live.send("x" * 70_000)
        with pytest.raises(ConnectionClosed):
            while True:
                live.recv()
        assert live.close_code == 1009


def test_a_page_that_takes_nothing_is_dropped_and_fifty_others_see_all(api: Api) -> None:
    asyncio.run(_fifty_watch(api))


async def _fifty_watch(api: Api) -> None:
    cookie = f"trassa_session={api.operator.cookies['trassa_session']}"
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.connect(("127.0.0.1", api.platform.ports.web))
    stalled.sendall(
        f"GET /api/live HTTP/1.1\r\nHost: {api.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nCookie: {cookie}\r\n\r\n".encode()
    )
    url = api.url.replace("http", "ws") + "/api/live"
    watching = [await connect(url, additional_headers={"Cookie": cookie}, max_size=None) for _ in range(49)]
    seen = [0] * len(watching)

    async def watch(index: int) -> None:
        async for said in watching[index]:
            seen[index] += isinstance(said, bytes) and len(said) > 1000

    tasks = [asyncio.create_task(watch(index)) for index in range(len(watching))]
    broker = await connected(api.platform.ports, api.platform.secrets, "test")
    frame = b"TRV1" + bytes(200_000)
    deadline = time.monotonic() + 120.0
    while (await asyncio.to_thread(api.operator.get, "/api/status")).json()["pages"] != 49 or min(seen) == 0:
        assert time.monotonic() < deadline, "the stalled page is still served"
        await broker.publish(FRAME, frame)
        await asyncio.sleep(0.2)
    assert not any(task.done() for task in tasks)
    for there in watching:
        await there.close()
    await asyncio.gather(*tasks)
    await broker.close()
    stalled.close()


@contextlib.contextmanager
def database_kept_dead(api: Api) -> Iterator[None]:
    """The database is killed as soon as it is up again, for as long as this lasts."""
    over = threading.Event()

    def kill() -> None:
        while not over.wait(0.02):
            pid = api.platform.pid("postgres")
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        yield
    finally:
        over.set()
        killer.join()


def test_reads_are_refused_while_the_database_is_dead_and_none_that_was_accepted_is_lost(api: Api) -> None:
    accepted: list[str] = []
    refused = 0
    sequences = iter(range(1000))

    def post() -> None:
        nonlocal refused
        answer = api.gantry.post("/api/toll/reads", json=batch(next(sequences)))
        if answer.status_code == 200:
            accepted.extend(receipt["read_id"] for receipt in answer.json()["receipts"])
            return
        refused += 1
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
        assert "/" not in answer.json()["error"], "no path of this machine"

    for _ in range(5):
        post()
    with database_kept_dead(api):
        while not refused:
            post()
    before = len(accepted)
    while len(accepted) == before:
        post()
    assert len(accepted) >= 6
    again = api.gantry.post("/api/toll/reads", json=batch(*range(5))).json()["receipts"]
    assert [receipt["read_id"] for receipt in again] == accepted[:5], "the same read is the same read"
    stored = rows(api.platform.database_url, "SELECT count(*) FROM read WHERE read_id = ANY(%s)", accepted)
    assert stored == [(len(set(accepted)),)]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate and its key, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=road.example"]
    subprocess.run([*words, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


def test_tls_is_spoken_and_said(pair: tuple[Path, Path], planned_lane: Path, tmp_path: Path) -> None:
    door = Doorway("0.0.0.0", tls_cert=pair[0], tls_key=pair[1])
    with served_api(planned_lane, tmp_path / "lane", doorway=door, public_hosts='["road.example"]') as api:
        assert api.url.startswith("https://")
        local = f"https://127.0.0.1:{api.platform.ports.web}"
        answer = api.stranger.get(f"{local}/api/session", headers={"host": "road.example"})
        assert answer.status_code == 200
        assert "max-age" in answer.headers["strict-transport-security"]
        login = api.stranger.post(f"{local}/api/login", json={"password": api.password})
        assert "Secure" in login.headers["set-cookie"].split("; ")
        assert api.raw("GET", "/").status == 0, "plain text at a TLS door"
