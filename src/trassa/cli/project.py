"""init, run, show, verify: the commands that work on a whole project."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Annotated

import typer

from trassa.cli.talk import emit_json, note, table, watching

__all__ = ["register"]

_Here = Annotated[
    Path, typer.Argument(metavar="DIR", show_default=False, help="Project folder; the current one when left out.")
]
_Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


def register(app: typer.Typer) -> None:
    """Add the project commands to the root command."""
    for command in (init, run, show, verify):
        app.command()(command)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New project folder.")],
    example: Annotated[str, typer.Option(metavar="NAME", help="A bundled example: hills or m11.")] = "",
    ref: Annotated[str, typer.Option(metavar="REF", help="Road number, e.g. 'A 4'.")] = "",
    osm: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="OSM extract (.osm, .osm.gz, .osm.pbf); may repeat.")
    ] = None,
    dem: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Elevation tile (.hgt[.gz|.zip], GeoTIFF); may repeat.")
    ] = None,
    terrain_kind: Annotated[str, typer.Option(metavar="KIND", help="What the tiles show: surface or bare.")] = "",
    centreline: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A drawn centreline: GeoJSON, GeoPackage or CSV.")
    ] = None,
    schematic: Annotated[Path | None, typer.Option(metavar="FILE", help="A table of facts by kilometre (CSV).")] = None,
    road_class: Annotated[
        str, typer.Option("--class", metavar="CLASS", help="OSM highway class; default: the highest.")
    ] = "",
    profile: Annotated[str, typer.Option(metavar="NAME", help="Ready radio service for [radio].")] = "",
    band: Annotated[str, typer.Option(metavar="NAME", help="Band of the profile; default: its first.")] = "",
) -> None:
    """Make a project folder; inputs are copied into it."""
    from trassa.plan.founding import Founding, found

    founding = Founding(
        ref=ref,
        osm=tuple(osm or ()),
        dem=tuple(dem or ()),
        terrain_kind=terrain_kind,
        centreline=centreline,
        schematic=schematic,
        road_class=road_class,
        profile=profile,
        band=band,
    )
    for sentence in found(folder, example=example, founding=founding):
        note(sentence)
    note(f"next: trassa run {shlex.quote(str(folder))}")


def run(
    folder: _Here = Path(),
    only: Annotated[str, typer.Option(metavar="STAGE", help="One stage: road, radio or optical.")] = "",
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 on an estimate too.")] = False,
    as_json: _Json = False,
) -> None:
    """Plan: road, radio, optical, proof, report."""
    from trassa.plan.project import open_project
    from trassa.plan.run import run_plan

    project = open_project(folder)
    with watching() as watch:
        result = run_plan(project, watch, only=only or None)
    if as_json:
        emit_json(result.as_dict())
    else:
        typer.echo(result.headline())
        header, rows = result.claim_table()
        if rows:
            typer.echo(table(header, rows))
        for sentence in result.closing():
            typer.echo(sentence)
    raise typer.Exit(result.exit_code(strict=strict))


def show(
    folder: Annotated[
        str, typer.Argument(metavar="DIR", show_default=False, help="Project folder; the current one when left out.")
    ] = ".",
    window: Annotated[str, typer.Argument(metavar="FROM-TO", help="Kilometre labels, e.g. 350-360.")] = "",
    width: Annotated[
        int, typer.Option(metavar="COLUMNS", show_default=False, help="Width of the diagram; default: the terminal's.")
    ] = 0,
    as_json: _Json = False,
) -> None:
    """Print the straight-line diagram."""
    from trassa.plan.project import open_project
    from trassa.plan.showing import show_plan

    if not window and re.match(r"(?i)([kк][mм]\s*)?\d|[-–]", folder) and not Path(folder).exists():
        folder, window = ".", folder
    shown = show_plan(open_project(Path(folder)), window, width)
    for sentence in shown.notes:
        note(sentence)
    if as_json:
        emit_json(shown.as_dict())
    else:
        typer.echo(shown.text())


def verify(
    folder: _Here = Path(),
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 on an estimate too.")] = False,
    as_json: _Json = False,
) -> None:
    """Recompute the proof by another path and compare."""
    from trassa.plan.project import open_project
    from trassa.plan.verify import verify as verify_folder

    open_project(folder)
    with watching() as watch:
        verification = verify_folder(folder, watch("verify"))
    if as_json:
        emit_json(verification.as_dict())
    else:
        typer.echo(verification.text())
    code = verification.exit_code
    raise typer.Exit(1 if strict and verification.holds == "estimate" else code)
