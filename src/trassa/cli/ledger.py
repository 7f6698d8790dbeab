"""toll post, charges, explain, audit: what was seen, what it cost and why, and the proof that the ledger is right."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TextIO, cast

import typer

from trassa.cli.talk import emit_json, note, table, watching
from trassa.errors import InputError, UsageError

if TYPE_CHECKING:
    from trassa.live.book import Book
    from trassa.live.ledger_room import LedgerRoom
    from trassa.live.secrets import Secrets

__all__ = ["register"]

_SHOWN = 12
"""Hexadecimal digits of a charge key's last part that are shown: two alike among a million are a chance in 500."""

_Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Project folder.")]
_Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
_BookName = Annotated[str, typer.Option("--book", metavar="BOOK", help="live, or drive: the last simulated drive.")]


def register(app: typer.Typer) -> None:
    """Add the commands that need the ledger to the toll commands."""
    for command in (post, charges, explain, audit):
        app.command()(command)


def post(
    folder: _Folder,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="CSV of reads; - reads stdin.")],
    book: _BookName = "live",
    as_json: _Json = False,
) -> None:
    """Post gantry reads from a table.

    Reported is what is committed. Columns: source, device, time, toll_point, means, identity and, where known,
    sequence, vehicle_class, movement.
    """
    from trassa.live.reads_file import post_reads, reads_in

    with _lines(file) as lines:
        reads = list(reads_in(lines, _name(file)))  # a table with a mistake in it posts nothing
    with _room(folder, book, create=True) as (room, its_book):
        posted = post_reads(room, its_book, reads)
    if as_json:
        emit_json(posted.as_dict())
    else:
        said = ", ".join(f"{count} {fate}" for fate, count in sorted(posted.fates.items()))
        typer.echo(f"{posted.fates.total()} reads committed: {said or 'none'}")
        for line, reason in posted.rejected:
            typer.echo(f"line {line} rejected: {reason}")
        settled = f"{posted.charges} charges changed" if posted.is_settled else "the running platform settles them"
        typer.echo(settled)


def charges(
    folder: _Folder,
    last: Annotated[int, typer.Option(metavar="N", min=1, max=100_000, help="At most so many, the latest first.")] = 50,
    book: _BookName = "live",
    as_json: _Json = False,
) -> None:
    """List charges and held trips, the latest first.

    The first column is what `toll explain` takes.
    """
    from trassa.clock import rfc3339
    from trassa.live.store.charges import list_charges, list_held

    with _room(folder, book, create=False) as (room, _), room.store.transaction() as connection:
        charged, held = list_charges(connection, limit=last), list_held(connection, limit=last)
        names = {ident: point.name for ident, point in room.context.points.items()}
    if as_json:
        emit_json({"charges": charged, "held": held})
        return
    lines = [
        (row, f"{_money(row['amount_minor'])} {row['currency']}" if row["state"] == "charged" else "reversed")
        for row in charged
    ] + [(row, f"held: {row['reason']}") for row in held]
    lines.sort(key=lambda line: (-line[0]["event_time_ms"], line[0]["charge_key"]))
    rows = [
        [
            row["charge_key"].rpartition(":")[2][:_SHOWN],
            rfc3339(row["event_time_ms"]),
            row["system"],
            " → ".join(names.get(end, end) for end in (row["entry"], row["exit"]) if end) or "–",
            said,
        ]
        for row, said in lines[:last]
    ]
    typer.echo(table(["charge", "time", "system", "way", "amount"], rows))


def explain(
    folder: _Folder,
    charge: Annotated[str, typer.Argument(metavar="CHARGE", help="Charge key, or a beginning of its last part.")],
    book: _BookName = "live",
    as_json: _Json = False,
) -> None:
    """Why this driver pays this; or why a trip is held."""
    from trassa.live.store.charges import explain_charge, find_charge

    with _room(folder, book, create=False) as (room, _), room.store.transaction() as connection:
        explained = explain_charge(connection, find_charge(connection, charge)) or {}
        names = {ident: point.name for ident, point in room.context.points.items()}
    if as_json:
        emit_json(explained)
    else:
        typer.echo("\n".join(_as_text(explained, names)))


def audit(folder: _Folder, book: _BookName = "live", as_json: _Json = False) -> None:
    """Recompute every charge from the acknowledged reads and compare it with the ledger.

    Exit 1 on any difference.
    """
    from trassa.live.audit import audit as audited

    with _room(folder, book, create=False) as (room, _), watching() as watcher:
        result = audited(room.store, room.context, watcher("audit"))
    if as_json:
        emit_json(result.as_dict())
    else:
        reads = result.totals["reads"]
        typer.echo(table(["reads", "count"], [[fate, str(count)] for fate, count in reads.items()]))
        for row in result.totals["charged"]:
            typer.echo(f"charged  {_money(row['amount_minor'])} {row['currency']} in {row['charges']} charges")
        trips = result.totals["trips"]
        typer.echo(f"trips    {trips['charged']} charged, {trips['held']} held, {trips['open']} open")
        for reason, count in result.totals["held"].items():
            typer.echo(f"held     {count} {reason}")
        typer.echo(f"ledger   {result.entries} entries, head {result.head}")
        if result.pending:
            typer.echo(f"pending  {result.pending} vehicles are not settled yet and were not compared")
        if aside := result.totals["set_aside"]:
            typer.echo(f"aside    {aside} vehicles cannot be settled: see below, and the log of the worker")
        for difference in result.differences:
            typer.echo(f"DIFFERS  {difference}")
        typer.echo(f"{len(result.differences)} differences" if result.differences else "no differences")
    if result.differences:
        raise typer.Exit(1)


