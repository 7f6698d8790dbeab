"""The house rules as tests: each message is the cure."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
SOURCE = PROJECT / "src" / "trassa"
MODULES = sorted(SOURCE.rglob("*.py"))
PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])

MODULE_LINES = 320
FUNCTION_LINES = 50
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "base", "core"}
UNITS = {
    "m", "km", "mm", "deg", "rad", "mrad", "s", "ms", "us", "h", "mps", "kmh", "db", "dbm", "dbi", "dbuv", "mhz", "ghz",
    "hz", "w", "kw", "per_m", "per_km", "per_year", "minor", "percent", "a", "share", "ratio", "j", "k", "c", "years",
    "n_units", "mbps", "thz",
}  # fmt: skip
RATIOS = {
    "reliability", "share", "gradient", "z", "quantity", "gap", "stretch", "ratio", "max_gradient", "probability",
    "omega", "beta", "dual", "nu",
}  # fmt: skip


def _names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(PROJECT)) for path in paths]


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def _is_public(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    return not node.name.startswith("_")


def _has_unit(name: str) -> bool:
    parts = name.split("_")
    tails = {"_".join(parts[-n:]) for n in (1, 2, 3)}
    return bool(tails & UNITS) or name in RATIOS or parts[-1] in RATIOS


@pytest.mark.parametrize("module", MODULES, ids=_names(MODULES))
def test_module_is_a_small_room(module: Path) -> None:
    lines = len(module.read_text("utf-8").splitlines())
    assert lines <= MODULE_LINES, f"{module} has {lines} lines; find the second noun in it and give it its own module"


@pytest.mark.parametrize("module", MODULES, ids=_names(MODULES))
def test_functions_fit_a_screen(module: Path) -> None:
    for function in _functions(ast.parse(module.read_text("utf-8"))):
        lines = (function.end_lineno or 0) - function.lineno + 1
        assert lines <= FUNCTION_LINES, f"{module}:{function.lineno} {function.name} has {lines} lines; name its steps"


@pytest.mark.parametrize("module", MODULES, ids=_names(MODULES))
def test_no_drawers(module: Path) -> None:
    assert module.stem not in DRAWERS, f"{module}: name the noun this module is about"


@pytest.mark.parametrize("module", MODULES, ids=_names(MODULES))
def test_module_and_public_names_say_what_they_are(module: Path) -> None:
    tree = ast.parse(module.read_text("utf-8"))
    if tree.body:
        assert ast.get_docstring(tree), f"{module}: begin with one sentence that says what this room is for"
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and _is_public(node):
            assert ast.get_docstring(node), f"{module}:{node.lineno} {node.name}: say what it gives, with units"


@pytest.mark.parametrize("module", MODULES, ids=_names(MODULES))
def test_float_parameters_end_in_their_unit(module: Path) -> None:
    for function in _functions(ast.parse(module.read_text("utf-8"))):
        if not _is_public(function):
            continue
        for argument in [*function.args.args, *function.args.kwonlyargs]:
            if isinstance(argument.annotation, ast.Name) and argument.annotation.id == "float":
                place = f"{module}:{function.lineno} {function.name}({argument.arg})"
                assert _has_unit(argument.arg), f"{place}: end the name in its unit, or call it a ratio in this test"


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def test_no_dead_modules() -> None:
    scripts = [path for folder in ("demo", "docs", "benchmarks") for path in (PROJECT / folder).rglob("*.py")]
    imported = {path: _imported(path) for path in [*MODULES, *scripts]}
    entry = {"trassa.cli.main", "trassa.live.worker", "trassa.live.launch"}  # begun as commands of their own
    for module in MODULES:
        name = ".".join(module.relative_to(SOURCE.parent).with_suffix("").parts)
        if module.stem in ("__init__", "__main__") or name in entry:
            continue
        used = any(name in names for path, names in imported.items() if path != module)
        assert used, f"{name} is imported by nothing in the product: use it or delete it"


@pytest.mark.parametrize("page", PAGES, ids=_names(PAGES))
def test_page_has_one_title(page: Path) -> None:
    body = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    titles = re.findall(r"^# .+$", body, flags=re.MULTILINE)
    assert len(titles) == 1, f"{page} has {len(titles)} titles; a page is about one thing"


def test_migrations_are_numbered_in_turn() -> None:
    numbers = [file.name[:4] for file in sorted((SOURCE / "live" / "store" / "migrations").glob("*.sql"))]
    assert numbers == [f"{number:04d}" for number in range(1, len(numbers) + 1)], (
        f"migrations are numbered {', '.join(numbers)}: give the newest the next free number"
    )
