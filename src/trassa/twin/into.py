"""Driving a platform that already runs, so that people can watch: real time, its clock stepped by the drive."""

from __future__ import annotations

from collections.abc import Callable

from trassa.clock import rfc3339
from trassa.errors import InputError
from trassa.live.book import Book
from trassa.live.ports import LOOPBACK, Ports
from trassa.live.secrets import Secrets
from trassa.plan.project import Project
from trassa.twin.api import PlatformApi
from trassa.twin.broker_side import BrokerSide
from trassa.twin.fleet import Login
from trassa.twin.mqtt import NotInTime
from trassa.twin.score import CAUSES, SeenEvent
from trassa.twin.staging import Drive, DrivePlan
from trassa.twin.world import STEP_MS

__all__ = ["drive_into"]

_FIRST_S, _PATIENCE_S = 15.0, 60.0


def drive_into(
    project: Project, plan: DrivePlan, url: str, progress: Callable[[float], None], say: Callable[[str], None]
) -> None:
    """Play a drive's window to the running platform of the project's drive book; warnings are said as they come."""
    book = Book(project.root.resolve(), "drive")
    secrets, ports = Secrets.of(book), Ports.of(book)
    work = Drive.of(project, plan)

    def tell(event: SeenEvent, time_ms: int) -> None:
        cause = CAUSES.get(event.cause_code, f"cause {event.cause_code}")
        what = "warning ended" if event.ended_ms is not None else "warning"
        say(f"{rfc3339(time_ms)} {what} {event.event_id}: {cause}")

    fleet = Login(ports.mqtt, secrets.fleet_login, secrets.fleet_password)
    driver = Login(ports.mqtt, secrets.driver_user, secrets.driver_password)
    api = PlatformApi(url, secrets.reads_key)
    try:
        broker = BrokerSide(fleet, driver, work.world.names, tell)  # connects
    except OSError as error:
        raise InputError(
            f"drive: no platform that can be driven answers at {LOOPBACK}:{ports.mqtt}: {error.strerror or error}",
            cure=book.serving,
        ) from None
    say(f"{plan.vehicles} simulated vehicles around {work.roadway.text(work.scenario.plot.place_m)}")
    try:
        broker.begin()
        _first_step(broker, plan.start_ms)
        told = work.window(broker, api, progress, pace_s=STEP_MS / 1000.0)
        broker.fleet.close()
    finally:
        broker.close()
        api.close()
    say(f"{len({vehicle for vehicle, _ in told})} vehicles were warned; {broker.sent.cam:,} CAM were sent")


def _first_step(broker: BrokerSide, start_ms: int) -> None:
    """See whether the platform's clock follows; a platform on which somebody drove before may stand later."""
    assert broker.stepper is not None
    broker.stepper.patience_s = _FIRST_S
    try:
        broker.step(start_ms)
    except NotInTime:
        raise InputError(
            f"drive: the platform does not step to {rfc3339(start_ms)}; its clock may stand later",
            cure="serve --allow-drive anew, or a later --start",
        ) from None
    broker.stepper.patience_s = _PATIENCE_S
