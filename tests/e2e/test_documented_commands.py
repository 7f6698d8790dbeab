"""Every command that README and the pages for users name, run as written: a reader copies them, so they must work.

Only what would take long is made small (vehicles, minutes), what a reader has to fill in is filled in (CHARGE,
PASSWORD, ports), and what needs the network or is this test's own caller is named below with its reason.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from command_line import Finished, set_in
from drawn_drive import drawn_cells, drawn_drive
from trassa.live.book import Book, BookName
from trassa.live.ports import Ports
from trassa.live.secrets import Secrets
from trassa.live.store.embedded import PostgresPlace

PROJECT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "docs/live.md", "docs/tariffs.md", "docs/drive.md", "docs/radio.md", "docs/optical.md")
NOT_HERE = {
    "git clone": "the network",
    "make demo": "the tests of the demo",
    "make test": "what runs this",
    "trassa road fetch": "the network",
}
ENDS_WITH = {"--from island --to west": 1}
"""Commands that are shown for what they refuse."""
SAYS = {
    "--from west --to east": "4.80 EUR",
    '--from "West bank" --to island': "1.80 EUR",
    "--from island --to west": "held: bridge 2026 has no price island → west",
    "toll charges": "1650.00 RUB",
    "toll audit": "no differences",
    "radio explain": "best server S-02/1",
    "radio calibrate": "sigma_db = ",
}
"""What the page says, or lets expect, that a command answers."""
PATIENCE_S = 180.0
CAM = "0202009896813039005ae0599250332bf33ffffffc23b7743e00c35fc55f7e02d9ea8337feebfff600"


def _blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", (PROJECT / page).read_text("utf-8"), flags=re.DOTALL)


def _commands(page: str) -> list[str]:
    lines = [line for block in _blocks(page, "console") for line in block.splitlines() if line.startswith("$ ")]
    return [re.split(r"\s+#", line.removeprefix("$ "))[0].strip() for line in lines]


class Reader:
    """Somebody who works through a page in one folder, with a second terminal for what keeps running."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self._running: subprocess.Popen[str] | None = None
        self._book: BookName = "live"

    def follow(self, command: str) -> None:
        """Run one command and look at how it ends and what it says."""
        words = shlex.split(self._filled_in(command))
        if words[:2] == ["trassa", "serve"]:
            self._serve(words[1:])
        elif words[:2] == ["trassa", "drive"] and "--into" in words:
            self._watch_a_while(words[1:])
        elif words[0] == "trassa":
            given = self._given(words)
            done = self._done(words[1:], given)
            wanted = next((code for part, code in ENDS_WITH.items() if part in command), 0)
            assert done.code == wanted, (command, done.out, done.err)
            for part, said in SAYS.items():
                assert part not in command or said in done.out, (command, done.out)
        else:
            assert words[0] == "mosquitto_pub", f"{command}: nobody here knows how to run it"
            if shutil.which("mosquitto_pub") is None:
                pytest.skip("mosquitto_pub is not installed")
            if self._running is None:
                self._serve(["serve", "m11"])
            subprocess.run(shlex.split(self._filled_in(command)), cwd=self.folder, check=True, timeout=30)

    def close(self) -> None:
        """Stop what keeps running, and leave nothing behind."""
        self._stop()
        for name in ("m11", "a4"):
            for book in ("live", "drive"):
                if (self.folder / name / book).exists():
                    PostgresPlace.of(Book(self.folder / name, book)).discard()

    def _given(self, words: list[str]) -> bytes:
        """Standard input, where the command takes a file as it; the words lose that part."""
        if "<" not in words:
            return b""
        at = words.index("<")
        name = words[at + 1]
        del words[at:]
        return (self.folder / name).read_bytes()

    def _done(self, words: list[str], given: bytes = b"") -> Finished:
        done = subprocess.run(
            [sys.executable, "-m", "trassa", *words],
            cwd=self.folder,
            input=given,
            capture_output=True,
            env={**os.environ, "PYTHONUTF8": "1"},
            timeout=PATIENCE_S,
            check=False,
        )
        return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())

    def _filled_in(self, command: str) -> str:
        command = re.sub(r"--vehicles \d+", "--vehicles 24", command)
        command = re.sub(r"--minutes \d+", "--minutes 2", command)
        if "CHARGE" in command:
            book = ["--book", "drive"] if "--book drive" in command else []
            listed = self._done(["toll", "charges", "m11", *book])
            command = command.replace("CHARGE", listed.out.splitlines()[-1].split()[0])
        if self.url:
            served = Book((self.folder / "m11").resolve(), self._book)
            command = command.replace("http://127.0.0.1:8000", self.url)
            command = command.replace("-p 1883", f"-p {Ports.of(served).mqtt}")
            command = command.replace("PASSWORD", Secrets.of(served).fleet_password)
        return command

    def _serve(self, words: list[str]) -> None:
        self._stop()
        self._book = "drive" if "--allow-drive" in words else "live"
        with (self.folder / "served.txt").open("w") as said:
            self._running = self._begun(words, said)
        self._await("served.txt", "ready ")
        self.url = (self.folder / "served.txt").read_text().split("ready ")[1].split()[0]

    def _watch_a_while(self, words: list[str]) -> None:
        """A drive in real time takes its minutes: look on until it has begun, and leave it as a person does."""
        with (self.folder / "watched.txt").open("w") as said:
            drive = self._begun(words, said)
        try:
            self._await("watched.txt", "simulated vehicles around", drive)
            time.sleep(3.0)
            drive.send_signal(signal.SIGINT)
            assert drive.wait(115.0) == 130, (self.folder / "watched.txt").read_text()
        finally:
            drive.kill()
            drive.wait()
        assert self._running is not None
        assert self._running.poll() is None, "the platform goes on"

    def _begun(self, words: list[str], said: IO[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "trassa", *words],
            cwd=self.folder,
            stdout=said,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )

    def _await(self, file: str, word: str, process: subprocess.Popen[str] | None = None) -> None:
        process = process or self._running
        assert process is not None
        end_s = time.monotonic() + PATIENCE_S
        while word not in (self.folder / file).read_text():
            assert process.poll() is None, (self.folder / file).read_text()
            assert time.monotonic() < end_s, (self.folder / file).read_text()
            time.sleep(0.1)

    def _stop(self) -> None:
        running, self._running, self.url = self._running, None, ""
        if running is not None:
            running.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                assert running.wait(60.0) == 0
            running.kill()
            running.wait()


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    someone = Reader(tmp_path)
    yield someone
    someone.close()


