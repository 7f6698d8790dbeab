"""The forger's tools: change a planned project by hand, sign it anew, and see who is accused."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from trassa.plan.proof import seal_of
from trassa.plan.reseal import reseal
from trassa.plan.verify import Row, Verification, verify

__all__ = ["accused_by", "ask", "caught", "claim_in", "edit_proof", "row_of", "sql"]


def sql(root: Path, *statements: str) -> None:
    """Change plan.gpkg by hand; its triggers would need functions that a plain SQLite does not have."""
    with closing(sqlite3.connect(root / "plan.gpkg")) as database, database:
        for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{trigger}"')
        for statement in statements:
            assert database.execute(statement).rowcount > 0, f"{statement} changed nothing"


def ask(root: Path, question: str) -> list[Any]:
    """The rows that plan.gpkg answers."""
    with closing(sqlite3.connect(root / "plan.gpkg")) as database:
        return database.execute(question).fetchall()


def edit_proof(root: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change proof.json by hand and seal it again."""
    path = root / "proof.json"
    body = json.loads(path.read_text("utf-8"))
    change(body)
    body["seal"] = seal_of(body)
    path.write_text(json.dumps(body, ensure_ascii=False), "utf-8")


def claim_in(body: dict[str, Any], claim_id: str) -> dict[str, Any]:
    """A claim of a proof by its id."""
    return next(claim for claim in body["claims"] if claim["id"] == claim_id)


def row_of(verification: Verification, claim: str) -> Row:
    """The first row of a verification about a claim."""
    return next(row for row in verification.rows if row.claim == claim)


def accused_by(verification: Verification) -> set[str]:
    """The rows that do not agree."""
    return {row.claim for row in verification.rows if not row.agrees}


def caught(root: Path, *by: str) -> Verification:
    """Sign anew, verify: the hashes must be in order, and the named rows must not agree."""
    reseal(root)
    verification = verify(root)
    accused = accused_by(verification)
    assert not accused & {"inputs", "settings", "layers"}, "the forger signs well"
    assert set(by) <= accused, verification.text()
    assert verification.exit_code == 1
    return verification
