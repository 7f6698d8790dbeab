"""radio: single questions about radio paths, drive tests and the radio of a planned project."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from trassa.cli.talk import emit_json, note, table, watching
from trassa.errors import UsageError

__all__ = ["app"]

app = typer.Typer(
    help="Single questions about radio: paths, drive tests, the radio of a planned project.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_POLARISATIONS = {"h": False, "v": True}

_Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Planned project folder.")]
_Position = Annotated[str, typer.Argument(metavar="POSITION", help="'A 4 km 352+400 →', or 'LAT LON'.")]
_Columns = Annotated[
    list[str] | None, typer.Option(metavar="NAME=HEADER", help="A column by its header, e.g. rsrp_dbm=RSRP; repeats.")
]
_Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


@app.callback()
def _radio() -> None:
    pass


@app.command("path-loss")
def path_loss(
    profile: Annotated[str, typer.Argument(metavar="PROFILE|-", help="Path profile as ITU-R exchanges them; - stdin.")],
    frequency_mhz: Annotated[float, typer.Option(metavar="MHZ", help="30…6000.")],
    time_percent: Annotated[float, typer.Option(metavar="%", help="Loss not exceeded for so long: 1…50.")],
    tx_height_m: Annotated[float, typer.Option(metavar="M", help="Transmitter's antenna above ground: 1…3000.")],
    rx_height_m: Annotated[float, typer.Option(metavar="M", help="Receiver's antenna above ground: 1…3000.")],
    location_percent: Annotated[float, typer.Option(metavar="%", help="At so many places: 1…99.")] = 50.0,
    polarisation: Annotated[str, typer.Option(metavar="h|v", help="Horizontal or vertical.")] = "v",
    dn: Annotated[
        float | None, typer.Option(metavar="N/KM", help="Refractivity lapse rate; else the file's, else 45.")
    ] = None,
    n0: Annotated[
        float | None, typer.Option(metavar="N", help="Sea-level surface refractivity; else the file's, else 325.")
    ] = None,
    sea_tx_km: Annotated[
        float | None, typer.Option(metavar="KM", help="Transmitter to coast over land; else 500, and 0 at sea.")
    ] = None,
    sea_rx_km: Annotated[float | None, typer.Option(metavar="KM", help="Receiver to coast, likewise.")] = None,
    sigma_location_db: Annotated[float, typer.Option(metavar="DB", help="Standard deviation between places.")] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Basic transmission loss of one path by ITU-R P.1812, with every intermediate value.

    The names of intermediates are those of the published validation logs, label@reference: 'htc (m)' by 'Eq (37a)' is
    htc@37a, 'w' by 'Table 5' is w@Table 5, 'd (km)' without a reference is d. Lbulla, Lbulls and Ldsph are those of
    the pass over three Earth radii, as in the logs. The field strength is that of 1 kW e.r.p.
    """
    from trassa.radio.p1812 import Wave
    from trassa.radio.path_profile import parse_path_profile, read_path_profile
    from trassa.radio.path_question import Air
    from trassa.radio.path_question import path_loss as answer

    if polarisation not in _POLARISATIONS:
        raise UsageError(f"path-loss: {polarisation!r} is no polarisation", cure="--polarisation h or v")
    read = parse_path_profile(sys.stdin.buffer.read(), "stdin") if profile == "-" else read_path_profile(Path(profile))
    vertical = _POLARISATIONS[polarisation]
    wave = Wave(frequency_mhz / 1000.0, time_percent, location_percent, sigma_location_db, vertical)
    found = answer(read, (tx_height_m, rx_height_m), wave, Air(dn, n0, sea_tx_km, sea_rx_km))
    for sentence in found.notes:
        note(sentence)
    if as_json:
        emit_json(found.as_dict())
        return
    typer.echo(table(*found.table()))
    typer.echo(found.text())


