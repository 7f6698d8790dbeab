"""The web pages in a real browser: what is drawn, that it can be missed, and that nothing leaves the machine."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from browser import chromium, served, until
from web_stage import PASSWORD, Stage

pytestmark = pytest.mark.browser

PROJECT = Path(__file__).resolve().parents[2]
PALETTE = json.loads((PROJECT / "web" / "src" / "palette.json").read_text("utf-8"))
GUTTER_PX, RIGHT_PX = 128, 18
"""Left and right of the road in the diagram, as a person measures them on the screen."""


@dataclass
class Room:
    """A control room that is open in a browser."""

    page: Any
    stage: Stage
    url: str
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def ask(self, script: str, given: Any = None) -> Any:
        return self.page.evaluate(script, given)

    def rendered(self, layer: str) -> int:
        ask = "name => window.trassa.map.chart.queryRenderedFeatures({ layers: [name] }).length"
        return int(self.ask(ask, layer))

    def pixels(self, colour: str, within: str = "#map canvas") -> int:
        """How many pixels of a colour the map shows; neither legend nor lists are looked at."""
        self.page.add_style_tag(content="#legend, .maplibregl-control-container { visibility: hidden !important; }")
        picture = Image.open(io.BytesIO(self.page.locator(within).first.screenshot(timeout=90_000)))
        wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
        return int((np.abs(np.asarray(picture.convert("RGB"), dtype=int) - wanted).max(axis=2) <= 4).sum())

    def switch(self, group: str) -> None:
        self.page.evaluate("name => document.querySelector(`#legend input[name=${name}]`).click()", group)

    def strip_box(self) -> dict[str, float]:
        box: dict[str, float] = self.page.locator("#strip").bounding_box()
        return box

    def strip_x(self, measure_m: float) -> float:
        """Where a measure stands in the diagram while the whole road is in view, from the left of the page."""
        box = self.strip_box()
        share = measure_m / self.stage.roadway.road.length_m
        return box["x"] + GUTTER_PX + share * (box["width"] - GUTTER_PX - RIGHT_PX)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture
def stage(planned_hills: Path) -> Stage:
    return Stage(planned_hills, vehicles=60, still=True)


@pytest.fixture
def room(browser: Any, stage: Stage) -> Iterator[Room]:
    with served(stage) as url:
        context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
        context.add_cookies([{"name": "trassa_session", "value": "open", "url": url}])
        page = context.new_page()
        room = Room(page, stage, url)
        page.on("console", lambda said: room.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: room.complaints.append(str(error)))
        page.on("request", lambda request: room.requests.append(request.url))
        page.goto(url)
        until(lambda: room.ask("() => Boolean(window.trassa && window.trassa.map.idle)"))
        until(lambda: room.rendered("vehicles") and room.rendered("anchors"))
        yield room
        context.close()


@pytest.mark.parametrize(
    ("group", "layers", "colour"),
    [
        ("coverage", ["coverage"], PALETTE["margin"][4]["colour"]),
        ("vehicles", ["vehicles"], PALETTE["vehicle"]),
        ("warnings", ["anchors", "extents"], PALETTE["warning"]["new"]),
    ],
)
def test_layer_is_drawn_and_is_gone_when_it_is_switched_off(
    room: Room, group: str, layers: list[str], colour: str
) -> None:
    until(lambda: room.pixels(colour) > 30)
    assert all(room.rendered(layer) > 0 for layer in layers)
    room.switch(group)
    until(lambda: not any(room.rendered(layer) for layer in layers))
    until(lambda: room.pixels(colour) == 0)


def test_strict_policy_without_a_complaint_and_nothing_leaves_the_machine(room: Room) -> None:
    answer = room.page.request.get(room.url)
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe-eval" not in answer.headers["content-security-policy"]
    assert room.complaints == []
    assert room.requests
    assert {url.split("/")[2] for url in room.requests if not url.startswith(("blob:", "data:"))} == {room.url[7:]}


def test_every_vehicle_of_the_frame_is_counted_and_drawn_at_its_place(room: Room) -> None:
    until(lambda: room.page.locator("#top .vehicles b").inner_text() == "60")
    handles = room.ask(
        "() => [...new Set(window.trassa.map.chart.queryRenderedFeatures({ layers: ['vehicles'] })"
        ".map(f => f.properties.handle))]"
    )
    assert len(handles) > 50
    traffic = room.stage.traffic
    for index in (0, 17, 59):
        said = room.ask("h => ({ ...window.trassa.traffic.vehicle(h, performance.now()) })", int(traffic.handle[index]))
        assert said["measure_m"] == pytest.approx(traffic.measure_m[index], abs=0.01)
        assert said["carriageway"] == ("decreasing" if traffic.decreasing[index] else "increasing")


def test_labels_are_those_of_the_calibration(room: Room) -> None:
    measures = np.random.default_rng(3).uniform(0.0, room.stage.roadway.road.length_m, 200).tolist()
    said = room.ask("list => list.map(m => window.trassa.map.road.labels.text(m))", measures)
    assert said == [room.stage.roadway.text(measure_m) for measure_m in measures]


def test_cursor_of_the_diagram_is_at_the_same_place_on_the_map(room: Room) -> None:
    box = room.strip_box()
    line = room.stage.plan["lines"]["increasing"]
    pixel_m = room.stage.roadway.road.length_m / (box["width"] - GUTTER_PX - RIGHT_PX)
    for measure_m in (6_000.0, 21_500.0, 37_000.0):
        room.page.mouse.move(round(room.strip_x(measure_m)), box["y"] + 150)
        place = until(lambda: room.ask("() => window.trassa.map.cursorPlace()"))
        wanted = [np.interp(measure_m, line["measure_m"], line[axis]) for axis in ("longitude_deg", "latitude_deg")]
        assert np.hypot((place[0] - wanted[0]) * 70_500, (place[1] - wanted[1]) * 111_200) < 1.5 * pixel_m
        assert room.ask("() => window.trassa.view.cursor_m") == pytest.approx(measure_m, abs=pixel_m)


def test_cursor_of_the_map_is_at_the_same_place_in_the_diagram(room: Room) -> None:
    map_box = room.page.locator("#map").bounding_box()
    line = room.stage.plan["lines"]["increasing"]
    for measure_m in (9_000.0, 30_000.0):
        place = [float(np.interp(measure_m, line["measure_m"], line[a])) for a in ("longitude_deg", "latitude_deg")]
        at = room.ask("p => window.trassa.map.chart.project(p)", place)
        per_pixel_m = room.ask("() => window.trassa.map.metresPerPixel()")
        room.page.mouse.move(map_box["x"] + at["x"], map_box["y"] + at["y"])
        cursor_m = until(lambda: room.ask("() => window.trassa.view.cursor_m"))
        assert cursor_m == pytest.approx(measure_m, abs=3.0 * per_pixel_m)


def test_keys_and_wheel_move_diagram_and_map_together(room: Room) -> None:
    room.page.locator("#strip canvas").last.focus()
    before = room.ask("() => [window.trassa.view.span_m, window.trassa.map.chart.getZoom()]")
    room.page.keyboard.press("+")
    room.page.keyboard.press("+")
    after = room.ask("() => [window.trassa.view.span_m, window.trassa.map.chart.getZoom()]")
    assert after[0] == pytest.approx(before[0] * 0.36)
    assert after[1] > before[1]
    room.page.keyboard.press("ArrowRight")
    cursor_m = room.ask("() => window.trassa.view.cursor_m")
    room.page.keyboard.press("ArrowRight")
    assert room.ask("() => window.trassa.view.cursor_m") > cursor_m
    room.page.keyboard.press("Home")
    assert room.ask("() => window.trassa.view.span_m") == pytest.approx(before[0])
    room.page.mouse.move(400, 250)
    room.page.mouse.wheel(0, -600)
    until(lambda: room.ask("() => window.trassa.view.span_m") < 0.9 * before[0])


def test_warning_is_acknowledged_with_user_and_time_then_ended_with_a_reason(room: Room) -> None:
    alarm = room.page.locator('[data-event="900001-41"]')
    assert "New" in alarm.inner_text()
    alarm.get_by_role("button", name="Acknowledge", exact=True).click()
    until(lambda: "Acknowledged: operator" in alarm.inner_text())
    assert next(e for e in room.stage.events if e["event_id"] == "900001-41")["acknowledged_by"] == "operator"
    alarm.get_by_role("button", name="End…").click()
    alarm.get_by_label("Reason for ending").fill("Checked: the place is clear")
    alarm.get_by_role("button", name="End the warning").click()
    until(lambda: alarm.count() == 0)
    assert [event["event_id"] for event in room.stage.ended] == ["900001-41"]
    assert room.stage.ended[0]["ended_note"] == "Checked: the place is clear"
    room.page.get_by_role("button", name="Ended", exact=True).click()
    until(lambda: alarm.count() == 1)
    assert "Ended" in alarm.inner_text()
    assert "Checked: the place is clear" in alarm.inner_text()


def test_click_on_a_site_says_why_it_is_there_and_on_a_warning_which_rule_found_it(room: Room) -> None:
    site = room.stage.plan["sites"][3]
    rows = room.ask("() => window.trassa.strip.rows")
    box = room.strip_box()
    room.page.mouse.click(room.strip_x(site["measure_m"]), box["y"] + rows["sites"]["top"] + 8)
    why = room.page.locator("#why")
    claim, _, rest = site["needed_for"].partition(" at ")
    until(lambda: "Needed for" in why.inner_text())
    assert claim.startswith("radio.served")
    assert rest.split(":")[0] in why.inner_text()
    assert "would serve" in why.inner_text()
    assert site["site"] in why.inner_text()
    assert site["label"] in why.inner_text()
    room.page.locator('[data-event="900001-42"] .head').click()
    until(lambda: "End of a queue" in why.inner_text())
    assert "Q2. A chain of slow vehicles" in why.inner_text()
    assert "faster traffic comes from behind" in why.inner_text()
    assert room.stage.events[1]["label"] in why.inner_text()
    assert room.ask("() => window.trassa.view.span_m") <= 12_000


def test_click_on_a_charge_shows_its_explanation(room: Room) -> None:
    room.page.locator("#status .charge").first.click()
    why = room.page.locator("#why")
    until(lambda: "М-11 «Нева», км 15–58, 2026-04-01" in why.inner_text())
    assert (
        f"{room.stage.plan['toll_points'][0]['name']} → {room.stage.plan['toll_points'][1]['name']}" in why.inner_text()
    )
    assert "Friday, by time of exit" in why.inner_text()


def test_what_is_held_is_shown_as_such_and_says_why(room: Room) -> None:
    held = room.page.locator("#why .latest .held").first
    until(lambda: "held" in held.inner_text() and "Москва → Солнечногорск" in held.inner_text())


def test_times_are_those_of_clocks_on_the_road(room: Room) -> None:
    until(lambda: room.page.locator("#top .clock b").inner_text() == "15:00:00")
    assert "MSK" in room.page.locator("#top .clock span").inner_text()


def test_buttons_stay_under_the_pointer_when_a_warning_is_acknowledged(room: Room) -> None:
    order = "() => [...document.querySelectorAll('.alarm')].map(item => item.dataset.event)"
    before = room.ask(order)
    first = room.page.locator(".alarm").first
    first.get_by_role("button", name="Acknowledge", exact=True).click()
    until(lambda: "Acknowledged: operator" in first.inner_text())
    assert room.ask(order) == before
    room.page.mouse.move(300, 300)
    until(lambda: room.ask(order) != before)
    assert room.ask(order).index(before[0]) > 0


def test_a_new_warning_is_said_aloud_counted_in_the_title_and_silent_unless_wanted(room: Room) -> None:
    sound = room.page.get_by_role("button", name="Sound off")
    assert sound.get_attribute("aria-pressed") == "false"
    room.stage.events.append(room.stage.events[0] | {"event_id": "900001-77", "cause_code": 9})
    said = room.page.locator("[role=log]")
    until(lambda: said.inner_text().startswith("New: ") and room.stage.events[0]["label"] in said.inner_text())
    assert room.page.title().startswith("(4) ")


def test_an_old_picture_says_so_itself(room: Room) -> None:
    banner = room.page.locator(".stale-since")
    assert not banner.is_visible()
    room.stage.mute = True
    until(banner.is_visible)
    assert "15:00:00" in banner.inner_text()
    room.stage.mute = False
    until(lambda: not banner.is_visible())


def test_language_changes_every_word_of_the_room(room: Room) -> None:
    assert room.page.locator("#alarms h2").inner_text().startswith("Warnings")
    room.page.get_by_role("button", name="Русский").click()
    until(lambda: room.page.locator("#alarms h2").inner_text().startswith("Предупреждения"))
    assert "Сломанная машина" in room.page.locator("#alarms").inner_text()
    assert "потеряно" in room.page.locator("#status").inner_text()
    assert room.ask("() => document.documentElement.lang") == "ru"
    room.page.reload()
    until(lambda: "Имитация движения" in room.page.locator("#top").inner_text())


def test_counts_are_those_of_the_platform(room: Room) -> None:
    counts = room.stage.status()["counts"]
    for name in ("accepted", "processed", "refused", "shed", "waiting", "lost"):
        shown = room.page.locator(f'[data-count="{name}"] b').inner_text()
        assert int(shown.replace(",", "")) == counts[name]


def test_without_a_session_the_room_asks_for_the_password(browser: Any, stage: Stage) -> None:
    with served(stage) as url:
        page = browser.new_page(locale="en-GB")
        page.goto(url)
        page.get_by_label("Operator password").fill("wrong")
        page.get_by_role("button", name="Enter").click()
        until(lambda: "The password is wrong" in page.locator("#gate").inner_text())
        assert page.evaluate("() => 'trassa' in window") is False
        page.get_by_label("Operator password").fill(PASSWORD)
        page.get_by_role("button", name="Enter").click()
        until(lambda: page.evaluate("() => Boolean(window.trassa && window.trassa.map.idle)"))
        page.close()
