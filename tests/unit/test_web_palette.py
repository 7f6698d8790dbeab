"""The colours and words of the web pages: told apart by everybody, and complete in both languages."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

WEB = Path(__file__).resolve().parents[2] / "web"
PALETTE = json.loads((WEB / "src" / "palette.json").read_text("utf-8"))
WORDS = {name: json.loads((WEB / "src" / "words" / f"{name}.json").read_text("utf-8")) for name in ("en", "ru")}
MODULES = sorted([*WEB.glob("src/**/*.ts"), *WEB.glob("plugins/*.mjs")])

SIGHTS = {
    "full": np.eye(3),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                             [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                             [-0.011820, 0.042940, 0.968881]]),
    "tritanopia": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                             [0.004733, 0.691367, 0.303900]]),
}  # fmt: skip
"""Machado, Oliveira, Fernandes: A Physiologically-based Model for Simulation of Color Vision Deficiency (IEEE TVCG 15,
2009), severity 1.0, on linear RGB."""


def _linear(colour: str) -> npt.NDArray[np.float64]:
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255.0
    return np.asarray(np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4))


def _lab(linear: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """CIELAB of linear sRGB, D65 (IEC 61966-2-1 and CIE 15)."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(linear, 0.0, 1.0) / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("sight", SIGHTS)
def test_margin_classes_are_told_apart_by_everybody(sight: str) -> None:
    seen = [_lab(SIGHTS[sight] @ _linear(entry["colour"])) for entry in PALETTE["margin"]]
    for (i, one), (j, other) in itertools.combinations(enumerate(seen), 2):
        assert np.linalg.norm(one - other) > 12.0, f"{sight}: classes {i} and {j} look alike"


def test_the_less_margin_the_lighter_the_class() -> None:
    lightness = [_lab(_linear(entry["colour"]))[0] for entry in PALETTE["margin"][1:]]
    assert lightness == sorted(lightness, reverse=True)


@pytest.mark.parametrize("name", ["text", "bright", "dim"])
def test_text_is_readable_on_every_ground(name: str) -> None:
    def luminance(colour: str) -> float:
        return float(np.array([0.2126, 0.7152, 0.0722]) @ _linear(colour))

    for ground in ("ground", "panel", "raised"):
        contrast = (luminance(PALETTE[name]) + 0.05) / (luminance(PALETTE[ground]) + 0.05)
        assert contrast >= 4.5, f"{name} on {ground}: {contrast:.1f} (WCAG 2.1 asks for 4.5)"


def test_both_catalogues_have_the_same_words_with_the_same_blanks() -> None:
    assert WORDS["en"].keys() == WORDS["ru"].keys()
    for key, text in WORDS["en"].items():
        assert text.strip()
        assert WORDS["ru"][key].strip()
        assert sorted(re.findall(r"{(\w+)}", text)) == sorted(re.findall(r"{(\w+)}", WORDS["ru"][key])), key


def _is_said(key: str, source: str) -> bool:
    """Whether the pages name a word, or build it: the name of a family of words, then what comes from the data."""
    parts = key.split(".")
    families = [".".join(parts[:count]) for count in range(1, len(parts))]
    named = any(f"'{family}'" in source or f"`{family}.${{" in source for family in families)
    return named or f"'{key}'" in source or f'"{key}"' in source or f">{key}<" in source


def test_every_word_of_the_catalogue_is_said_somewhere() -> None:
    pages = [page.read_text("utf-8") for page in WEB.glob("*.html")]
    source = "\n".join([*pages, *(module.read_text("utf-8") for module in MODULES), json.dumps(PALETTE)])
    assert [key for key in WORDS["en"] if not _is_said(key, source)] == []
    assert not _is_said("nobody.says.this", source)


@pytest.mark.parametrize("module", MODULES, ids=[str(module.relative_to(WEB)) for module in MODULES])
def test_web_module_is_a_small_room(module: Path) -> None:
    assert len(module.read_text("utf-8").splitlines()) <= 320


def test_lock_file_names_no_registry_and_every_package_has_its_hash() -> None:
    packages = json.loads((WEB / "package-lock.json").read_text("utf-8"))["packages"]
    for path, package in packages.items():
        assert "resolved" not in package
        assert not path or package["integrity"].startswith("sha512-"), path
