"""Run or verify a project as the command line does, and say where the time went: one JSON document on stdout.

    python benchmarks/stopwatch.py run|verify DIR

The product is not changed: the functions named here are wrapped from outside. Times are exclusive: what a step spends
in another named step counts there. ``rest`` is everything else, imports and start of the interpreter among it.
Beside the clock's seconds stand those of the processors, which other programs on the machine do not lengthen.
"""

from __future__ import annotations

import time

BEGUN, BEGUN_CPU = time.perf_counter(), 0.0

import functools  # noqa: E402
import importlib  # noqa: E402
import json  # noqa: E402
import resource  # noqa: E402
import sys  # noqa: E402
from collections import defaultdict  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

STEPS = {
    "run": {
        "road": ("trassa.plan.road_stage:run",),
        "ground": ("trassa.plan.radio.stage:ground_of",),
        "losses": ("trassa.radio.site_search:SiteSearch.sample",),
        "siting, solver": (
            "trassa.radio.site_search:solve_siting",
            "trassa.radio.site_search:missing_servers",
            "trassa.radio.site_search:mended",
        ),
        "siting, rows and rounds": ("trassa.radio.site_search:SiteSearch.find",),
        "field and recount": (
            "trassa.radio.settling:without_surplus",
            "trassa.radio.settling:field_of",
            "trassa.radio.plan:field_of",
            "trassa.radio.plan:necessities",
        ),
        "allowances": ("trassa.radio.settling:measured", "trassa.radio.settling:inside_bins"),
        "beside the load": (
            "trassa.radio.joint_service:JointJudge.judge",
            "trassa.radio.settling:cuts_for",
            "trassa.radio.settling:without_idle",
            "trassa.radio.interference:_Draws.margins_db",
        ),
        "cells and trips": ("trassa.radio.plan:cell_plan",),
        "together against noise": ("trassa.radio.joint_service:JointJudge.diversity",),
        "ahead": ("trassa.radio.plan:ahead_layer",),
        "radio, rest": ("trassa.plan.radio.stage:run",),
        "optical": ("trassa.plan.optical.stage:run",),
        "stage store": ("trassa.plan.store:save", "trassa.plan.store:load"),
        "proof": ("trassa.plan.run:_prove",),
        "geopackage": ("trassa.road.exchange:write_geopackage",),
        "outputs, rest": ("trassa.plan.run:_write_outputs",),
    },
    "verify": {
        "hashes": ("trassa.plan.verify.recompute:read_evidence", "trassa.plan.verify.recompute:check_evidence"),
        "road": ("trassa.plan.verify.recompute:check_road",),
        "ground": ("trassa.plan.verify.recompute:surroundings_of",),
        "heights": ("trassa.plan.verify.recompute:check_heights",),
        "sites and bins": (
            "trassa.plan.verify.recompute:due_bins",
            "trassa.plan.verify.recompute:check_sites",
            "trassa.plan.verify.recompute:check_offer",
            "trassa.plan.verify.recompute:check_bins",
        ),
        "losses again": ("trassa.plan.verify.recompute:losses_db", "trassa.plan.verify.recompute:service_on"),
        "beside the load": ("trassa.plan.verify.recompute:RateDraws.on_bins",),
        "served": ("trassa.plan.verify.recompute:check_served",),
        "middles of bins": ("trassa.plan.verify.recompute:check_middles",),
        "allowances": ("trassa.plan.verify.recompute:check_allowances",),
        "cost and bound": ("trassa.plan.verify.recompute:check_least_cost",),
        "optical": ("trassa.plan.verify.recompute:check_optical",),
    },
}


