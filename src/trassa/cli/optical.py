"""optical: single questions about a planned project's optical line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trassa.cli import optical_trace
from trassa.cli.talk import emit_json, note, table

__all__ = ["app"]

app = typer.Typer(
    help="Single questions about the optical line: a cut, a trace; the line as files.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Planned project folder.")]
_Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.callback()
def _optical() -> None:
    pass


optical_trace.register(app)


@app.command("cut")
def cut(
    folder: _Folder,
    position: Annotated[str, typer.Argument(metavar="POSITION", help="'A 4 km 352+400 →'; no arrow: every trench.")],
    as_json: _Json = False,
) -> None:
    """What a cut of the cable at a place does: who notices, what carries the traffic, and until when."""
    from trassa.plan.optical.questions import cut_line

    reports = cut_line(folder, position)
    if as_json:
        emit_json([report.as_dict() for report in reports])
        return
    for report in reports:
        for sentence in report.sentences():
            typer.echo(sentence)
        heads, rows = report.table()
        if rows:
            typer.echo(table(heads, rows))


@app.command("export")
def export(
    folder: _Folder,
    into: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for the files; made where it is missing.")],
    only: Annotated[
        list[str] | None, typer.Option(metavar="FORMAT", help="xlsx, graphml, gnpy, dxf, svg or as-built; all.")
    ] = None,
    scale: Annotated[int, typer.Option(help="Sheets of the drawing: 1 to 500, 1000, 2000 or 5000.")] = 2000,
    replace: Annotated[bool, typer.Option("--replace", help="Replace an older export in FOLDER.")] = False,
    as_json: _Json = False,
) -> None:
    """The line as files: papers (XLSX), graph (GraphML), GNPy's JSON, a drawing (DXF), strips (SVG)."""
    from trassa.plan.optical.export import export_line

    written = export_line(folder, into, only or (), replace=replace, scale=scale)
    if as_json:
        emit_json(written.as_dict())
        return
    typer.echo(table(*written.table()))
    for sentence in written.notes:
        typer.echo(sentence)


@app.command("availability")
def availability(folder: _Folder, as_json: _Json = False) -> None:
    """How long the line's ends are apart in a year, by every form, and the connections that are away longest."""
    from trassa.plan.optical.availability import line_availability

    found = line_availability(folder)
    if as_json:
        emit_json(found.as_dict())
        return
    for heads, rows in found.tables():
        typer.echo(table(heads, rows))


@app.command("protection")
def protection(
    folder: _Folder,
    parallel_km: Annotated[
        float | None, typer.Option(metavar="KM", help="Also a rented way of that length along another road.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """One cable, two in one trench, two on both sides: cost, common cause, availability, what a cut leaves."""
    from trassa.plan.optical.protection import protection_choices

    found = protection_choices(folder, parallel_km)
    if as_json:
        emit_json(found.as_dict())
        return
    typer.echo(table(*found.table()))
    for sentence in found.refused:
        note(sentence)
