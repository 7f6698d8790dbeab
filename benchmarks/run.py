"""make bench: what this machine takes for a long road, stage by stage, and ratios against peers in the same run.

    python benchmarks/run.py [--only PART,PART…] [--km 700] [--markdown FILE]

The parts are propagation, siting, long, corridor, m11, a4, light, live, ledger; all of them where none is named.

``propagation`` and ``siting`` are the two heavy parts alone, each beside a peer. ``long`` is a generated road of 700
km through every stage of ``trassa run`` and ``trassa verify``; ``corridor`` is the same road as a 5G corridor at 700
MHz: sectors, the rate beside the load, handover windows. ``m11`` and ``a4`` are the bundled example and a real road.
``live`` is a platform under 10 000 CAMs a second from 1 000 MQTT connections, with the column decoder beside asn1tools;
``ledger`` is trips to double entry; ``light`` is the M-11 with a cable on either side: GNPy on every way of light
that any one cut or lost hut leaves, and the sweep of them all. Kernels are compiled in an empty cache first, and that
time is told apart. pycraf, the peer of ``propagation``, is installed once into an environment of its own,
``bench-out/peer``, unless TRASSA_PYCRAF names an interpreter that has it; without a network its column stays empty.
Inputs are drawn once into ``bench-out/``, untimed. Figures are printed and written to ``bench-out/bench.json``.

Seconds are the clock's; beside them stand those of the processors, which other programs do not lengthen.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from long_road import CORRIDOR, long_road

PROJECT = Path(__file__).resolve().parents[1]
OUT = PROJECT / "bench-out"
KERNELS = OUT / "kernels"
SHARED = Path(os.environ.get("TRASSA_SHARED", PROJECT.parent / "shared" / "data"))
PEER, PEER_PACKAGE = OUT / "peer", "pycraf==2.1.0"
SHORT_KM = 20.0

Figures = dict[str, Any]
Row = tuple[str, str, str]


def main() -> int:
    """Measure what was asked for; 1 where a plan or its verification did not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS), help="parts, separated by commas")
    parser.add_argument("--km", type=float, default=700.0, help="length of the long road")
    parser.add_argument("--markdown", type=Path, help="write the tables of whole roads here too")
    wanted = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    figures: Figures = {"machine": machine()}
    for part in wanted.only.split(","):
        print(f"\n── {part} " + "─" * (100 - len(part)), flush=True)
        figures[part] = PARTS[part](wanted.km)
        for name, value, beside in ROWS[part](figures[part]) if figures[part] else [("shared data", "none", "")]:
            print(f"{name:34}{value:>16}   {beside}", flush=True)
    if wanted.markdown:
        wanted.markdown.write_text(markdown(figures), "utf-8")
    (OUT / "bench.json").write_text(json.dumps(figures, ensure_ascii=False, indent=1), "utf-8")
    print(f"\n{', '.join(str(value) for value in figures['machine'].values())}\n{OUT / 'bench.json'}")
    return 0 if all(_held(part) for part in figures.values()) else 1


def machine() -> Figures:
    """What the figures were measured on."""
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    libraries = {name: version(name) for name in ("numpy", "numba", "highspy")}
    return {"processor": model, "cores": os.cpu_count(), "python": platform.python_version(), **libraries}


def propagation(_: float) -> Figures:
    """Path losses per second."""
    return _script("propagation.py", "--pycraf", _peer())


def siting(length_km: float) -> Figures:
    """Least-cost siting on a straight road."""
    return _script("siting.py", "--km", str(length_km))


def long(length_km: float) -> Figures:
    """A short road twice, for the compilation; then the long one."""
    return _road(length_km, None)


def corridor(length_km: float) -> Figures:
    """The same as a 5G corridor."""
    return _road(length_km, CORRIDOR)


def _road(length_km: float, service: Mapping[str, str] | None) -> Figures:
    short, root = (long_road(OUT, km, service).root for km in (SHORT_KM, length_km))
    compiled = _compilation(short)
    return compiled | {"run": _stopwatch("run", _unplanned(root)), "verify": _stopwatch("verify", root)}


def m11(_: float) -> Figures:
    """The bundled example without terrain."""
    return _twice("m11", "--example", "m11")


def a4(_: float) -> Figures:
    """A real road of 13.5 km with its map and terrain, where the shared data is at hand."""
    place = SHARED / "roads" / "badhersfeld_a4"
    if not place.is_dir():
        return {}
    tiles = [word for tile in sorted(place.glob("*.hgt.gz")) for word in ("--dem", str(tile))]
    return _twice("a4", "--ref", "A 4", "--osm", str(place / "osm_bbox.osm.gz"), *tiles)