@pytest.mark.parametrize("page", PAGES)
def test_the_page_can_be_followed(page: str, reader: Reader, request: pytest.FixtureRequest) -> None:
    commands = [command for command in _commands(page) if not command.startswith(tuple(NOT_HERE))]
    assert commands
    _lay_out(page, commands, reader.folder, request)
    for command in commands:
        reader.follow(command)


def _lay_out(page: str, commands: list[str], folder: Path, request: pytest.FixtureRequest) -> None:
    """What the reader has: the planned project the page works on, unless it makes one, and the files that it shows."""
    named = {word for command in commands for word in shlex.split(command)}
    made = {shlex.split(command)[2] for command in commands if command.startswith("trassa init ")}
    if "a4" in made:
        place = request.getfixturevalue("shared") / "roads" / "badhersfeld_a4"
        for name in ("osm_bbox.osm.gz", "N50E008.hgt.gz", "N50E009.hgt.gz"):
            shutil.copy(place / name, folder)
    for name in {"m11", "a4", "hills"} & named - made:
        shutil.copytree(request.getfixturevalue(f"planned_{name}"), folder / name)
    if page == "docs/live.md" or (folder / "m11").exists():
        if not (folder / "m11").exists():
            shutil.copytree(request.getfixturevalue("planned_m11"), folder / "m11")
        for door in ("port = 0", "mqtt_port = 0"):  # the documented ones may be taken on this machine
            set_in(folder / "m11", "live", door)
    if "drive.csv" in named:
        drawn_drive(folder / "hills", folder / "drive.csv", offset_db=-3.0, sigma_db=6.0)
        drawn_cells(folder / "hills", folder / "cells.csv")
    (folder / "cam.uper").write_bytes(bytes.fromhex(CAM))
    (folder / "messages.jsonl").write_text(json.dumps({"uper": CAM}) + "\n", "utf-8")
    for kind, name in (("toml", "bridge.toml"), ("csv", "reads.csv")):
        if blocks := _blocks(page, kind):
            (folder / name).write_text(blocks[0], "utf-8")


def test_what_is_not_run_here_is_still_there() -> None:
    """A reason that nobody needs any more is taken off the list."""
    told = [command for page in PAGES for command in _commands(page)]
    assert [start for start in NOT_HERE if not any(command.startswith(start) for command in told)] == []
    for table in (ENDS_WITH, SAYS):
        assert [part for part in table if not any(part in command for command in told)] == []
