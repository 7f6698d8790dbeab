"""optical: traces of an OTDR, their events, what they show on the line, and the healthy ones that the project keeps."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from trassa.cli.talk import emit_json, note, table
from trassa.errors import UsageError

__all__ = ["register"]

_Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Planned project folder.")]
_Trace = Annotated[Path, typer.Argument(metavar="TRACE.sor", help="OTDR trace (SR-4731, version 1 or 2).")]
_Hut = Annotated[str, typer.Option("--from", metavar="HUT", help="Hut in which the OTDR stood, e.g. H-02.")]
_Fibre = Annotated[int, typer.Option(metavar="N", help="Number of the fibre in the cable.")]
_Cable = Annotated[int, typer.Option(metavar="N", help="Number of the cable, in the order in which they are planned.")]
_Remove = Annotated[
    list[str] | None, typer.Option("--remove", metavar="ID", help="Take out what has this id in the list; repeats.")
]
_Towards = Annotated[
    str, typer.Option("--to", metavar="HUT", help="Neighbouring hut, where the cable leaves on both sides.")
]
_Limit = Annotated[float, typer.Option(metavar="DB", help="Two-way loss up to which a splice is accepted.")]
_Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
_Csv = Annotated[bool, typer.Option("--csv", help="A table as CSV on stdout.")]
_Day = Annotated[datetime | None, typer.Option("--date", metavar="YYYY-MM-DD", formats=["%Y-%m-%d"], help="Day, UTC.")]
_Earlier = Annotated[
    Path | None, typer.Option(metavar="FILE.sor", help="A healthy trace of this very fibre and end: what has changed.")
]
_LIMIT_DB = 0.10


def register(app: typer.Typer) -> None:
    """Add the commands about traces to the optical commands."""
    for name, command in (
        ("locate", locate),
        ("events", events),
        ("splices", splices),
        ("baseline", baseline),
        ("baselines", baselines),
        ("repair", repair),
        ("simulate", simulate),
    ):
        app.command(name)(command)


def locate(
    folder: _Folder,
    trace: _Trace,
    hut: _Hut,
    fibre: _Fibre,
    towards: _Towards = "",
    cable: _Cable = 1,
    baseline: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE.sor", help="Healthy trace besides those kept, from the same hut; repeats."),
    ] = None,
    beside: Annotated[
        Path | None,
        typer.Option(metavar="FILE.sor", help="The same fibre at another wavelength: tells bends from splices."),
    ] = None,
    earlier: _Earlier = None,
    as_json: _Json = False,
) -> None:
    """Where a fibre breaks or bends: kilometre with an interval, chambers on either side, who notices.

    The healthy traces that the project keeps teach where its closures really lie; later ones show repairs.
    """
    from trassa.plan.optical.traces.locate import locate_trace

    given = tuple(baseline or ())
    report = locate_trace(
        folder,
        trace,
        hut=hut,
        fibre=fibre,
        towards=towards,
        cable=cable,
        baselines=given,
        beside=beside,
        earlier=earlier,
    )
    if as_json:
        emit_json(report.as_dict())
        return
    for sentence in report.sentences():
        typer.echo(sentence)


def events(
    trace: _Trace,
    index: Annotated[
        float | None, typer.Option(min=1.4, max=1.55, metavar="N", help="Also distances by this group index.")
    ] = None,
    beside: Annotated[
        Path | None, typer.Option(metavar="FILE.sor", help="The same end at 1310 nm, which tells bends.")
    ] = None,
    earlier: _Earlier = None,
    as_json: _Json = False,
    as_csv: _Csv = False,
) -> None:
    """The events of a trace, found in its samples, beside the instrument's own. Needs no project."""
    from trassa.plan.optical.traces.events import event_report

    report = event_report(trace, own_index=index, beside=beside, earlier=earlier)
    if as_json:
        emit_json(report.as_dict())
    elif as_csv:
        typer.echo(report.as_csv(), nl=False)
    else:
        typer.echo(table(*report.table()))
        for sentence in report.notes:
            note(sentence)


def splices(
    place: Annotated[Path, typer.Argument(metavar="DIR|TRACE.sor", help="Planned project, or a trace from one end.")],
    other: Annotated[Path | None, typer.Argument(metavar="[OTHER.sor]", help="The trace from the other end.")] = None,
    hut: Annotated[str, typer.Option("--from", metavar="HUT", help="With DIR: hut at one end of the span.")] = "",
    towards: _Towards = "",
    cable: _Cable = 1,
    fibre: Annotated[int | None, typer.Option(metavar="N", help="With DIR: one fibre alone.")] = None,
    limit_db: _Limit = _LIMIT_DB,
    as_built: Annotated[
        Path | None,
        typer.Option(metavar="LIST.csv", help="With DIR: this list of built plant with the means, on stdout."),
    ] = None,
    as_json: _Json = False,
    as_csv: _Csv = False,
) -> None:
    """Splices from both ends: the two-way mean of each against the limit.

    Of the fibres whose traces from both huts a project keeps, by closure; or of two files, by their events.
    """
    from trassa.plan.optical.traces.acceptance import accepted_list
    from trassa.plan.optical.traces.splices import planned_splices
    from trassa.plan.optical.traces.splices import splices as splices_of

    if other is None and not hut:
        raise UsageError("splices: one trace has one direction", cure="the trace from the other end, or DIR --from HUT")
    if other is not None and as_built is not None:
        raise UsageError("splices: --as-built needs the closures of a plan", cure="DIR --from HUT")
    if other is not None:
        report = splices_of(place, other, limit_db=limit_db)
    else:
        report = planned_splices(place, hut=hut, towards=towards, fibre=fibre, cable=cable, limit_db=limit_db)
    if as_built is not None:
        typer.echo(accepted_list(as_built, report), nl=False)
    elif as_json:
        emit_json(report.as_dict())
    elif as_csv:
        typer.echo(report.as_csv(), nl=False)
    else:
        typer.echo(table(*report.table()))