@app.command("drive-test")
def drive_test(
    place: Annotated[Path, typer.Argument(metavar="FOLDER|CSV", help="Folder of sessions, or a table of readings.")],
    column: _Columns = None,
    cells: Annotated[Path | None, typer.Option(metavar="CSV", help="Cells of the network, for a CSV.")] = None,
    cell_column: _Columns = None,
    operator: Annotated[str, typer.Option(metavar="NAME", help="One operator of a folder; else all.")] = "",
    as_json: _Json = False,
) -> None:
    """What a drive test says by itself: law of distance, error where it was not used, sigma and its correlation."""
    from trassa.radio.drive_answer import drive_test_answer
    from trassa.radio.mapped_table import column_mapping

    mappings = column_mapping(column or ()), column_mapping(cell_column or ())
    answer = drive_test_answer(place, mappings[0], cells, mappings[1], operator)
    for sentence in answer.notes:
        note(sentence)
    if as_json:
        emit_json(answer.as_dict())
        return
    typer.echo(table(*answer.table()))
    typer.echo(answer.text())


@app.command()
def calibrate(
    folder: _Folder,
    readings: Annotated[Path, typer.Argument(metavar="CSV", help="Table of readings taken on the road.")],
    column: _Columns = None,
    as_json: _Json = False,
) -> None:
    """A drive test against a plan: offset and sigma of its levels, and the settings that prove it anew."""
    from trassa.plan.radio.calibration import calibrate as calibrated
    from trassa.radio.mapped_table import column_mapping

    answer = calibrated(folder, readings, column_mapping(column or ()))
    for sentence in answer.notes:
        note(sentence)
    if as_json:
        emit_json(answer.as_dict())
        return
    typer.echo(table(*answer.along_table()))
    typer.echo()
    typer.echo(table(*answer.table()))
    typer.echo()
    typer.echo(answer.text())


@app.command()
def ahead(
    folder: _Folder,
    position: _Position,
    speed_kmh: Annotated[float, typer.Option(metavar="KM/H", help="Speed that is kept.")],
    for_s: Annotated[
        float | None, typer.Option(metavar="S", help="So far ahead in time; 60 if neither is said.")
    ] = None,
    for_m: Annotated[float | None, typer.Option(metavar="M", help="So far ahead along the road.")] = None,
    rate_down_mbps: Annotated[float | None, typer.Option(metavar="MBPS", help="Downlink rate needed.")] = None,
    rate_up_mbps: Annotated[float | None, typer.Option(metavar="MBPS", help="Uplink rate needed.")] = None,
    reliability: Annotated[float | None, typer.Option(metavar="Q", help="Probability needed, 0.95.")] = None,
    as_json: _Json = False,
) -> None:
    """Where on the way ahead the connection falls short. Without a need, that which the project promises."""
    from trassa.plan.radio.questions import ask_ahead

    answer = ask_ahead(
        folder,
        position,
        speed_kmh=speed_kmh,
        for_s=for_s,
        for_m=for_m,
        rate_down_mbps=rate_down_mbps,
        rate_up_mbps=rate_up_mbps,
        reliability=reliability,
    )
    note(answer.note)
    if as_json:
        emit_json(answer.ahead.as_dict())
        return
    header, rows = answer.ahead.table()
    if rows:
        typer.echo(table(header, rows))
    typer.echo(answer.ahead.text())


@app.command()
def coverage(
    folder: _Folder,
    into: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for the files; made where it is missing.")],
    step_m: Annotated[
        float, typer.Option(metavar="M", help="Step of the grid, near a multiple of the terrain's.")
    ] = 100.0,
    half_width_m: Annotated[float, typer.Option(metavar="M", help="How far beside the road.")] = 2000.0,
    as_json: _Json = False,
) -> None:
    """Coverage as files: rsrp.tif, best_server.tif, best_server.tab and coverage.kmz."""
    from trassa.plan.radio.coverage import write_coverage

    with watching() as watch:
        written = write_coverage(folder, into, step_m, half_width_m, watch("coverage"))
    if as_json:
        emit_json(written.as_dict())
        return
    typer.echo(table(*written.table()))
    typer.echo(written.text())


@app.command()
def explain(folder: _Folder, position: _Position, as_json: _Json = False) -> None:
    """Who serves a place, every decibel of it, what fails with which site down, and what would cure it."""
    from trassa.plan.radio.explain import explain_place

    answer = explain_place(folder, position)
    if as_json:
        emit_json(answer.as_dict())
        return
    if answer.cells:
        typer.echo(table(*answer.table()))
    typer.echo(answer.text())
