"""drive: simulated traffic over the planned road, scored against the truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trassa.cli.moment import drive_moment_ms
from trassa.cli.talk import emit_json, note, watching

__all__ = ["register"]

_LONGEST_MIN = 1440
_START = "2026-06-05T15:00+03:00"


def register(app: typer.Typer) -> None:
    """Add the command to the root command."""
    app.command()(drive)


def drive(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", show_default=False, help="Project folder; the current one when left out.")
    ] = Path(),
    vehicles: Annotated[int, typer.Option(metavar="N", help="Simulated vehicles.")] = 300,
    minutes: Annotated[float, typer.Option(metavar="MIN", help="Simulated minutes, 2 or more.")] = 5.0,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="The same seed gives the same score.")] = 7,
    start: Annotated[str, typer.Option(metavar="TIME", help="Simulated moment of the start, RFC 3339.")] = _START,
    lost_site: Annotated[
        list[str] | None, typer.Option(metavar="SITE", help="A radio site that is down; may repeat.")
    ] = None,
    into: Annotated[
        str, typer.Option(metavar="URL", help="Drive a running `trassa serve --allow-drive`, in real time.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Drive simulated vehicles over the planned road; exit 1 where the platform differs from the truth."""
    from trassa.live.serving import look_over
    from trassa.plan.project import open_project
    from trassa.twin.drive import DrivePlan
    from trassa.twin.drive import drive as drive_project
    from trassa.twin.into import drive_into
    from trassa.twin.verdict_text import verdict_text

    plan = DrivePlan(
        vehicles, _window_s(minutes), seed, drive_moment_ms("drive", start, _START), tuple(lost_site or ())
    )
    project = open_project(folder)
    look_over(project)
    with watching() as watch:
        if into:
            drive_into(project, plan, into, watch("drive"), note)
            return
        verdict = drive_project(project, plan, watch("drive"), note)
    if as_json:
        emit_json(verdict.as_dict())
    else:
        typer.echo(verdict_text(verdict))
    raise typer.Exit(0 if verdict.agrees else 1)


def _window_s(minutes: float) -> int:
    """Whole seconds of the simulated window; how short it may be is the scenario's to say."""
    from trassa.errors import UsageError

    if not 0.0 <= minutes <= _LONGEST_MIN:
        raise UsageError(f"drive: --minutes {minutes:g} is no length of a drive", cure=f"2 to {_LONGEST_MIN}")
    return round(minutes * 60)
