"""The pages on a platform at work: vehicles of paho and pycrate on MQTT, an operator and a driver in Chromium."""

from __future__ import annotations

import contextlib
import io
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from browser import chromium
from running_api import Api
from running_platform import Car, ServedRoad, rows, served_copy, until
from running_store import LANE_TARIFF
from trassa.live.platform import Platform
from trassa.live.store.embedded import PostgresPlace
from trassa.plan.project import open_project

pytestmark = pytest.mark.browser

PALETTE = json.loads((Path(__file__).resolve().parents[2] / "web/src/palette.json").read_text("utf-8"))
DAY_MS = 24 * 3_600_000
BROKEN_KM, DRIVER_KM = 102.5, 99.0
PLATE = "М002ММ77"


@dataclass
class Scene:
    """A served M-11 with a short priced lane on it, and what browsers asked and complained of."""

    api: Api
    road: ServedRoad
    browser: Any
    asked: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)

    def page(self, width: int, height: int) -> Any:
        """A page of a browser of its own, listened to."""
        page = self.browser.new_context(viewport={"width": width, "height": height}, locale="ru-RU").new_page()
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked.add(request.url.split("/")[2]))
        page.on("websocket", lambda socket: self.asked.add(socket.url.split("/")[2]))
        return page

    def car(self, station_id: int, km: float, speed_mps: float = 0.0) -> Car:
        """A vehicle that sends CAMs."""
        place = self.road.place(self.road.measure_at_km(km))
        return Car(self.api.platform.ports, self.api.platform.secrets, station_id, place, speed_mps)


@pytest.fixture(scope="module")
def scene(planned_m11: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    root = served_copy(planned_m11, tmp_path_factory.mktemp("room") / "м11", stationary_after_s=2.0)
    (root / "inputs" / "lane.toml").write_text(LANE_TARIFF, "utf-8")
    settings = root / "trassa.toml"
    settings.write_text(settings.read_text("utf-8").replace('"m11-58-684"]', '"m11-58-684", "lane.toml"]'), "utf-8")
    with Platform(open_project(root), "live") as platform:
        platform.wait_ready()
        # the browser comes after the platform, because from then on its own loop runs in this thread
        with contextlib.closing(Api(platform)) as api, chromium() as browser:
            yield Scene(api, ServedRoad(api.operator.get("/api/plan").json()), browser)
    PostgresPlace.of(platform.book).discard()


def coloured(page: Any, selector: str, colour: str) -> int:
    """How many pixels of a colour something on the page shows."""
    picture = Image.open(io.BytesIO(page.locator(selector).first.screenshot(timeout=60_000))).convert("RGB")
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    return int((np.abs(np.asarray(picture, dtype=int) - wanted).max(axis=2) <= 4).sum())


def test_from_a_message_on_mqtt_to_an_operator_and_a_driver_and_back(scene: Scene) -> None:
    charged(scene)
    page = scene.page(1280, 800)
    entered(scene, page)
    broken_m = scene.road.measure_at_km(BROKEN_KM)

    # a CAM is a vehicle on the map
    page.evaluate("m => window.trassa.view.jump(m, 6000, 'list')", broken_m)
    page.add_style_tag(content="#legend, .maplibregl-control-container { visibility: hidden !important; }")
    assert page.locator("#top .vehicles b").inner_text() == "0"
    bare = coloured(page, "#map canvas", PALETTE["vehicle"])
    driver = scene.car(502, DRIVER_KM, speed_mps=30.0)
    broken = scene.car(501, BROKEN_KM, speed_mps=20.0)
    until(lambda: page.locator("#top .vehicles b").inner_text() == "2", "nobody counts two vehicles")
    until(lambda: coloured(page, "#map canvas", PALETTE["vehicle"]) > bare + 10, "no vehicle is drawn")

    # one that stands is an alarm, and red on the diagram
    assert coloured(page, "#strip", PALETTE["warning"]["new"]) == 0
    broken.speed_mps = 0.0
    alarm = page.locator(".alarm.new")
    until(lambda: alarm.count() == 1, "no warning comes")
    event_id = alarm.get_attribute("data-event")
    assert "Стоящая машина" in alarm.inner_text()
    assert f"км {BROKEN_KM:.1f}"[:6] in alarm.inner_text()
    until(lambda: coloured(page, "#strip", PALETTE["warning"]["new"]) > 100, "the diagram shows no warning")

    # the driver behind it is warned, and sees what he has paid
    board = scene.page(412, 892)
    link = scene.api.operator.post("/api/vehicles/pair", json=paired(502)).json()["link"]
    board.goto(scene.api.url + link)
    hero = board.locator(".next")
    until(lambda: hero.count() == 1, "the driver sees no warning")
    assert hero.get_attribute("data-event") == event_id
    assert hero.locator("b").inner_text().replace("\u00a0", " ") == "3,5 км"
    assert "150,00" in board.locator(".toll b").inner_text()

    # who takes note of it is written down
    page.locator(f'[data-event="{event_id}"]').get_by_role("button", name="Принять", exact=True).click()
    until(lambda: page.locator(".alarm.acknowledged").count() == 1, "it is not acknowledged on the page")
    url = PostgresPlace.of(scene.api.platform.book).url()
    assert rows(url, "SELECT operator FROM acknowledgement WHERE event_id = %s", event_id) == [("operator",)]

    # it is over when the vehicle moves, for both of them
    broken.speed_mps = 20.0
    until(lambda: page.locator(".alarm").count() == 0, "the warning does not end on the page")
    until(lambda: hero.count() == 0, "the driver is still warned")
    until(lambda: coloured(page, "#strip", PALETTE["warning"]["acknowledged"]) == 0, "the diagram still warns")
    broken.leave()
    driver.leave()
    assert scene.complaints == []
    assert scene.asked == {scene.api.host}


def entered(scene: Scene, page: Any) -> None:
    page.goto(scene.api.url)
    page.get_by_label("Пароль оператора").fill(scene.api.password)
    page.get_by_role("button", name="Войти").click()
    until(lambda: page.evaluate("() => Boolean(window.trassa && window.trassa.map.idle)"), "the map is not drawn")


def paired(station_id: int) -> dict[str, Any]:
    return {"login": "fleet", "vehicle": f"car-{station_id}", "station_id": station_id}


def charged(scene: Scene) -> None:
    """Of the driver's contract: a way through the lane yesterday, charged by now."""
    identities = [{"kind": "plate", "plain": PLATE}, {"kind": "own", "plain": "fleet/car-502"}]
    contract = {"contract_id": "C-502", "vehicle_class": "1", "means": "plate", "identities": identities}
    scene.api.gantry.post("/api/toll/contracts", json=contract).raise_for_status()
    entry_ms = time.time_ns() // 1_000_000 - DAY_MS
    reads = [
        {"source": "gantry", "device": point, "sequence": 1, "time_ms": time_ms, "toll_point": point, "means": "plate",
         "identity": PLATE}
        for point, time_ms in (("lane-101", entry_ms), ("lane-103", entry_ms + 120_000))
    ]  # fmt: skip
    scene.api.gantry.post("/api/toll/reads", json={"reads": reads}).raise_for_status()
    until(lambda: scene.api.operator.get("/api/toll/charges").json()["charges"], "nothing is charged")