@contextlib.contextmanager
def _room(folder: Path, book: str, *, create: bool) -> Iterator[tuple[LedgerRoom, Book]]:
    from trassa.live.book import Book
    from trassa.live.ledger_room import open_ledger
    from trassa.live.roadway import Roadway
    from trassa.plan.project import open_project

    if book not in ("live", "drive"):
        raise UsageError(f"toll: there is no book {book!r}", cure="--book live or drive")
    project = open_project(folder)
    its_book = Book(project.root, cast(Literal["live", "drive"], book))
    with open_ledger(Roadway.of(project), its_book, create=create and book == "live", tell=_tell_password) as room:
        yield room, its_book


def _tell_password(_secrets: Secrets, password: str) -> None:
    note(f"operator password, shown once: {password}")


@contextlib.contextmanager
def _lines(file: str) -> Iterator[TextIO]:
    try:
        with _opened(file) as lines:
            yield lines
    except UnicodeDecodeError as error:
        raise InputError(
            f"{_name(file)}: is not UTF-8 ({error.reason} at byte {error.start})", cure="save it as UTF-8"
        ) from None


def _opened(file: str) -> TextIO:
    if file == "-":
        return io.TextIOWrapper(sys.stdin.buffer, "utf-8-sig", newline="")
    try:
        return open(file, encoding="utf-8-sig", newline="")
    except OSError as error:
        raise InputError(f"post: {file}: {error.strerror}", cure="a table of reads (CSV), or - for stdin") from None


def _name(file: str) -> str:
    return "stdin" if file == "-" else file


def _as_text(said: dict[str, Any], names: dict[str, str]) -> list[str]:
    head = {
        "charged": f"{_money(said['amount_minor'])} {said['currency']}",
        "held": f"held: {said['text']} ({said['reason']})",
        "open": "open: the trip is not over",
        "reversed": "reversed: the reads now say something else",
    }[said["state"]]
    lines = [f"charge   {said['charge_key']}", head, f"system   {said['system']}"]
    lines.append(
        f"vehicle  {said['vehicle_key']}" + (f", contract {said['contract_id']}" if said["contract_id"] else "")
    )
    for passage in said["passages"] or ():
        how = " (not seen, inferred)" if passage.get("seen") == "inferred" else ""
        lines.append(f"passage  {passage['time']}  {_named(passage['toll_point'], names)}{how}")
    if said["explanation"]:
        lines += _arithmetic(said["explanation"], names)
    for read in said["reads"]:
        lines.append(
            f"read     {read['read_id']}  {read['means']} at {read['toll_point']} by {read['source']}/{read['device']}:"
            f" {read['fate']}"
        )
    for entry in said["entries"]:
        lines.append(f"entry    {entry['id']} {entry['kind']}, hash {entry['hash']}")
        lines += [
            f"           {posting['account']}  {_money(posting['amount_minor'])} {posting['currency']}"
            for posting in entry["postings"]
        ]
    return lines


def _arithmetic(said: dict[str, Any], names: dict[str, str]) -> list[str]:
    tariff, moment, vehicle, sums = said["tariff"], said["time"], said["vehicle"], said["arithmetic"]
    by = f", priced as {moment['kind']} by calendar {moment['calendar']}" if moment["calendar"] else ""
    lines = [
        f"tariff   {tariff['name']}, version {tariff['version']} from {tariff['from']}",
        f"         {tariff['file']}, sha256 {tariff['sha256']}",
        f"         {tariff['source']}",
        f"time     {moment['base']} {moment['local']}: tariff date {moment['tariff_date']}{by},"
        f" profile {moment['profile']}",
        f"class    {vehicle['class']}, {vehicle['means']}: {vehicle['payment']}",
    ]
    for line in sums["lines"]:
        price = f"{line['price']} × {sums['price_unit_minor']} minor"
        less = f", less discount {sums['discount']}" if sums["discount"] != "0" else ""
        lines.append(
            f"line     {line['from']} → {line['to']}: {price}{less} = {line['exact_minor']},"
            f" rounded {sums['rounding']}: {_money(line['amount_minor'])}"
        )
    if unseen := said["way"]["sections_not_seen"]:
        lines.append(f"free     not seen, so not charged: {', '.join(' → '.join(pair) for pair in unseen)}")
    return [*lines, f"rules    {', '.join(said['rules'])}"]


def _named(toll_point: str, names: dict[str, str]) -> str:
    return f"{names[toll_point]} ({toll_point})" if toll_point in names else toll_point


def _money(amount_minor: int) -> str:
    whole, rest = divmod(abs(amount_minor), 100)
    return f"{'−' if amount_minor < 0 else ''}{whole}.{rest:02d}"
