"""The on-board page in a real browser: pairing, warnings ahead, and what is left of it without a connection."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from browser import chromium, served, until
from web_stage import Stage

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as running:
        yield running


@pytest.fixture
def stage(planned_hills: Path) -> Stage:
    return Stage(planned_hills, vehicles=60, still=True)


def _page(browser: Any, complaints: list[str]) -> Any:
    page = browser.new_context(viewport={"width": 412, "height": 892}, locale="en-GB").new_page()
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page


def test_paired_page_shows_the_nearest_warning_the_connection_and_the_toll(browser: Any, stage: Stage) -> None:
    complaints: list[str] = []
    ahead = stage.ahead()
    nearest = ahead["warnings"][0]
    with served(stage) as url:
        page = _page(browser, complaints)
        page.goto(f"{url}/drive?pair=CODE")
        until(lambda: page.locator(".next").count())
        assert page.locator(".next").get_attribute("data-event") == nearest["event_id"]
        shown = re.sub(r"\s", " ", page.locator(".next b").inner_text())
        assert shown == f"{nearest['distance_m'] / 1000:.1f} km"
        assert ahead["position"]["label"] in page.locator("header").inner_text()
        assert "895.00" in page.locator(".toll").inner_text()
        assert "7.1" in page.locator(".connection p").inner_text()
        assert "pair=" not in page.url
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        page.context.close()
    assert complaints == []


def test_link_works_once_and_an_unpaired_page_says_what_to_do(browser: Any, stage: Stage) -> None:
    stage.paired.add("CODE")
    with served(stage) as url:
        page = _page(browser, [])
        page.goto(f"{url}/drive?pair=CODE")
        until(lambda: "not paired" in page.locator("main").inner_text())
        assert "This pairing link was used" in page.locator("main").inner_text()
        assert page.locator(".next").count() == 0
        page.context.close()


def test_lost_connection_is_said_and_the_last_strip_stays(browser: Any, stage: Stage) -> None:
    with served(stage) as url:
        page = _page(browser, [])
        page.goto(f"{url}/drive?pair=CODE")
        until(lambda: page.locator(".next").count())
        assert page.locator(".lost").count() == 0
        before = _drawn(page)
        stage.cut = True
        until(lambda: page.locator(".lost").count())
        assert "Connection lost" in page.locator(".lost").inner_text()
        assert _drawn(page) == pytest.approx(before, rel=0.02)
        stage.cut = False
        until(lambda: page.locator(".lost").count() == 0)
        page.context.close()


def test_shell_opens_without_any_network_and_no_live_data_are_cached(browser: Any, stage: Stage) -> None:
    with served(stage) as url:
        page = _page(browser, [])
        page.goto(f"{url}/drive?pair=CODE")
        until(lambda: page.locator(".next").count())
        until(lambda: page.evaluate("async () => Boolean((await navigator.serviceWorker.ready).active)"))
        kept = page.evaluate("async () => (await (await caches.open((await caches.keys())[0])).keys()).map(k => k.url)")
        assert kept
        assert not [address for address in kept if "/api/" in address]
        manifest = page.request.get(f"{url}/manifest.webmanifest").json()
        assert manifest["start_url"] == manifest["scope"] == "/drive"
        assert all(page.request.get(url + icon["src"]).status == 200 for icon in manifest["icons"])
    page.reload()
    until(lambda: "Connection lost" in page.locator(".lost").inner_text() if page.locator(".lost").count() else False)
    assert _drawn(page) > 0
    page.context.close()


def _drawn(page: Any) -> int:
    """How many pixels of the connection strip carry the colour of a good connection."""
    return int(
        page.evaluate(
            """() => {
              const canvas = document.querySelector('.strip canvas');
              const rgba = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
              let count = 0;
              for (let i = 0; i < rgba.length; i += 4) {
                const far = Math.abs(rgba[i] - 0x3f) + Math.abs(rgba[i + 1] - 0x78) + Math.abs(rgba[i + 2] - 0xba);
                const day = Math.abs(rgba[i] - 0x1f) + Math.abs(rgba[i + 1] - 0x5c) + Math.abs(rgba[i + 2] - 0x9e);
                if (Math.min(far, day) < 12) count += 1;
              }
              return count;
            }"""
        )
    )