def baseline(
    folder: _Folder,
    traces: Annotated[list[Path], typer.Argument(metavar="TRACE.sor...", help="Healthy traces of one fibre.")],
    hut: _Hut,
    fibre: _Fibre,
    towards: _Towards = "",
    cable: _Cable = 1,
    day: _Day = None,
    as_json: _Json = False,
) -> None:
    """Keep healthy traces of a fibre in the project, all or none; what a repair has shifted is learned and said."""
    from trassa.plan.optical.traces.baselines import add_baselines

    taken = None if day is None else day.date()
    kept = add_baselines(folder, traces, hut=hut, fibre=fibre, towards=towards, cable=cable, day=taken)
    if as_json:
        emit_json(kept.as_dict())
        return
    typer.echo(table(*kept.table()))
    for sentence in kept.said:
        typer.echo(sentence)


def baselines(folder: _Folder, remove: _Remove = None, as_json: _Json = False) -> None:
    """The healthy traces and the repairs that a project keeps; with --remove traces go, and what they have taught."""
    from trassa.plan.optical.traces.baselines import kept_baselines, remove_baselines

    kept = remove_baselines(folder, remove) if remove else kept_baselines(folder)
    if as_json:
        emit_json(kept.as_dict())
        return
    if not remove:
        typer.echo(table(*kept.table()))
        if kept.repairs:
            typer.echo(table(*kept.repair_table()))
    for sentence in kept.said:
        typer.echo(sentence)


def repair(
    folder: _Folder,
    position: Annotated[str, typer.Argument(metavar="POSITION", help="'A 4 km 352+400'.")] = "",
    inserted_m: Annotated[
        float | None, typer.Option(metavar="M", help="Cable put in, up to 500 m; negative: taken out.")
    ] = None,
    day: _Day = None,
    cable: _Cable = 1,
    remove: _Remove = None,
    as_json: _Json = False,
) -> None:
    """Enter a repair of a cable: all behind it is that much farther away from then on; --remove takes it back."""
    from trassa.plan.optical.traces.repairs import record_repair, remove_repairs

    given = [position, inserted_m is not None, day is not None]
    if remove:
        if any(given):
            raise UsageError("repair: --remove takes back, and a place enters", cure="one command for either")
        done = remove_repairs(folder, remove)
    elif inserted_m is None or day is None or not position:
        told = "repair: where, how much and when are needed"
        raise UsageError(told, cure="DIR POSITION --inserted-m M --date YYYY-MM-DD, or DIR --remove ID")
    else:
        done = record_repair(folder, position, inserted_m=inserted_m, day=day.date(), cable=cable)
    if as_json:
        emit_json(done.as_dict())
        return
    for sentence in done.sentences():
        typer.echo(sentence)


def simulate(
    folder: _Folder,
    hut: _Hut,
    fibre: _Fibre,
    into: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.sor", help="The file to write.")],
    towards: _Towards = "",
    cable: _Cable = 1,
    break_at: Annotated[str, typer.Option("--break", metavar="POSITION", help="The fibre is broken there.")] = "",
    bend_at: Annotated[str, typer.Option("--bend", metavar="POSITION", help="The fibre is bent there.")] = "",
    loss_db: Annotated[float, typer.Option(min=0.0, max=30.0, help="Loss of the bend at 1550 nm, dB.")] = 1.0,
    repaired: Annotated[str, typer.Option("--repaired", metavar="POSITION", help="Cable was put in there.")] = "",
    inserted_m: Annotated[float, typer.Option(min=0.0, max=500.0, help="Cable put in by the repair, m.")] = 100.0,
    wavelength_nm: Annotated[float, typer.Option(min=1260.0, max=1675.0, help="Wavelength, nm.")] = 1550.0,
    pulse_ns: Annotated[float, typer.Option(min=10.0, max=20000.0, help="Pulse, ns.")] = 500.0,
    day: _Day = None,
    seed: Annotated[int, typer.Option(min=0, help="One seed lays one cable.")] = 0,
    replace: Annotated[bool, typer.Option("--replace", help="Replace FILE.sor.")] = False,
    as_json: _Json = False,
) -> None:
    """A drill: the trace that an instrument might record on a planned fibre, whole, broken, bent or repaired."""
    from trassa.plan.optical.traces.simulation import Drill, simulate_trace

    drill = Drill(break_at, bend_at, loss_db, repaired, inserted_m, wavelength_nm, pulse_ns, seed=seed)
    drill = drill.on(day.date()) if day else drill
    told = simulate_trace(folder, into, drill, hut=hut, fibre=fibre, towards=towards, cable=cable, anew=replace)
    if as_json:
        emit_json({"file": str(into), "contents": told})
        return
    for sentence in told:
        typer.echo(sentence)
