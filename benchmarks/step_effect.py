"""What the profile step hides on the serving links of a plan, by coarser and by finer steps.

    python benchmarks/step_effect.py PROJECT

PROJECT is a folder that ``trassa run`` has planned over terrain. The deduction is measured by doubling the step; this
prints beside it what halving and quartering would add, and all of it again for the links that the plan stands on, with
less than 10 dB to spare.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trassa.plan.project import open_project
from trassa.plan.verify.evidence import Evidence, read_evidence
from trassa.plan.verify.radio.antennas import antennas_of
from trassa.plan.verify.radio.bins import DueBins, due_bins
from trassa.plan.verify.radio.paths import Surroundings, losses_db
from trassa.plan.verify.radio.service import Service, deductions_of, service_of
from trassa.plan.verify.radio.surroundings import surroundings_of

FloatArray = npt.NDArray[np.float64]
_SPARE_DB = 10.0


def main() -> None:
    """Print one line for each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path)
    evidence = read_evidence(open_project(parser.parse_args().project).root)
    ground = surroundings_of(evidence)
    if not isinstance(ground, Surroundings):
        raise SystemExit("this plan has no terrain")
    due = due_bins(evidence)
    deductions = deductions_of(evidence.proof.claims[0])
    where = (antennas_of(evidence, evidence.layers["sites"]), due.receivers, due.edges, ground, evidence.settings.radio)
    service = service_of(*where, deductions)
    base_db, spare_db = _serving(evidence, due, service, ground), _margins(service)
    print(f"{len(spare_db)} serving links, step {ground.profile_step_m:.1f} m; loss beyond that step's, dB")
    print("step m   all: mean   95 %      below 10 dB to spare: mean   95 %")
    for factor in (2.0, 0.5, 0.25):
        other = replace(ground, profile_step_m=ground.profile_step_m * factor)
        more_db = _serving(evidence, due, service, other) - base_db
        tight_db = more_db[spare_db < _SPARE_DB]
        share = 0.05 if factor > 1.0 else 0.95
        cells = [more_db.mean(), np.quantile(more_db, share), tight_db.mean(), np.quantile(tight_db, share)]
        print(f"{other.profile_step_m:6.1f} {cells[0]:+11.2f} {cells[1]:+6.2f} {cells[2]:+32.2f} {cells[3]:+6.2f}")


def _margins(service: Service) -> FloatArray:
    """Margins of best and second servers, one after the other; bins without one left out."""
    margins = np.concatenate([service.best()[1], service.second()[1]])
    return margins[np.isfinite(margins)]


def _serving(evidence: Evidence, due: DueBins, service: Service, ground: Surroundings) -> FloatArray:
    """Losses of the links of :func:`_margins` at the first edge of their bins."""
    antennas = antennas_of(evidence, evidence.layers["sites"])
    links = losses_db(antennas, due.receivers, ground, evidence.settings.radio)
    table = np.full((len(antennas), len(due.receivers.measure_m)), np.nan)
    for row, (near, losses) in enumerate(links):
        table[row, near] = losses
    parts = []
    for site, margin in (service.best(), service.second()):
        known = np.isfinite(margin)
        parts.append(table[site[known], due.edges.first[known]])
    return np.concatenate(parts)


if __name__ == "__main__":
    main()
