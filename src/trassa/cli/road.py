"""road: single questions about the road itself."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from trassa.cli.talk import emit_json, note, table, watching
from trassa.errors import UsageError

__all__ = ["app"]

app = typer.Typer(help="Single questions about the road.", no_args_is_help=True, rich_markup_mode=None)

_Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Project folder.")]
_Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.command(context_settings={"ignore_unknown_options": True})
def locate(
    folder: _Folder,
    place: Annotated[list[str], typer.Argument(metavar="LAT LON | POSITION", help="Degrees, or 'A 4 km 352+400'.")],
    as_json: _Json = False,
) -> None:
    """Where a point lies on the road, or a position on Earth."""
    from trassa.plan.questions import locate_place

    located = locate_place(folder, place)
    if as_json:
        emit_json(located.as_dict())
    else:
        typer.echo(located.text())


@app.command()
def posts(folder: _Folder, as_json: _Json = False) -> None:
    """The kilometre posts, accepted and rejected, with their residuals."""
    from trassa.plan.questions import list_posts

    listed = list_posts(folder)
    if as_json:
        emit_json(listed.as_dict())
        return
    header, rows = listed.table()
    typer.echo(table(header, rows) if rows else f"{listed.road.ref} has no kilometre post")
    for sentence in listed.notes:
        typer.echo(sentence)


@app.command()
def fetch(
    ref: Annotated[str, typer.Argument(metavar="REF", help="Road number, e.g. 'A 4'.")],
    into: Annotated[Path, typer.Option(metavar="DIR", help="Project folder to make, or a schematic one to survey.")],
    overpass_url: Annotated[str, typer.Option(metavar="URL", help="Overpass API to ask.")] = "",
    dem_url: Annotated[str, typer.Option(metavar="URL", help="Root of the Copernicus GLO-30 tiles.")] = "",
    near: Annotated[
        str, typer.Option(metavar="LAT,LON", help="A point near the road meant, where a ref is not unique.")
    ] = "",
) -> None:
    """Fetch a road and its terrain from the network.

    The map comes from OpenStreetMap (Overpass), the terrain from Copernicus GLO-30; a fetch that broke off resumes.
    """
    from trassa.plan.founding import found_from_network

    with watching() as watch:
        for sentence in found_from_network(ref, into, overpass_url, dem_url, _point(near), watch("fetch")):
            note(sentence)
    note(f"next: trassa run {shlex.quote(str(into))}")


def _point(text: str) -> tuple[float, float] | None:
    if not text:
        return None
    try:
        latitude_deg, longitude_deg = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"fetch: {text!r} is not LAT,LON", cure="--near 50.87,9.71") from None
    return latitude_deg, longitude_deg
