"""The web server of one book put together: roadway, store, feed and keys behind one desk."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from trassa.linear import KmLabel
from trassa.linear.calibration import LabelNotFound
from trassa.live.book import Book
from trassa.live.doorway import Doorway
from trassa.live.ports import LOOPBACK, Ports
from trassa.live.roadway import Roadway
from trassa.live.secrets import Secrets, password_fits
from trassa.live.store.embedded import PostgresPlace
from trassa.live.store.store import Store
from trassa.live.web.app import create_app
from trassa.live.web.control_room import fresh_news
from trassa.live.web.desk import Desk
from trassa.live.web.doors import Doors
from trassa.live.web.live_feed import LiveFeed
from trassa.live.web.plan_view import plan_view
from trassa.plan.project import open_project
from trassa.toll.context import read_context

__all__ = ["assembled_app", "hosts_of", "toll_points"]

_PATIENCE_S = 1.0
_CONNECTIONS = 8
_STATEMENT_S = 15.0


def assembled_app(book: Book, doorway: Doorway) -> Doors:
    """The application of a book whose broker and store are running."""
    roadway = Roadway.of(open_project(book.project_root))
    secrets, ports = Secrets.of(book), Ports.of(book)
    simulated = book.name == "drive"
    url = roadway.settings.live.postgres_url or PostgresPlace.of(book).url()

    async def refresh(wanted: set[str]) -> list[str]:
        return await fresh_news(desk, wanted)

    desk = Desk(
        roadway=roadway,
        store=Store(url, patience_s=_PATIENCE_S, connections=_CONNECTIONS, statement_s=_STATEMENT_S),
        feed=LiveFeed(f"nats://{LOOPBACK}:{ports.nats}", secrets.platform_user, secrets.platform_password, refresh),
        reads_key=secrets.reads_key,
        identity_key=secrets.identity_key,
        password_fits=partial(_fits, secrets),
        plan=plan_view(roadway, toll_points(roadway), simulated=simulated, time_zone=_time_zone(roadway)),
        simulated=simulated,
    )
    return create_app(desk, hosts_of(doorway.host, ports.web, roadway.settings.live.public_hosts))


def toll_points(roadway: Roadway) -> list[dict[str, Any]]:
    """Toll points of the systems in force, in order of measure; those without a place on this road come last."""
    settings = roadway.settings.toll
    if not settings.systems:
        return []
    context = read_context(settings.systems, roadway.plan.project.inputs)
    points = []
    for point in context.points.values():
        measure_m = _measure_of(roadway, point.km)
        points.append(
            {
                "id": point.id,
                "name": point.name,
                "at": point.at,
                "measure_m": measure_m,
                "carriageway": point.carriageways[0] if len(point.carriageways) == 1 else "both",
                "label": "" if measure_m is None else roadway.text(measure_m),
                "systems": [system.system for system in context.systems_at(point.id)],
            }
        )
    return sorted(points, key=lambda row: (row["measure_m"] is None, row["measure_m"] or 0.0, row["id"]))


def hosts_of(host: str, port: int, public: Sequence[str] = ()) -> frozenset[str]:
    """The Host headers that this server answers to; browsers leave out the port that the scheme implies."""
    names = {f"[{host}]" if ":" in host else host, "localhost", LOOPBACK, "[::1]", *public}
    here = {f"{name}:{port}" for name in names}
    if port in (80, 443):
        here |= names
    return frozenset(name.lower() for name in here | set(public))


def _time_zone(roadway: Roadway) -> str:
    """The zone in which the road's first tariff runs; empty on a free road."""
    settings = roadway.settings.toll
    if not settings.systems:
        return ""
    context = read_context(settings.systems, roadway.plan.project.inputs)
    return next(iter(context.systems.values())).zone


def _measure_of(roadway: Roadway, km: float | None) -> float | None:
    if km is None:
        return None
    try:
        return round(roadway.road.calibration.measure(KmLabel.from_decimal(km)), 1)
    except LabelNotFound:
        return None


def _fits(secrets: Secrets, password: str) -> bool:
    return password_fits(password, secrets.operator_password_hash)
