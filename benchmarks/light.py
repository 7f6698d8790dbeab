"""Light after every cut: GNPy on every distinct way that light takes, and the sweep of all cuts and lost huts.

    python benchmarks/light.py PROJECT [--json FILE]

PROJECT is planned and unchanged since. Timed are: loading GNPy with the line; GNPy along every distinct way, both
senses, before and after any one cut or lost hut, the library's comb and those of as many modes as it takes to find
the fastest; the sweep of every cut interval and every hut, judged by closed form. One process, one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from trassa.optical.survival import cuts_of, hut_losses_of
from trassa.optical.wavelength_tables import light_of
from trassa.optical.wdm.transmission import check_transmission
from trassa.plan.optical.questions import planned_line


def main() -> None:
    """Print the table; write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    wanted = parser.parse_args()
    figures = measured(wanted.project)
    for name, value in figures.items():
        print(f"{name:24}{value:>12,.2f}")
    if wanted.json:
        wanted.json.write_text(json.dumps(figures), "utf-8")


def measured(project: Path) -> dict[str, Any]:
    """Counts, and seconds of clock and processor."""
    plan = planned_line(project)
    lights = [light_of(line, plan.road) for line in plan.lines]
    began, cpu = time.perf_counter(), time.process_time()
    found = [check_transmission(light) for light in lights]
    gnpy_s, gnpy_cpu_s = time.perf_counter() - began, time.process_time() - cpu
    if not all(one.checked for one in found):
        raise SystemExit("GNPy is not here")
    began, cpu = time.perf_counter(), time.process_time()
    cuts = sum(len(cuts_of(line.backbone)) for line in plan.lines)
    huts = sum(len(hut_losses_of(line.backbone)) for line in plan.lines)
    return {
        "length_km": plan.road.length_m / 1000.0,
        "cables": plan.rules.cables,
        "huts": huts,
        "cut_intervals": cuts,
        "ways": sum(len(one.paths) for one in found),
        "gnpy_s": gnpy_s,
        "gnpy_cpu_s": gnpy_cpu_s,
        "sweep_s": time.perf_counter() - began,
        "sweep_cpu_s": time.process_time() - cpu,
    }


if __name__ == "__main__":
    main()
