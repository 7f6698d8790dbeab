"""vehicles: what vehicles and road say to each other."""

from __future__ import annotations

import codecs
import json
import string
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from trassa.cli.talk import note
from trassa.errors import InputError

__all__ = ["app"]

app = typer.Typer(help="Messages of vehicles and road.", no_args_is_help=True, rich_markup_mode=None)

_LONGEST_LINE = 65536
_KEYS = (
    "type",
    "protocol_version",
    "station_id",
    "latitude_deg",
    "longitude_deg",
    "cause_code",
    "sub_cause_code",
    "value",
)
_COLUMNS = "{:<7} {:>3}  {:>10}  {:>11}  {:>12}  {}"


@app.callback()
def _group() -> None:
    """Messages of vehicles and road (ETSI ITS)."""


@app.command()
def decode(
    source: Annotated[str, typer.Argument(metavar="FILE|HEX|-", help="A file of lines, one message in hex, or stdin.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line, also for a refused one.")] = False,
) -> None:
    """Read CAM, DENM and IVIM messages, one in each line.

    A line is the message in hex, or a JSON object that holds it under "uper". What is not accepted, an empty line too,
    stays in its place with the layer that refused it and the reason. Ends with 1 when a line was refused.
    """
    refused = 0
    for count, line in enumerate(_lines(source)):
        if not as_json and count == 0:
            _print(_COLUMNS.format("type", "ver", "station", "latitude", "longitude", "event"))
        entry, accepted = _entry(line)
        refused += not accepted
        _print(json.dumps(entry, ensure_ascii=True, separators=(",", ":")) if as_json else _row(entry))
    if refused:
        note(f"{refused} refused")
        raise typer.Exit(1)


def _entry(line: str) -> tuple[dict[str, Any], bool]:
    from trassa.vehicles.codec import decode as decode_message
    from trassa.vehicles.refusal import Refused
    from trassa.vehicles.schemas import MESSAGE_NAMES, PROTOCOL_VERSIONS

    pdu = b""
    try:
        pdu = _pdu(line)
        return decode_message(pdu).as_json(), True
    except Refused as refusal:
        entry: dict[str, Any] = {"error": refusal.reason, "layer": refusal.layer, **dict.fromkeys(_KEYS)}
    if pdu:
        entry["protocol_version"] = pdu[0]
    if pdu and pdu[0] in PROTOCOL_VERSIONS:  # another version may have another header
        entry["type"] = MESSAGE_NAMES.get(pdu[1]) if len(pdu) > 1 else None
        entry["station_id"] = int.from_bytes(pdu[2:6], "big") if len(pdu) >= 6 else None
    return entry, False


def _pdu(line: str) -> bytes:
    from trassa.vehicles.refusal import Refused

    text = line
    if not line:
        raise Refused("text", "an empty line")
    if len(line) > _LONGEST_LINE:
        raise Refused("text", f"a line of more than {_LONGEST_LINE} characters")
    if line.startswith("{"):
        try:
            text = json.loads(line)["uper"]
        except (ValueError, KeyError, RecursionError) as error:
            raise Refused("text", f'a JSON object with "uper" was expected: {type(error).__name__}') from None
    if not isinstance(text, str) or len(text) % 2 or not set(text) <= set(string.hexdigits):
        raise Refused("text", "no hexadecimal text of whole bytes")
    return bytes.fromhex(text)


def _lines(source: str) -> Iterator[str]:
    """The lines, without holding the whole file; a source that is hex itself is one line."""
    if source == "-":
        yield from _stripped(sys.stdin.buffer)
        return
    path = Path(source)
    if not _exists(path):
        if set(source) <= set(string.hexdigits):
            yield source
            return
        raise InputError(
            f"{source[:80]}: no such file, and no hex either", cure="a file, a message in hex, or - for stdin"
        )
    with path.open("rb") as file:
        yield from _stripped(file)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a long message in hex is no name of a file
        return False


def _stripped(file: Any) -> Iterator[str]:
    is_first = True
    while piece := file.readline(_LONGEST_LINE + 2):
        line = piece
        while not line.endswith(b"\n") and (line := file.readline(_LONGEST_LINE)):
            pass  # the rest of a line that is too long is read and dropped; its head is refused
        if is_first:
            piece, is_first = piece.removeprefix(codecs.BOM_UTF8), False
        yield piece.decode("utf-8", "replace").strip()


def _row(entry: dict[str, Any]) -> str:
    from trassa.vehicles.causes import describe

    shown = [entry.get(name) for name in ("type", "protocol_version", "station_id")]
    place = [entry.get(name) for name in ("latitude_deg", "longitude_deg")]
    said = ""
    if "error" in entry:
        said = f"refused ({entry['layer']}): {entry['error']}"
    elif entry["cause_code"] is not None:
        release = 1 if entry["protocol_version"] == 1 else None
        cause_code, sub_cause_code = entry["cause_code"], entry["sub_cause_code"]
        said = f"{cause_code}/{sub_cause_code} {describe(cause_code, sub_cause_code, release=release)}"
    cells = ["–" if cell is None else str(cell) for cell in shown]
    cells += ["–" if deg is None else f"{deg:.7f}" for deg in place]
    return _COLUMNS.format(*cells, said).rstrip()


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
