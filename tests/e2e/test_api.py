"""The HTTP API over a whole platform: fuzzed from its own description, closed to strangers, silent about identities."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode

from asgi_client import AsgiClient
from running_api import Api, served_api
from running_platform import until
from trassa.live.web.app import rooms
from trassa.live.web.assembly import assembled_app

DESCRIBED = rooms().openapi()
OPERATIONS = sorted((path, method.upper()) for path, told in DESCRIBED["paths"].items() for method in told)
OPEN = {"/api/login", "/api/session", "/api/drive/pair"}
FOR_GANTRIES = {"/api/toll/reads", "/api/toll/contracts"}
SLOW_DOORS = {"/api/login", "/api/drive/pair"}
CASES = 150
UNWRITABLE = (UnicodeError, ValueError, TypeError, httpx.LocalProtocolError, httpx.InvalidURL)
"""What no client can write down is no case."""
PLATE, TAG = "А123ВС77", "TAG-0815-4711"
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def api(planned_lane: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with served_api(planned_lane, tmp_path_factory.mktemp("api") / "полоса") as there:
        yield there


def a_read(sequence: int, **said: Any) -> dict[str, Any]:
    """A read of a day ago, when every trip is over by now."""
    now_ms = time.time_ns() // 1_000_000
    body = {
        "source": "south",
        "device": "lane-1",
        "sequence": sequence,
        "time_ms": now_ms - 24 * HOUR_MS,
        "toll_point": "lane-101",
        "means": "plate",
        "identity": PLATE,
    }
    return body | said


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fit", "unfit"])
@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{m} {p}" for p, m in OPERATIONS])
def test_no_body_and_no_word_makes_the_server_fail(api: Api, path: str, method: str, mode: GenerationMode) -> None:
    strangely = schemathesis.openapi.from_dict(DESCRIBED)[path][method].as_strategy(generation_mode=mode)
    # behind the slow doors there is room for ten knocks; what lies behind them is asked without them
    behind = AsgiClient(assembled_app(api.platform.book, api.platform.doorway)._app, "http://inside")
    if path in {"/api/session", "/api/logout"}:
        cases = 1  # nothing to say to them; and the session is needed
    else:
        cases = CASES

    @hypothesis.settings(
        max_examples=cases, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @hypothesis.given(case=strangely)
    def ask(case: schemathesis.Case) -> None:
        words = case.as_transport_kwargs(base_url="")
        known = {key: words[key] for key in ("params", "json", "data", "headers") if words.get(key) is not None}
        if isinstance(known.get("data"), (str, bytes)):
            known["content"] = known.pop("data")
        client = behind if path in SLOW_DOORS or cases == 1 else api.operator
        try:
            answer = client.request(words["method"], words["url"], **known)
        except UNWRITABLE:
            hypothesis.reject()
        if answer.status_code == 429:
            time.sleep(1.0)
            return
        assert answer.status_code < 500, answer.text
        assert answer.status_code < 400 or set(answer.json()) == {"error", "next"}

    try:
        ask()
    except hypothesis.errors.Unsatisfiable:
        pytest.skip("nothing about it can be unfit")


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{m} {p}" for p, m in OPERATIONS])
def test_a_stranger_learns_nothing(api: Api, path: str, method: str) -> None:
    if path in OPEN:
        return
    place = path.format(event_id="9-1", charge_key="lane:0:0")
    said = set()
    for body in (b"", b"{}", b"{bad", b"[" * 50_000, b'{"reads":[]}'):
        for headers in ({}, {"authorization": "Bearer no"}, {"cookie": "trassa_session=no; trassa_vehicle=no"}):
            answer = api.stranger.request(method, place, content=body, headers=headers)
            said.add((answer.status_code, answer.text))
    assert len(said) == 1
    status, text = said.pop()
    assert status == 401
    assert set(json.loads(text)) == {"error", "next"}


@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{m} {p}" for p, m in OPERATIONS])
def test_the_gantries_key_opens_their_door_only(api: Api, path: str, method: str) -> None:
    status = api.gantry.request(method, path.format(event_id="9-1", charge_key="x"), json={}).status_code
    if path in FOR_GANTRIES:
        assert status == 422
    elif path not in OPEN:
        assert status == 401


def test_the_description_is_for_operators(api: Api) -> None:
    assert api.stranger.get("/api/openapi.json").status_code == 401
    assert api.operator.get("/api/openapi.json").json() == DESCRIBED


def test_a_session_is_a_cookie_that_scripts_and_other_sites_cannot_use_and_ends(api: Api) -> None:
    with api.another() as browser:
        wrong = browser.post("/api/login", json={"password": "guess"})
        assert (wrong.status_code, wrong.cookies) == (401, {})
        cookie = browser.post("/api/login", json={"password": api.password}).headers["set-cookie"]
        assert {"HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"} <= set(cookie.split("; "))
        assert browser.get("/api/session").json() == {"authenticated": True, "operator": "operator"}
        token = browser.cookies["trassa_session"]
        with api.socket("/api/live", browser) as live:
            assert json.loads(live.recv())["type"] == "events"
            browser.post("/api/logout").raise_for_status()
            until(lambda: _close_code(live), "the socket outlives its session")
            assert live.close_code == 4401
        browser.cookies.set("trassa_session", token)
        assert browser.get("/api/plan").status_code == 401, "a closed session's token opens nothing"


def _close_code(live: Any) -> int | None:
    try:
        live.recv(timeout=0.1)
    except TimeoutError:
        pass
    except Exception:  # closed
        return live.close_code
    return None


@pytest.mark.parametrize("path", ["/api/live", "/api/drive/live"])
def test_a_socket_without_a_right_is_closed_with_4401(api: Api, path: str) -> None:
    with api.socket(path, api.stranger) as live:
        until(lambda: _close_code(live), "it stays open")
        assert live.close_code == 4401


def test_a_pairing_link_works_once_and_opens_only_the_page_of_its_vehicle(api: Api) -> None:
    link = api.operator.post("/api/vehicles/pair", json={"login": "fleet", "vehicle": "bus-1"}).json()["link"]
    code = {"code": link.partition("=")[2]}
    with api.another() as first, api.another() as second:
        cookie = first.post("/api/drive/pair", json=code).headers["set-cookie"]
        assert {"HttpOnly", "SameSite=strict"} <= set(cookie.split("; "))
        assert second.post("/api/drive/pair", json=code).status_code == 401
        for path, method in OPERATIONS:
            if path not in OPEN:
                place = path.format(event_id="9-1", charge_key="x")
                assert first.request(method, place, json={}).status_code == 401, path
        with api.socket("/api/drive/live", first) as page:
            assert set(json.loads(page.recv())) == {"position", "warnings", "connection", "toll", "time_ms"}
        with api.socket("/api/live", first) as live:
            until(lambda: _close_code(live), "a vehicle watches the control room")


def test_a_reads_receipt_says_why_and_the_rest_of_the_batch_is_taken(api: Api) -> None:
    batch = [
        a_read(1),
        a_read(2, toll_point="nowhere"),
        a_read(3, identity=""),
        a_read(4, time_ms=2**70),
        a_read(5, time_ms=time.time_ns() // 1_000_000 + HOUR_MS),
        a_read(6, means="own"),
        a_read(7, movement="fly"),
        a_read(8, source="a\0b"),
        a_read(9),
    ]
    first = api.gantry.post("/api/toll/reads", json={"reads": batch}).json()["receipts"]
    assert [receipt["fate"] == "rejected" for receipt in first] == [False, *[True] * 7, False]
    for receipt, word in zip(
        first[1:8], ("nowhere", "identity", "time_ms", "ahead", "means", "movement", "source"), strict=True
    ):
        assert word in receipt["reason"]
    again = api.gantry.post("/api/toll/reads", json={"reads": batch}).json()["receipts"]
    assert [receipt["read_id"] for receipt in again] == [receipt["read_id"] for receipt in first]
    many = {"reads": [a_read(1000 + i) for i in range(5001)]}
    assert api.gantry.post("/api/toll/reads", json=many).status_code == 422


def test_charges_speak_in_names_and_nothing_says_who_it_was(api: Api) -> None:
    contract = {
        "contract_id": "c-1",
        "vehicle_class": "1",
        "means": "plate",
        "identities": [{"kind": "plate", "plain": PLATE}, {"kind": "own", "plain": "fleet/bus-7"}],
    }
    key = api.gantry.post("/api/toll/contracts", json=contract).json()["vehicle_key"]
    day_ms = time.time_ns() // 1_000_000 - 48 * HOUR_MS
    journey = [
        a_read(20, time_ms=day_ms),
        a_read(21, time_ms=day_ms + 200_000, toll_point="lane-103"),
        a_read(22, time_ms=day_ms, means="tag", identity=TAG),
    ]
    api.gantry.post("/api/toll/reads", json={"reads": journey}).raise_for_status()

    def listed() -> Any:
        found = api.operator.get("/api/toll/charges", params={"vehicle_key": key}).json()
        return next((row for row in found["charges"] if row["exit"]), None)

    row = until(listed, "no charge")
    assert (row["entry_name"], row["exit_name"], row["amount_minor"]) == ("South", "North", 15_000)
    held = until(lambda: api.operator.get("/api/toll/charges").json()["held"], "the tag's trip is not held")
    assert {(trip["entry_name"], trip["exit"]) for trip in held} >= {("South", None)}
    page = api.paired("bus-7")
    said = [
        api.operator.get(f"/api/toll/charges/{row['charge_key']}").text,
        *(api.operator.get(path).text for path in ("/api/toll/charges", "/api/toll/summary", "/api/events?ended=9")),
    ]
    with api.socket("/api/live", api.operator) as live, api.socket("/api/drive/live", page) as board:
        said += [str(live.recv()) for _ in range(3)]
        shown = json.loads(board.recv())
    assert shown["toll"] == {"amount_minor": 15_000, "currency": "RUB", "charges": 1}
    with api.socket("/api/drive/live", api.paired("bus-8")) as other:
        assert json.loads(other.recv())["toll"]["charges"] == 0, "each sees its own"
    said += [file.read_text("utf-8") for file in api.platform.book.logs.glob("*.log")]
    for word in (PLATE, TAG, "fleet/bus-7"):
        assert not any(word in text or json.dumps(word)[1:-1] in text for text in said)
