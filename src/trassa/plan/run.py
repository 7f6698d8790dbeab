"""trassa run: stages, claims, and the files that a plan consists of."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trassa.errors import UsageError
from trassa.money import Cost
from trassa.plan import store
from trassa.plan.amounts import amount_text, margin_text, range_text
from trassa.plan.bom import BomLine, write_bom
from trassa.plan.claim import Claim, Holds
from trassa.plan.claims.aggregation import aggregation_claims
from trassa.plan.claims.edge import edge_claims
from trassa.plan.claims.fronthaul import fronthaul_claims
from trassa.plan.claims.optical import optical_claims
from trassa.plan.claims.radio import radio_claims
from trassa.plan.claims.services import service_claims
from trassa.plan.folder import only_writer, replace_text, staged_outputs
from trassa.plan.project import OUTPUTS, Project, changed_inputs, write_manifest
from trassa.plan.proof import Proof
from trassa.plan.settings import settings_digest
from trassa.plan.stages import STAGES, Planned, StageName, plan_stages
from trassa.provenance import Progress, sha256_of_file, software

__all__ = ["RunResult", "run_plan"]

Watcher = Callable[[str], Progress]
_LISTED = 10
_SEAL = "outputs.json"
_WORDS: dict[Holds, str] = {"yes": "HOLDS", "no": "DOES NOT HOLD", "estimate": "ESTIMATE"}


@dataclass(frozen=True)
class RunResult:
    """What a run came to. ``proof`` is None after a single stage; ``assumed`` is the share of the cost that rests on
    shipped prices."""

    project: Project
    ref: str
    length_m: float
    stages: tuple[tuple[str, bool, float], ...]
    proof: Proof | None
    cost: Cost | None
    notes: tuple[str, ...]
    assumed_ratio: float = 0.0

    def exit_code(self, *, strict: bool) -> int:
        """1 when a claim is ``no`` (with ``strict`` also on an estimate), else 0."""
        if self.proof is None:
            return 0
        return 1 if self.proof.holds == "no" or (strict and self.proof.holds == "estimate") else 0

    def as_dict(self) -> dict[str, Any]:
        """The result as JSON."""
        outputs = {name: str(path) for name, path in self.project.outputs.items() if path.exists()}
        return {
            "road": self.ref,
            "length_km": round(self.length_m / 1000.0, 4),
            "stages": [{"stage": name, "ran": ran, "seconds": round(took_s, 2)} for name, ran, took_s in self.stages],
            "claims": [claim.as_dict() for claim in self.proof.claims] if self.proof else [],
            "holds": self.proof.holds if self.proof else None,
            "cost": self.cost.as_dict() if self.cost else None,
            "outputs": outputs,
            "notes": list(self.notes),
        }

    def headline(self) -> str:
        """The verdict in a line; its first word is ESTIMATE where it is one."""
        road = f"{self.ref}, {self.length_m / 1000:.1f} km"
        if self.proof:
            return f"{_WORDS[self.proof.holds]} · {road}"
        done = ", ".join(f"{name} {'planned' if ran else 'up to date'}" for name, ran, _ in self.stages)
        return f"{road} · {done}"

    def claim_table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows of the claims for a terminal; none after a single stage."""
        if self.proof is None:
            return [], []
        currency = self.project.settings.project.currency
        heads = ["claim", "holds", "margin", "", "worst place"]
        return heads, [_claim_row(claim, currency) for claim in self.proof.claims]

    def closing(self) -> list[str]:
        """Failures, reasons, cost and output files, a sentence each."""
        if self.proof is None:
            return _listed("note", self.notes, "trassa run --json")
        said: list[str] = []
        for claim in self.proof.claims:
            said += _listed(claim.id, claim.failures, str(self.project.outputs["proof"]))
        reasons = {reason for claim in self.proof.claims for reason in claim.method.get("estimate_because", ())}
        said += [f"estimate because: {reason}" for reason in sorted(reasons)]
        if any(reason.startswith("schematic") for reason in reasons):
            said.append(f'for a proof: trassa road fetch "{self.ref}" --into {self.project.root}')
        elif any(reason.startswith("no terrain") for reason in reasons):
            said.append(f"for a proof: elevation tiles in {self.project.inputs}, named under [terrain] in trassa.toml")
        said += _listed("note", self.notes, "trassa run --json")
        if self.cost:
            amount = f"{amount_text(self.cost.amount_minor, self.cost.currency)} (range {range_text(self.cost)})"
            basis = f"; {self.assumed_ratio:.0%} of it at assumed prices, see bom.xlsx" if self.assumed_ratio else ""
            said.append(f"cost: {amount}{basis}")
        return said + [f"{name}: {path}" for name, path in self.project.outputs.items() if path.exists()]


def run_plan(project: Project, watch: Watcher, only: str | None = None) -> RunResult:
    """Plan a project; unchanged stages are taken from the store, outputs are replaced together at the end.

    :raises InputError: something cannot be read or written, or another process plans the project.
    """
    if only is not None and only not in STAGES:
        raise UsageError(f"run: no stage {only!r}", cure=f"--only {'|'.join(STAGES)}")
    with only_writer(project.root):
        return _run(project, watch, only)


