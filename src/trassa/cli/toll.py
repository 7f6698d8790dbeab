"""toll: what a tariff says, and what a journey costs; no database is needed for either."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trassa.cli.talk import emit_json, note, table
from trassa.errors import UsageError

if TYPE_CHECKING:
    from trassa.toll.rating import Held, Rating
    from trassa.toll.tariff import TariffSystem
    from trassa.toll.tariff_check import Finding

__all__ = ["app"]

app = typer.Typer(help="Single questions about tolls.", no_args_is_help=True, rich_markup_mode=None)

_Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.command()
def check(
    tariff: Annotated[str, typer.Argument(metavar="[NAME|FILE]", help="Bundled tariff or TOML file; else all.")] = "",
    as_json: _Json = False,
) -> None:
    """Look a tariff over: errors, what a person should sign off, and what has no price.

    Exit 1 if there is an error.
    """
    from trassa.toll.tariff_file import bundled_names, checked

    found: list[tuple[str, Finding]] = []
    for name in [tariff] if tariff else bundled_names():
        found += [(name, finding) for finding in checked(_path(name))[1]]
    errors = sum(finding.is_error for _, finding in found)
    if as_json:
        emit_json(
            [
                {"tariff": name, "weight": finding.weight, "place": finding.place, "text": finding.text}
                for name, finding in found
            ]
        )
    elif found:
        rows = [[name, finding.weight, finding.place, finding.text] for name, finding in found]
        typer.echo(table(["tariff", "weight", "place", "finding"], rows))
    count = f"{errors} error{'s' if errors > 1 else ''}" if errors else "no errors"
    note(f"{count} in {tariff or 'the bundled tariffs'}" if errors else count)
    if errors:
        raise typer.Exit(1)


@app.command()
def rate(
    system: Annotated[str, typer.Argument(metavar="SYSTEM", help="Bundled tariff or TOML file.")],
    start: Annotated[str, typer.Option("--from", metavar="NODE", help="Node or toll point of entry.")],
    end: Annotated[str, typer.Option("--to", metavar="NODE", help="Node or toll point of exit.")],
    at: Annotated[str, typer.Option("--at", metavar="LOCALTIME", help="Exit, 2026-06-05T12:00 in the tariff's zone.")],
    entry_at: Annotated[str, typer.Option(metavar="LOCALTIME", help="Entry; the same moment where not given.")] = "",
    vehicle_class: Annotated[str, typer.Option("--class", metavar="CLASS", help="Vehicle class.")] = "1",
    means: Annotated[str, typer.Option(metavar="MEANS", help="tag, plate or own (own fixes).")] = "plate",
    as_json: _Json = False,
) -> None:
    """What a journey costs, and why.

    Exit 1 if it has no price and a trip like it would be held.
    """
    from trassa.toll.context import TollContext
    from trassa.toll.rating import Journey, Rating
    from trassa.toll.rating import rate as rated
    from trassa.toll.tariff_file import read_tariff

    tariff = read_tariff(_path(system))
    if means not in ("tag", "plate", "own"):
        raise UsageError(f"rate: {means!r} is no means", cure="--means tag, plate or own")
    exit_ms = _moment_ms("--at", at, tariff.zone)
    entry_ms = _moment_ms("--entry-at", entry_at, tariff.zone) if entry_at else exit_ms
    if entry_ms > exit_ms:
        raise UsageError(f"rate: the entry at {entry_at} lies after the exit at {at}", cure="--entry-at before --at")
    nodes = (_node(tariff, start, is_exit=False), _node(tariff, end, is_exit=True))
    journey = Journey(*nodes, entry_ms, exit_ms, vehicle_class, means)
    result = rated(TollContext({tariff.system: tariff}), tariff.system, journey)
    if as_json:
        emit_json(_as_dict(result))
    else:
        typer.echo("\n".join(_as_text(result)))
    if not isinstance(result, Rating):
        raise typer.Exit(1)


def _path(name: str) -> Path:
    from trassa.toll.tariff_file import tariff_path

    return tariff_path(name, Path())


def _moment_ms(option: str, text: str, zone: str) -> int:
    from trassa.toll.calendar import moment_ms

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"rate: {option} {text!r} is no time", cure="write it as 2026-06-05T12:00") from None
    if moment.tzinfo is not None:
        raise UsageError(
            f"rate: {option} {text!r} has an offset", cure=f"leave it out: the tariff's own zone is {zone}"
        )
    try:
        return moment_ms(moment, zone)
    except OverflowError:
        raise UsageError(
            f"rate: {option} {text!r} in {zone} lies outside the years 1 to 9999 of UTC",
            cure="a time at which the tariff holds, as 2026-06-05T12:00",
        ) from None


def _node(tariff: TariffSystem, word: str, *, is_exit: bool) -> str:
    """The node of a name as people write it: node, alias, toll point or its name."""
    word = tariff.aliases.get(word, word)
    if word in tariff.nodes:
        return word
    for point in tariff.points:
        if word in (point.id, point.name):
            return point.section[is_exit] if point.section else point.node
    raise UsageError(f"rate: {word!r} is no place of {tariff.system}", cure=f"one of {', '.join(tariff.nodes)}")


def _as_dict(result: Rating | Held) -> dict[str, Any]:
    from trassa.toll.rating import Held

    if isinstance(result, Held):
        return {"held": result.reason, "text": result.text, "amount_minor": None}
    return {
        "held": None,
        "amount_minor": result.amount_minor,
        "currency": result.currency,
        "explanation": result.explanation,
    }


def _as_text(result: Rating | Held) -> list[str]:
    from trassa.toll.rating import Held

    if isinstance(result, Held):
        return [f"held: {result.text} ({result.reason})"]
    said = result.explanation
    tariff, time, day = said["tariff"], said["time"], said["vehicle"]
    by = f", priced as {time['kind']} by the calendar {time['calendar']}" if time["calendar"] else ""
    lines = [f"{line.start} → {line.end}  {_money(line.amount_minor)}" for line in result.lines]
    return [
        f"{_money(result.amount_minor)} {result.currency}",
        f"tariff   {tariff['system']} {tariff['version']} ({tariff['file']}, sha256 {tariff['sha256'][:12]}…)",
        f"time     {time['base']} {time['local']}: tariff date {time['tariff_date']}{by}, profile {time['profile']}",
        f"vehicle  class {day['class']}, {day['means']}: {day['payment']}",
        *(f"line     {line}" for line in lines),
    ]


def _money(amount_minor: int) -> str:
    whole, rest = divmod(amount_minor, 100)
    return f"{whole}.{rest:02d}"
