"""The outer doors of the web server: hosts, origins, sizes, rates, and what every answer carries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from asgi_client import AsgiClient
from trassa.live.web.assembly import hosts_of
from trassa.live.web.doors import CONTENT_SECURITY_POLICY, MAX_BODY_BYTES, Doors, _client_of
from trassa.live.web.rates import RateLimit


async def _room(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


@pytest.fixture
def inside() -> AsgiClient:
    room = Starlette(routes=[Route("/", _room, methods=["GET", "POST"]), Route("/api/login", _room, methods=["POST"])])
    return AsgiClient(Doors(room, frozenset({"testserver"}), secure=True))


def test_an_ordinary_request_passes_and_carries_the_policy(inside: AsgiClient) -> None:
    answer = inside.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "max-age" in answer.headers["strict-transport-security"]


def test_another_host_name_is_not_answered(inside: AsgiClient) -> None:
    answer = inside.get("/", headers={"host": "evil.example"})
    assert answer.status_code == 421
    assert set(answer.json()) == {"error", "next"}
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://testserver", 200),
        ("https://evil.example", 403),
        ("null", 403),
        ("http://testserver.evil", 403),
        ("http://[", 403),
    ],
)
def test_a_write_from_another_site_is_refused(inside: AsgiClient, origin: str, status: int) -> None:
    assert inside.post("/", content=b"x", headers={"origin": origin}).status_code == status


def test_a_body_beyond_the_bound_is_refused_by_what_it_says(inside: AsgiClient) -> None:
    assert inside.post("/", content=b"x" * (MAX_BODY_BYTES + 1)).status_code == 413


async def _chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 65_536


def test_a_body_beyond_the_bound_is_refused_where_it_did_not_say_so(inside: AsgiClient) -> None:
    assert inside.post("/", content=_chunks(64)).text == str(MAX_BODY_BYTES)
    assert inside.post("/", content=_chunks(65)).status_code == 413


@pytest.mark.parametrize("length", ["-1", "1e3", "²", "9" * 5000, ""])
def test_a_length_that_is_no_number_is_refused(inside: AsgiClient, length: str) -> None:
    answer = inside.post("/", headers={"content-length": length.encode("latin-1")})  # type: ignore[dict-item]
    assert answer.status_code == 413


def test_a_body_that_does_not_come_and_a_room_that_does_not_answer_end_in_time() -> None:
    async def never(_request: Request) -> PlainTextResponse:
        await asyncio.sleep(3600)
        return PlainTextResponse("too late")

    async def drop() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.sleep(3600)

    room = Starlette(routes=[Route("/", _room, methods=["POST"]), Route("/never", never)])
    inside = AsgiClient(Doors(room, frozenset({"testserver"}), body_s=0.05, answer_s=0.2))
    assert inside.post("/", content=drop()).status_code == 408
    late = inside.get("/never")
    assert (late.status_code, late.headers["retry-after"]) == (503, "5")


def test_rates_count_a_network_of_ipv6_as_one_client(inside: AsgiClient) -> None:
    assert _client_of({"client": ("2001:db8::1", 1)}) == _client_of({"client": ("2001:db8::ffff", 2)})
    assert _client_of({"client": ("2001:db8::1", 1)}) != _client_of({"client": ("2001:db8:0:1::1", 1)})
    assert _client_of({"client": ("10.0.0.1", 1)}) != _client_of({"client": ("10.0.0.2", 1)})


@pytest.mark.parametrize(
    ("host", "port", "answers", "does_not"),
    [
        ("127.0.0.1", 8000, {"127.0.0.1:8000", "localhost:8000", "road.example"}, {"127.0.0.1", "evil.example:8000"}),
        ("0.0.0.0", 443, {"road.example", "localhost", "road.example:443"}, {"evil.example"}),
        ("::", 8000, {"[::]:8000", "[::1]:8000", "road.example:8000"}, {"::"}),
    ],
)
def test_hosts_are_written_as_browsers_write_them(host: str, port: int, answers: set[str], does_not: set[str]) -> None:
    known = hosts_of(host, port, ["Road.example"])
    assert answers <= known
    assert not does_not & known


def test_the_login_door_is_slower_than_the_others(inside: AsgiClient) -> None:
    codes = [inside.post("/api/login").status_code for _ in range(12)]
    assert codes[:10] == [200] * 10
    assert codes[-1] == 429
    assert inside.get("/").status_code == 200


def test_a_bucket_forgets_the_oldest_clients() -> None:
    limit = RateLimit(per_s=0.0, burst=1.0, clients=2)
    assert limit.admits("a")
    assert not limit.admits("a")
    assert limit.admits("b")
    assert limit.admits("c")
    assert limit.admits("a"), "the oldest client's bucket went, so memory stays bounded"