class Stopwatch:
    """Exclusive seconds by step."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.cpu_seconds: defaultdict[str, float] = defaultdict(float)
        self._running: list[str] = []
        self._since, self._since_cpu = BEGUN, BEGUN_CPU

    @property
    def running(self) -> str:
        """The step that the time counts for now."""
        return self._running[-1] if self._running else "rest"

    def _lap(self) -> None:
        now, now_cpu = time.perf_counter(), time.process_time()
        self.seconds[self.running] += now - self._since
        self.cpu_seconds[self.running] += now_cpu - self._since_cpu
        self._since, self._since_cpu = now, now_cpu

    def stop(self) -> None:
        """End the measurement."""
        self._lap()

    def wrap(self, step: str, place: str) -> None:
        """Time the function at ``module:name``, or ``module:class.name``, under a step."""
        module, names = place.split(":")
        *owners, name = names.split(".")
        owner = functools.reduce(getattr, owners, importlib.import_module(module))
        timed: Callable[..., Any] = getattr(owner, name)

        @functools.wraps(timed)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self._lap()
            self._running.append(step)
            try:
                return timed(*args, **kwargs)
            finally:
                self._lap()
                self._running.pop()

        setattr(owner, name, wrapped)


class Paths:
    """Counts the paths over terrain by step, and the seconds that they take."""

    def __init__(self, watch: Stopwatch) -> None:
        from trassa.radio import paths

        self._watch, self._links_of = watch, paths.terrain_links
        self._count: defaultdict[str, int] = defaultdict(int)
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._largest: tuple[Any, Any] | None = None
        paths.terrain_links = self._counted

    def _counted(self, *args: Any, **kwargs: Any) -> Any:
        begun = time.perf_counter()
        links = self._links_of(*args, **kwargs)
        self._seconds[self._watch.running] += time.perf_counter() - begun
        self._count[self._watch.running] += len(links)
        if self._largest is None or len(links) > len(self._largest[1]):
            self._largest = (args, links)
        return links

    def told(self) -> dict[str, Any]:
        """Counts, rates, and heights and mean length of the paths in the largest lot."""
        if self._largest is None:
            return {}
        from pyproj import Geod

        (_, place_lat, place_lon, _, _, point_lat, point_lon, *_), links = self._largest
        some = slice(None, None, max(1, len(links) // 20_000))
        place, point = links.place[some], links.receiver[some]
        _, _, away_m = Geod(ellps="WGS84").inv(place_lon[place], place_lat[place], point_lon[point], point_lat[point])
        rates = {step: self._count[step] / self._seconds[step] for step in self._count}
        total = sum(self._count.values())
        return {
            "count": dict(self._count),
            "per_s": rates,
            "total": total,
            "total_per_s": total / sum(self._seconds.values()),
            "heights": links.loss_db.shape[1],
            "mean_km": float(away_m.mean()) / 1000.0,
        }


def main() -> None:
    """Measure one command."""
    command, root = sys.argv[1], Path(sys.argv[2])
    watch = Stopwatch()
    for step, places in STEPS[command].items():
        for place in places:
            watch.wrap(step, place)
    paths = Paths(watch)
    told = planned(root) if command == "run" else verified(root)
    watch.stop()
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    steps = {step: watch.seconds[step] for step in (*STEPS[command], "rest")}
    cpu = {step: watch.cpu_seconds[step] for step in steps}
    body = {"seconds": steps, "cpu_seconds": cpu, "total_s": sum(steps.values()), "total_cpu_s": sum(cpu.values())}
    body |= {"peak_mib": peak_mib, "paths": paths.told(), **told}
    json.dump(body, sys.stdout, ensure_ascii=False)


def planned(root: Path) -> dict[str, Any]:
    """Plan a project as ``trassa run`` does; the siting's figures, and digests that show whether results changed."""
    from trassa.plan.project import open_project
    from trassa.plan.run import run_plan

    proof = run_plan(open_project(root), lambda step: lambda share: None).proof
    assert proof is not None
    siting, layers = proof.figures["radio"]["siting"], proof.figures["layers"]
    return {"siting": siting, "claims": {claim.id: claim.holds for claim in proof.claims}, "layers": layers}


def verified(root: Path) -> dict[str, Any]:
    """Verify a project as ``trassa verify`` does."""
    from trassa.plan.verify import verify

    verification = verify(root)
    return {"holds": verification.holds, "exit_code": verification.exit_code}


if __name__ == "__main__":
    main()
