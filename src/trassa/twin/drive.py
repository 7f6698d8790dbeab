"""A drive: simulated traffic over the planned road, through a live platform of its own, judged against the truth."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from trassa.errors import InputError
from trassa.live.platform import Platform, Programs
from trassa.plan.project import Project
from trassa.twin.api import PlatformApi
from trassa.twin.broker_side import BrokerSide
from trassa.twin.fleet import Login
from trassa.twin.staging import Drive, DrivePlan, Progress
from trassa.twin.verdict import Verdict, verdict_of
from trassa.twin.warning import warm_up

__all__ = ["DrivePlan", "drive"]

Say = Callable[[str], None]


def drive(
    project: Project,
    plan: DrivePlan,
    progress: Progress = lambda _share: None,
    say: Say = lambda _sentence: None,
    programs: Programs | None = None,
) -> Verdict:
    """Drive a planned project in a fresh drive book; the operator's book is not touched.

    ``programs`` are other processes than the platform's own, to be judged like them.
    """
    begun_s = time.monotonic()
    work = Drive.of(project, plan)
    work.written_s = time.monotonic() - begun_s
    platform = Platform(
        project,
        "drive",
        clock="stepped",
        start_ms=plan.start_ms,
        fresh=True,
        new_password=True,
        programs=programs,
        say=say,
    )
    with platform:
        platform.wait_ready()
        if platform.operator_password is None:
            raise InputError("drive: the platform made no password", cure="remove the folder drive of the project")
        secrets, ports = platform.secrets, platform.ports
        api = PlatformApi(platform.url, secrets.reads_key)
        api.log_in(platform.operator_password)
        fleet = Login(ports.mqtt, secrets.fleet_login, secrets.fleet_password)
        broker = BrokerSide(fleet, Login(ports.mqtt, secrets.driver_user, secrets.driver_password), work.world.names)
        try:
            return _driven(work, broker, api, progress, begun_s)
        finally:
            broker.close()
            api.close()


def _driven(work: Drive, broker: BrokerSide, api: PlatformApi, progress: Progress, begun_s: float) -> Verdict:
    """Drive the window, let the clock run to the last watermark, and compare."""
    warm_up()
    ready_s = time.monotonic()
    broker.begin()
    told = work.window(broker, api, progress)
    driven_s = time.monotonic()
    risen = broker.late_joiner()
    broker.fleet.close()
    said = work.toll.finish(broker, api)
    rows = api.events()
    timing = {
        "written_s": round(work.written_s, 3),
        "started_s": round(ready_s - begun_s, 3),
        "window_s": round(driven_s - ready_s, 3),
        "window_times_real_time": round(work.plan.window_s / (driven_s - ready_s), 1),
        "settled_s": round(time.monotonic() - driven_s, 3),
        **_walls(broker),
    }
    return verdict_of(work, broker, told, rows, said, timing, risen)


def _walls(broker: BrokerSide) -> dict[str, Any]:
    """Wall times of the platform's steps."""
    if broker.stepper is None or not broker.stepper.walls_us:
        return {}
    walls = np.array(broker.stepper.walls_us) / 1000.0
    return {
        "platform_step_median_ms": round(float(np.median(walls)), 2),
        "platform_step_p99_ms": round(float(np.percentile(walls, 99)), 2),
        "deliveries_surplus": broker.fleet.deliveries.surplus,
    }
