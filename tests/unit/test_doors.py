"""The outer doors of the web server: hosts, origins, sizes, rates, and what every answer carries."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from asgi_client import AsgiClient
from trassa.live.web.doors import CONTENT_SECURITY_POLICY, MAX_BODY_BYTES, Doors, RateLimit


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
    assert "evil.example" in answer.json()["error"]


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://testserver", 200), ("https://evil.example", 403), ("null", 403), ("http://testserver.evil", 403)],
)
def test_a_write_from_another_site_is_refused(inside: AsgiClient, origin: str, status: int) -> None:
    assert inside.post("/", content=b"x", headers={"origin": origin}).status_code == status


def test_a_body_beyond_the_bound_is_refused_by_what_it_says(inside: AsgiClient) -> None:
    assert inside.post("/", content=b"x" * (MAX_BODY_BYTES + 1)).status_code == 413


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
