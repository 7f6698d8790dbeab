"""The command ``trassa``: parses, calls, prints. Engines are imported only when a command needs them."""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

import trassa
from trassa.cli import drive, ledger, optical, project, radio, road, serve, toll, vehicles
from trassa.errors import TrassaError

__all__ = ["app", "main"]

app = typer.Typer(
    name="trassa",
    help="Plan, drive and run connected roads: radio sites and the roadside optical line with the proof that they are"
    " enough; simulated drives over the plan; vehicles, warnings and tolls live.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
project.register(app)
drive.register(app)
serve.register(app)
app.add_typer(road.app, name="road")
app.add_typer(radio.app, name="radio")
app.add_typer(optical.app, name="optical")
ledger.register(toll.app)
app.add_typer(toll.app, name="toll")
app.add_typer(vehicles.app, name="vehicles")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"trassa {trassa.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; errors that the user can mend are one line on stderr and the exit code they name."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="trassa")
    except TrassaError as error:
        _stop(str(error), error.exit_code)
    except OSError as error:
        _stop(f"{error.filename or 'file system'}: {error.strerror or error}", 3)
    except KeyboardInterrupt:
        _stop("interrupted", 130)
    except MemoryError:
        _stop("not enough memory", 3)


def _stop(message: str, exit_code: int) -> None:
    print(f"error: {message}", file=sys.stderr)  # noqa: T201 - the one place that talks about failure
    sys.exit(exit_code)
