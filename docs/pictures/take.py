"""Take the pictures of this folder from a real drive: ``python docs/pictures/take.py [PLANNED_M11]``.

A served M-11, 250 simulated vehicles on real MQTT, a breakdown with its queue; then Chromium looks at the control room
and, as a driver four kilometres before the queue, at the on-board page. Needs the test environment (``make e2e``).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TRASSA = [sys.executable, "-m", "trassa"]
sys.path.insert(0, str(ROOT / "tests"))
BEFORE_M = 4000.0
PATIENCE_S = 180.0
LIMITS_KB = {"control-room.png": 250, "on-board.png": 80}
PLATE = "А001АА77"


def main() -> None:
    """Plan where nothing planned is given, serve, drive, look."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("planned", type=Path, nargs="?")
    planned: Path | None = words.parse_args().planned
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "m11"
        if planned:
            shutil.copytree(planned, root, ignore=shutil.ignore_patterns("live", "drive"))
        else:
            subprocess.run([*TRASSA, "init", root, "--example", "m11"], check=True)
            subprocess.run([*TRASSA, "run", root], check=True)
        _free_ports(root)
        with _running("serve", root, "--allow-drive") as serve:
            password = _line(serve, "shown this once): ")
            url = _line(serve, "ready ")
            drive: list[str | Path] = [
                "drive",
                root,
                "--into",
                url,
                "--vehicles",
                "250",
                "--minutes",
                "10",
                "--seed",
                "7",
            ]
            with _running(*drive):
                _look(url, password)


def _look(url: str, password: str) -> None:
    from browser import chromium

    with chromium() as browser:
        light = browser.new_context(viewport={"width": 1600, "height": 900}, locale="ru-RU")
        page = light.new_page()
        page.goto(url)
        page.fill("#gate input[type=password]", password)
        page.click("#gate button")
        _until(lambda: page.evaluate("() => Boolean(window.trassa && window.trassa.map.idle)"))
        _pay(page, url)
        _until(lambda: page.evaluate("() => window.trassa.alarms.events.length > 1"))
        page.locator(".alarm .head").first.click()
        page.get_by_role("button", name="Принять", exact=True).last.click()
        page.mouse.move(5, 5)
        time.sleep(3.0)
        _keep(page, "control-room.png")
        queue_m = page.evaluate("() => window.trassa.alarms.events[0].anchor_m")
        place = "m => window.trassa.map.road.axis.at('increasing', m)"
        way = [page.evaluate(place, queue_m - BEFORE_M + step * 28.0) for step in range(9)]
        link = _post(page, url, "/api/vehicles/pair", {"login": "fleet", "vehicle": "phone"})["link"]
        _look_from_the_road(browser, url + link, way)


def _look_from_the_road(browser: Any, link: str, way: list[list[float]]) -> None:
    phone = browser.new_context(
        viewport={"width": 412, "height": 892}, locale="ru-RU", permissions=["geolocation"],
        geolocation={"longitude": way[0][0], "latitude": way[0][1]}, color_scheme="dark",
    )  # fmt: skip
    page = phone.new_page()
    page.goto(link)
    for longitude_deg, latitude_deg in way:
        phone.set_geolocation({"longitude": longitude_deg, "latitude": latitude_deg})
        time.sleep(1.0)
    _until(lambda: page.locator(".next").count())
    _keep(page, "on-board.png")


def _pay(page: Any, url: str) -> None:
    """The phone's vehicle came by Moscow and Solnechnogorsk this morning."""
    identities = [{"kind": "plate", "plain": PLATE}, {"kind": "own", "plain": "fleet/phone"}]
    contract = {"contract_id": "C-1", "vehicle_class": "1", "means": "plate", "identities": identities}
    _post(page, url, "/api/toll/contracts", contract)
    morning_ms = int(page.request.get(f"{url}/api/status").json()["time_ms"]) - 5 * 3_600_000
    passed = (("m11-021-moskva", 0), ("m11-058-solnechnogorsk", 22 * 60_000))
    reads = [
        {"source": "gantry", "device": point, "sequence": 900_001, "time_ms": morning_ms + later_ms,
         "toll_point": point, "means": "plate", "identity": PLATE, "vehicle_class": "1"}
        for point, later_ms in passed
    ]  # fmt: skip
    _post(page, url, "/api/toll/reads", {"reads": reads})


def _post(page: Any, url: str, path: str, body: dict[str, Any]) -> Any:
    headers = {"content-type": "application/json", "origin": url}
    answer = page.request.post(url + path, data=json.dumps(body), headers=headers)
    assert answer.ok, answer.text()
    return answer.json()


def _keep(page: Any, name: str) -> None:
    """Keep what the page shows, in as many colours as its limit allows."""
    picture = Image.open(io.BytesIO(page.screenshot(timeout=90_000))).convert("RGB")
    for colours in (None, 256, 128, 64):
        kept = picture.quantize(colours, dither=Image.Dither.NONE) if colours else picture
        kept.save(HERE / name, optimize=True)
        if (HERE / name).stat().st_size <= LIMITS_KB[name] * 1024:
            break
    print(name, picture.size, f"{(HERE / name).stat().st_size / 1024:.0f} kB")


@contextlib.contextmanager
def _running(*words: str | Path) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen([*TRASSA, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGINT)
        child.wait(60.0)


def _line(child: subprocess.Popen[str], mark: str) -> str:
    """What stands behind a mark on a line that a command prints."""
    assert child.stdout
    for line in child.stdout:
        if mark in line:
            return line.partition(mark)[2].strip()
    raise SystemExit(f"the command ended without {mark!r}")


def _free_ports(root: Path) -> None:
    settings = root / "trassa.toml"
    text = settings.read_text("utf-8")
    settings.write_text(text.replace("[live]\n", "[live]\nport = 0\nmqtt_port = 0\n", 1), "utf-8")


def _until(holds: Callable[[], Any]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s, "waited in vain"
        time.sleep(0.2)


if __name__ == "__main__":
    main()
