"""serve, doctor: the live platform, and whether this machine can carry it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trassa.cli.moment import drive_moment_ms
from trassa.cli.talk import emit_json, note, table

__all__ = ["register"]

_Here = Annotated[
    Path, typer.Argument(metavar="DIR", show_default=False, help="Project folder; the current one when left out.")
]
DRIVE_START = "2026-06-05T15:00+03:00"


def register(app: typer.Typer) -> None:
    """Add the platform's commands to the root command."""
    for command in (serve, doctor):
        app.command()(command)


def serve(
    folder: _Here = Path(),
    host: Annotated[str, typer.Option(metavar="HOST", help="Address of the web server; default: [live] host.")] = "",
    port: Annotated[
        int | None, typer.Option(metavar="PORT", min=0, max=65535, help="Its port; default: [live] port.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(metavar="FILE", help="Certificate (PEM) of the web server.")] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its key (PEM).")] = None,
    allow_drive: Annotated[
        bool, typer.Option("--allow-drive", help="Serve the book of simulated drives, for `trassa drive --into`.")
    ] = False,
    start: Annotated[
        str, typer.Option(metavar="TIME", help=f"Where the clock of --allow-drive stands; default: {DRIVE_START}.")
    ] = "",
    no_web: Annotated[bool, typer.Option("--no-web", help="Broker, store and worker only.")] = False,
    new_password: Annotated[bool, typer.Option("--new-password", help="Make a new operator password.")] = False,
) -> None:
    """Run the road: broker, store, warnings, tolls, API and web map; until Ctrl-C."""
    from trassa.errors import UsageError
    from trassa.live.book import BookName
    from trassa.live.doorway import Doorway
    from trassa.live.serving import Wish
    from trassa.live.serving import serve as serve_project
    from trassa.plan.project import open_project

    if start and not allow_drive:
        raise UsageError(
            "serve: --start sets the clock of a drive; the operator's book runs on UTC", cure="--allow-drive"
        )
    start_ms = drive_moment_ms("serve", start or DRIVE_START, DRIVE_START) if allow_drive else None
    project = open_project(folder)
    book: BookName = "drive" if allow_drive else "live"
    doorway = Doorway.of(project.settings.live, book, host=host, port=port, tls_cert=tls_cert, tls_key=tls_key)
    wish = Wish(doorway, not no_web, start_ms, new_password)
    serve_project(project, wish, say=note, announce=lambda url: typer.echo(f"ready {url}"))


def doctor(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", show_default=False, help="Project folder; may be left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Say whether this machine can serve: versions, engines, ports, fonts, room, processors, web pages."""
    from trassa.live.doctor import examine
    from trassa.plan.project import open_project

    findings = examine(open_project(folder) if folder is not None else None)
    if as_json:
        emit_json([finding._asdict() for finding in findings])
    else:
        rows = [(finding.state, finding.thing, finding.said) for finding in findings]
        typer.echo(table(("", "", ""), rows).lstrip("\n"))
    raise typer.Exit(1 if any(finding.state == "missing" for finding in findings) else 0)