def light(_: float) -> Figures:
    """The M-11 with a second cable across the road, planned untimed, then its light."""
    root = OUT / "m11-light"
    shutil.rmtree(root, ignore_errors=True)
    trassa = [sys.executable, "-m", "trassa"]
    subprocess.run([*trassa, "init", str(root), "--example", "m11"], check=True, stdout=subprocess.DEVNULL)
    settings = root / "trassa.toml"
    settings.write_text(settings.read_text("utf-8").replace("# cables = 1", "cables = 2"), "utf-8")
    subprocess.run([*trassa, "run", str(root)], check=True, stdout=subprocess.DEVNULL, env=_environment())
    return _script("light.py", str(root))


def live(_: float) -> Figures:
    """A platform under a crowd; columns against asn1tools."""
    return _script("live_rate.py")


def ledger(_: float) -> Figures:
    """Reads to trips to the ledger, one COMMIT a vehicle."""
    return _script("ledger.py")


def _twice(name: str, *words: str) -> Figures:
    root = OUT / name
    shutil.rmtree(root, ignore_errors=True)
    told = subprocess.run(
        [sys.executable, "-m", "trassa", "init", str(root), *words], check=False, capture_output=True, text=True
    )
    if told.returncode:
        raise SystemExit(told.stderr)
    compiled = _compilation(root)
    return compiled | {"run": _stopwatch("run", _unplanned(root)), "verify": _stopwatch("verify", root)}


def _compilation(root: Path) -> Figures:
    """Seconds by which the first run and the first verification of a project take longer than the second ones."""
    shutil.rmtree(KERNELS, ignore_errors=True)
    cold, warm = (
        [_stopwatch("run", _unplanned(root))["total_s"], _stopwatch("verify", root)["total_s"]] for _ in range(2)
    )
    return {"compile_run_s": cold[0] - warm[0], "compile_verify_s": cold[1] - warm[1]}


def _unplanned(root: Path) -> Path:
    """The project with every trace of an earlier plan removed."""
    for path in root.iterdir():
        if path.name == "stages":
            shutil.rmtree(path)
        elif path.is_file() and path.name != "trassa.toml":
            path.unlink()
    return root


def _script(name: str, *words: str) -> Figures:
    """Run a benchmark that prints its own table and writes its figures."""
    to = OUT / f"{name}.json"
    script = str(Path(__file__).with_name(name))
    subprocess.run([sys.executable, script, *words, "--json", str(to)], check=True, env=_environment())
    figures: Figures = json.loads(to.read_text("utf-8"))
    to.unlink()
    return figures


def _stopwatch(command: str, root: Path) -> Figures:
    script = str(Path(__file__).with_name("stopwatch.py"))
    ended = subprocess.run(
        [sys.executable, script, command, str(root)], check=True, env=_environment(), stdout=subprocess.PIPE
    )
    figures: Figures = json.loads(ended.stdout)
    return figures


def _peer() -> str:
    """An interpreter that has pycraf, which is GPL-3 and never beside trassa; empty where there is none."""
    named = os.environ.get("TRASSA_PYCRAF", "")
    python = PEER / "bin" / "python"
    if named or python.exists():
        return named or str(python)
    steps = ([sys.executable, "-m", "venv", str(PEER)], [str(python), "-m", "pip", "install", "--quiet", PEER_PACKAGE])
    for step in steps:
        if subprocess.run(step, check=False).returncode:
            shutil.rmtree(PEER, ignore_errors=True)
            print(f"{PEER_PACKAGE}: not to be had here; its column stays empty")
            return ""
    return str(python)


def _environment() -> dict[str, str]:
    return {**os.environ, "NUMBA_CACHE_DIR": str(KERNELS)}


def propagation_rows(figures: Figures) -> list[Row]:
    """The script has printed its own table."""
    ratio = figures["fast_2_threads_per_s"] / figures["reference_per_s"]
    return [
        ("fast path, each of 2 threads", f"{figures['fast_2_threads_per_s']:,.0f}/s", f"{ratio:.1f} × the reference")
    ]


def siting_rows(figures: Figures) -> list[Row]:
    """The script has printed its own table."""
    return [
        ("siting alone", f"{figures['total_s']:.1f} s", f"greed pays {figures['greedy_cost_ratio']:.3f} of the cost")
    ]


