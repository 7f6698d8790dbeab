"""trassa vehicles decode: one answer for each line, in order, accepted or not."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from command_line import Finished, trassa
from random_messages import RandomMessages
from trassa.vehicles.codec import decode


@pytest.fixture
def cam() -> str:
    return RandomMessages(2).cam_pdu().hex()


def _answers(done: Finished) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.out.splitlines()]


def test_a_message_on_the_command_line(cam: str) -> None:
    done = trassa("vehicles", "decode", cam, "--json")
    assert done.code == 0
    assert _answers(done) == [decode(bytes.fromhex(cam)).as_json()]
    assert trassa("vehicles", "decode", cam.upper(), "--json").out == done.out


def test_every_line_has_its_answer(cam: str, tmp_path: Path) -> None:
    old, other, half = "00" + cam[2:], cam[:2] + "04" + cam[4:], cam[:40]
    said = ["not hex", cam[:-1], old, other, half, cam + "00", '{"uper": 5}', "{broken", '{"hex": "00"}', "[]"]
    lines = [cam, "", *said, json.dumps({"uper": cam, "source": "drawn"})]
    (tmp_path / "lines").write_text("\r\n".join(lines), "utf-8")
    done = trassa("vehicles", "decode", tmp_path / "lines", "--json")
    answers = _answers(done)
    assert done.code == 1
    assert "11 refused" in done.err
    assert answers[0] == answers[-1] == decode(bytes.fromhex(cam)).as_json()
    layers = ["text", "text", "text", "header", "type", "length", "trailing", "text", "text", "text", "text"]
    assert [answer["layer"] for answer in answers[1:-1]] == layers
    assert all(answer["error"] for answer in answers[1:-1])
    assert answers[1]["error"] == "an empty line"
    assert all(answer.keys() == {"error", "layer", *(answers[0].keys())} for answer in answers[1:-1])
    assert (answers[4]["protocol_version"], answers[4]["type"], answers[4]["station_id"]) == (0, None, None), (
        "the header of another protocolVersion is not guessed"
    )
    assert (answers[5]["type"], answers[5]["station_id"]) == ("SPATEM", answers[0]["station_id"])


def test_lines_from_standard_input(cam: str) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(f"\ufeff{cam}\n{cam}".encode()))
    with mock.patch.object(sys, "stdin", stdin):
        done = trassa("vehicles", "decode", "-", "--json")
    assert done.code == 0
    assert len(_answers(done)) == 2


def test_a_line_without_end_is_refused_and_the_next_one_read(cam: str, tmp_path: Path) -> None:
    (tmp_path / "long").write_text("0" * 300_000 + "\n" + cam + "\n", "utf-8")
    answers = _answers(trassa("vehicles", "decode", tmp_path / "long", "--json"))
    assert [answer.get("layer") for answer in answers] == ["text", None]


def test_a_table_for_people(tmp_path: Path) -> None:
    drawn = RandomMessages(4, plain_share=0.0)
    (tmp_path / "denm").write_text(f"{drawn.denm_pdu().hex()}\n{drawn.denm_pdu(1).hex()}\n02\n", "utf-8")
    done = trassa("vehicles", "decode", tmp_path / "denm")
    head, new, old, refused = done.out.splitlines()
    assert head.split() == ["type", "ver", "station", "latitude", "longitude", "event"]
    assert (new.split()[:2], old.split()[:2]) == (["DENM", "2"], ["DENM", "1"])
    assert "refused (length): 1 bytes; the header alone has 6" in refused


@pytest.mark.parametrize("source", ["no-such-file", "abcx"])
def test_a_source_that_is_nothing(source: str, tmp_path: Path) -> None:
    assert "no such file, and no hex either" in trassa("vehicles", "decode", source, cwd=tmp_path).refused()


def test_a_folder_is_no_source(tmp_path: Path) -> None:
    trassa("vehicles", "decode", tmp_path).refused()


def test_an_empty_file_has_no_answer(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("", "utf-8")
    done = trassa("vehicles", "decode", tmp_path / "empty")
    assert (done.code, done.out) == (0, "")