def _run(project: Project, watch: Watcher, only: StageName | None) -> RunResult:
    notes = changed_inputs(project)
    began = time.monotonic()
    planned = plan_stages(project, watch, only=only)
    stages: list[tuple[str, bool, float]] = [(name, planned.ran[name], planned.seconds[name]) for name in planned.ran]
    road = planned.road
    notes += [note for result in planned.results.values() for note in result.notes]
    if only is not None:
        return RunResult(project, road.ref, road.length_m, tuple(stages), None, None, tuple(notes))
    bom = [line for result in planned.results.values() for line in result.bom]
    cost = Cost.total((line.cost(project.settings.project.currency) for line in bom), project.settings.project.currency)
    proof = _prove(project, planned)
    wrote = _write_outputs(project, planned, proof, bom, cost, watch)
    write_manifest(project)
    stages += [("proof", wrote, 0.0), ("report", wrote, time.monotonic() - began - sum(s for *_, s in stages))]
    assumed = sum(line.cost(cost.currency).amount_minor for line in bom if line.price.assumed)
    share = assumed / max(cost.amount_minor, 1)
    return RunResult(project, road.ref, road.length_m, tuple(stages), proof, cost, tuple(notes), share)


def _prove(project: Project, planned: Planned) -> Proof:
    road, settings = planned.road, project.settings
    radio, optical = planned.results["radio"], planned.results["optical"]
    claims: list[Claim] = [
        *radio_claims(road, radio.layers, radio.figures, radio.assumptions, settings.radio),
        *optical_claims(road, optical.layers, optical.figures, optical.assumptions, settings.optical),
        *service_claims(road, optical.layers, optical.assumptions, settings.optical),
        *aggregation_claims(road, optical.layers, optical.assumptions, settings.optical),
        *edge_claims(
            road,
            optical.layers,
            optical.figures,
            optical.assumptions,
            settings.optical,
            settings.radio.latency_ms,
        ),
        *fronthaul_claims(road, {**radio.layers, **optical.layers}, optical.assumptions),
    ]
    layers = {name: layer.digest() for name, layer in planned.layers().items()}
    return Proof(
        road={"ref": road.ref, "axis": road.axis, "length_m": road.length_m, "reference": road.reference},
        claims=tuple(claims),
        figures={"radio": dict(radio.figures), "optical": dict(optical.figures), "layers": layers},
        inputs=tuple(vars(source) for source in project.sources()),
        settings_sha256=settings_digest(settings),
        software=software(),
    )


def _write_outputs(
    project: Project, planned: Planned, proof: Proof, bom: list[BomLine], cost: Cost, watch: Watcher
) -> bool:
    """Write the outputs unless those that stand there came from the same plan; gives whether it wrote."""
    from trassa.optical.layers import IN_THE_VERGE
    from trassa.plan.optical.papers import LinePapers, line_papers_bytes
    from trassa.plan.radio.stage import pattern_of
    from trassa.plan.report.render import ReportInput, render_report
    from trassa.road.exchange import write_geopackage
    from trassa.road.verge import beside

    key = store.key_of("outputs", [proof.to_json(), *(planned.results[name].digest() for name in STAGES)])
    seal = project.stages / _SEAL
    if _unchanged(project, seal, key):
        return False
    progress = watch("report")
    road, layers = planned.road, planned.layers()
    credit = project.settings.credits
    with staged_outputs(project.root) as fresh:
        (fresh / OUTPUTS["proof"]).write_text(proof.to_json(), "utf-8")
        progress(0.1)
        verge = dict.fromkeys(IN_THE_VERGE, beside(road, project.settings.optical.verge_offset_m))
        write_geopackage(fresh / OUTPUTS["geopackage"], road, layers, attribution=" ".join(credit), beside=verge)
        progress(0.6)
        write_bom(fresh / OUTPUTS["bom"], bom, layers, project.settings.project.currency)
        radio, title = project.settings.radio, project.settings.project.name or road.ref
        currency = project.settings.project.currency
        papers = LinePapers(road, layers, project.settings.optical, title, proof.holds, bom, currency)
        (fresh / OUTPUTS["line"]).write_bytes(line_papers_bytes(papers))
        progress(0.7)
        pattern = pattern_of(project, radio)
        report = ReportInput(road, layers, proof, bom, cost, title, credits=credit, radio=radio, pattern=pattern)
        (fresh / OUTPUTS["report"]).write_text(render_report(report), "utf-8")
        hashes = {name: sha256_of_file(fresh / file) for name, file in OUTPUTS.items()}
        replace_text(seal, json.dumps({"key": key, "files": hashes}))
        progress(1.0)
    return True


def _unchanged(project: Project, seal: Path, key: str) -> bool:
    try:
        kept = json.loads(seal.read_text("utf-8"))
        return kept["key"] == key and all(
            sha256_of_file(path) == kept["files"][name] for name, path in project.outputs.items()
        )
    except (OSError, ValueError, KeyError):
        return False


def _claim_row(claim: Claim, currency: str) -> list[str]:
    worst = claim.worst
    if worst.margin_unit != "minor units":
        return [claim.id, claim.holds, margin_text(worst.margin, ""), worst.margin_unit, worst.place]
    money = ["–" if v is None else amount_text(int(v), currency) for v in (worst.margin, worst.value, worst.bound)]
    margin, _, unit = money[0].rpartition(" ")
    return [claim.id, claim.holds, margin or "–", unit, f"{money[1]}, and no choice costs less than {money[2]}"]


def _listed(name: str, sentences: Sequence[str], where: str) -> list[str]:
    """The first sentences of a list, and where the rest is."""
    said = [f"{name}: {sentence}" for sentence in sentences[:_LISTED]]
    rest = len(sentences) - _LISTED
    return [*said, f"{name}: … and {rest} more, see {where}"] if rest > 0 else said