def project_rows(figures: Figures) -> list[Row]:
    """Steps of run and verify, memory, paths and the siting's gap."""
    run, check, rows = figures["run"], figures["verify"], []
    for command in ("run", "verify"):
        seconds = figures[f"compile_{command}_s"]
        rows.append((f"{command}: compilation", f"{seconds:.1f} s", "empty cache; not in the times below"))
    rows += _steps("run", run)
    rows.append(("run, whole", f"{run['total_s']:.1f} s", _whole(run)))
    if run["paths"]:
        paths = run["paths"]
        rows.append(
            (
                "paths over terrain",
                f"{paths['total']:,}",
                f"{paths['heights']} heights each, {paths['mean_km']:.1f} km mean",
            )
        )
        rows.append(("paths per second", f"{paths['total_per_s']:,.0f}", "all calls, 2 threads"))
    siting_ = run["siting"]
    rows.append(("siting gap", f"{siting_['gap']:.4%}", f"{siting_['status']}, {siting_['passes']} passes"))
    by_duals = 1.0 - siting_["lp_bound_minor"] / max(siting_["cost_minor"], 1)
    rows.append(("gap by the stored duals", f"{by_duals:.4%}", f"cost {siting_['cost_minor'] / 1e8:.2f} million"))
    rows += _steps("verify", check)
    rows.append(("verify, whole", f"{check['total_s']:.1f} s", f"{_whole(check)}, {check['holds']}"))
    return rows


def _steps(command: str, figures: Figures) -> list[Row]:
    seconds, cpu = figures["seconds"], figures["cpu_seconds"]
    return [(f"{command}: {step}", f"{seconds[step]:.2f} s", f"{cpu[step]:8.2f} s of processors") for step in seconds]


def _whole(figures: Figures) -> str:
    return f"{figures['total_cpu_s']:8.1f} s of processors, peak {figures['peak_mib']:,.0f} MiB"


def markdown(figures: Figures) -> str:
    """The tables of whole roads as docs/benchmarks.md has them."""
    told = [", ".join(str(value) for value in figures["machine"].values()), ""]
    for name, part in figures.items():
        if "verify" not in part:
            continue
        run, check = part["run"], part["verify"]
        told += [f"`{name}`: {run['siting']['passes']} plans, gap {run['siting']['gap']:.4%}, {check['holds']}", ""]
        told += ["| stage | s | processors, s |", "|---|---:|---:|"]
        for command, of in (("run", run), ("verify", check)):
            told += [
                f"| {command}: {step} | {of['seconds'][step]:.1f} | {of['cpu_seconds'][step]:.1f} |"
                for step in of["seconds"]
                if of["cpu_seconds"][step] >= 0.05
            ]
            told.append(f"| **{command}, whole** | **{of['total_s']:.1f}** | **{of['total_cpu_s']:.1f}** |")
            told.append(f"| {command}: peak memory, MiB | {of['peak_mib']:,.0f} | |")
            told.append(f"| {command}: compilation in an empty cache | {part[f'compile_{command}_s']:.1f} | |")
        told.append("")
    return "\n".join(told)


def live_rows(figures: Figures) -> list[Row]:
    """The script has printed its own table."""
    load = figures["load"]
    lost = load["lost_before_broker"] + load["worker_lost"]
    return [("CAMs lost on the way", f"{lost:,}", f"of {load['cams_sent']:,}, counted on both sides")]


def ledger_rows(figures: Figures) -> list[Row]:
    """The script has printed its own line."""
    ratio = figures["settled_per_s"] / figures["commits_per_s"]
    return [
        ("vehicles settled, in batches", f"{figures['batched_per_s']:,.0f}/s", "as the platform settles"),
        ("vehicles settled, one by one", f"{figures['settled_per_s']:,.0f}/s", f"{ratio:.2f} of bare commits beside"),
    ]


def light_rows(figures: Figures) -> list[Row]:
    """The script has printed its own table."""
    told = f"{figures['ways']} ways on {figures['length_km']:.0f} km, {figures['cables']} cables"
    told += f", {figures['gnpy_cpu_s']:.1f} s of processors"
    return [
        ("GNPy on every way of light", f"{figures['gnpy_s']:.1f} s", told),
        ("sweep", f"{figures['sweep_s']:.2f} s", f"{figures['cut_intervals']} cuts, {figures['huts']} huts lost"),
    ]


def _held(part: Figures) -> bool:
    return "verify" not in part or part["verify"]["exit_code"] == 0


PARTS = {"propagation": propagation, "siting": siting, "long": long, "corridor": corridor}
PARTS |= {"m11": m11, "a4": a4, "light": light}
PARTS |= {"live": live, "ledger": ledger}
ROWS = {
    "propagation": propagation_rows,
    "siting": siting_rows,
    "long": project_rows,
    "corridor": project_rows,
    "m11": project_rows,
    "a4": project_rows,
    "light": light_rows,
    "live": live_rows,
    "ledger": ledger_rows,
}


if __name__ == "__main__":
    sys.exit(main())
