"""Driving a platform that already runs, so that people can watch: real time, its clock stepped by the drive."""

from __future__ import annotations

from collections.abc import Callable

from trassa.clock import rfc3339
from trassa.live.book import Book
from trassa.live.ports import Ports
from trassa.live.secrets import Secrets
from trassa.plan.project import Project
from trassa.twin.api import PlatformApi
from trassa.twin.broker_side import BrokerSide
from trassa.twin.drive import Drive, DrivePlan
from trassa.twin.fleet import Login
from trassa.twin.score import CAUSES, SeenEvent
from trassa.twin.world import STEP_MS

__all__ = ["drive_into"]


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
    broker = BrokerSide(fleet, driver, work.world.names, tell)
    say(f"{plan.vehicles} simulated vehicles around {work.roadway.text(work.scenario.place_m)}")
    try:
        broker.begin()
        told = work.window(broker, api, progress, pace_s=STEP_MS / 1000.0)
        broker.fleet.close()
    finally:
        broker.close()
        api.close()
    say(f"{len({vehicle for vehicle, _ in told})} vehicles were warned; {broker.sent.cam:,} CAM were sent")
