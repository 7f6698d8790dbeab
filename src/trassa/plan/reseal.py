"""Signing a project folder anew, as a forger would.

Every hash in the proof only detects accidents. This brings them all in line with whatever the folder holds now, so
that tests and the demonstration can show what is left to catch a forger: ``trassa verify`` computing it again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from trassa.plan.proof import seal_of
from trassa.plan.settings import read_settings, settings_digest
from trassa.plan.verify.geopackage import read_layers
from trassa.provenance import Source

__all__ = ["reseal"]


def reseal(project_dir: Path) -> None:
    """Bring manifest, input hashes, settings hash, layer hashes and seal in line with the files as they are."""
    inputs = project_dir / "inputs"
    sources = [vars(Source.of(path)) for path in sorted(inputs.iterdir()) if path.name != "manifest.json"]
    (inputs / "manifest.json").write_text(json.dumps(sources, ensure_ascii=False, indent=1) + "\n", "utf-8")
    digests = {name: layer.digest() for name, layer in read_layers(project_dir / "plan.gpkg").items()}
    path = project_dir / "proof.json"
    body: dict[str, Any] = json.loads(path.read_text("utf-8"))
    for claim in body["claims"]:
        for evidence in claim["evidence"]:
            evidence["sha256"] = digests.get(evidence["layer"], evidence["sha256"])
    if "layers" in body["figures"]:
        body["figures"]["layers"] = {name: digests[name] for name in body["figures"]["layers"] if name in digests}
    named = {str(source["name"]) for source in body["inputs"]}
    body["inputs"] = [source for source in sources if source["name"] in named]
    body["settings_sha256"] = settings_digest(read_settings(project_dir / "trassa.toml"))
    body["seal"] = seal_of(body)
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", "utf-8")
