"""Tables of reads with one mistake each: the error names the table, the line, the value and the cure."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from command_line import trassa
from trassa.errors import InputError
from trassa.live.reads_file import reads_in

HEAD = "source,device,time,toll_point,means,identity"


@pytest.mark.parametrize("time", ["²", "--5", "1²", "٣"])
def test_a_time_that_only_looks_like_digits_is_told_with_its_line(time: str) -> None:
    with pytest.raises(InputError, match=r"^reads\.csv, line 2: time '.+' is none\. Try: 2026-06-05T15:00"):
        list(reads_in([HEAD, f"a,b,{time},c,plate,d"], "reads.csv"))


@pytest.mark.parametrize(
    ("time", "time_ms"), [("-5", -5), ("1780662600000", 1_780_662_600_000), ("9" * 18, 10**18 - 1)]
)
def test_milliseconds_are_taken_as_they_stand(time: str, time_ms: int) -> None:
    [(line, read)] = reads_in([HEAD, f"a,b,{time},c,plate,d"], "reads.csv")
    assert (line, read["time_ms"]) == (2, time_ms)


@pytest.mark.parametrize("column", ["identity", "sequence"])
def test_a_column_that_stands_twice_is_refused(column: str) -> None:
    with pytest.raises(InputError, match=f"^reads.csv: column {column} stands 2 times"):
        list(reads_in([f"{HEAD},sequence,{column}", "a,b,5,c,plate,d,1,2"], "reads.csv"))


def test_bytes_on_stdin_that_are_not_utf8_are_told_as_those_of_a_file_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = f"{HEAD}\na,b,5,c,plate,А123\n".encode("cp1251")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(table), "utf-8"))
    piped = trassa("toll", "post", tmp_path, "-").refused(3)
    (tmp_path / "reads.csv").write_bytes(table)
    filed = trassa("toll", "post", tmp_path, "reads.csv", cwd=tmp_path).refused(3)
    assert "error: stdin: is not UTF-8" in piped
    assert piped == filed.replace("reads.csv", "stdin")
