"""The toll office: reads come in, charges and their explanation go out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from trassa.live.store import charges, identities, reads
from trassa.live.web.desk import DeskOf, Refusal
from trassa.live.web.gate import BY_GANTRIES, BY_OPERATORS, PROBLEMS, ForGantries, ForOperators

__all__ = ["reads_door", "router"]

router = APIRouter(
    prefix="/api/toll", tags=["toll"], route_class=ForOperators, dependencies=BY_OPERATORS, responses=PROBLEMS
)
reads_door = APIRouter(
    prefix="/api/toll", tags=["toll"], route_class=ForGantries, dependencies=BY_GANTRIES, responses=PROBLEMS
)

_TEXT = r"^[^\x00-\x1f\x7f]+$"


class GantryRead(BaseModel):
    """One sensor's observation at a toll point. ``identity`` is what the sensor saw: a tag's or plate's text.

    Only names and kinds of the fields are checked here: a value out of bounds is rejected alone, with a receipt that
    says why, and does not hold up the batch.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    source: str
    device: str
    sequence: int | None = Field(default=None, description="the device's own count, up to 2^53")
    time_ms: int = Field(description="milliseconds of UTC")
    toll_point: str = Field(description="its id in GET /api/plan")
    means: str = Field(description="tag or plate")
    identity: str = Field(description="1 to 200 characters")
    vehicle_class: str | None = None
    movement: str = Field(default="unknown", description="entry, exit, through or unknown")


class Reads(BaseModel):
    """A batch of reads."""

    model_config = ConfigDict(extra="forbid")
    reads: list[GantryRead] = Field(min_length=1, max_length=5000)


class Identity(BaseModel):
    """One thing by which a vehicle is known."""

    model_config = ConfigDict(extra="forbid", strict=True)
    kind: Literal["tag", "plate", "own"]
    plain: str = Field(min_length=1, max_length=80, pattern=_TEXT)


class Contract(BaseModel):
    """A contract: who pays for which vehicle."""

    model_config = ConfigDict(extra="forbid", strict=True)
    contract_id: str = Field(min_length=1, max_length=80, pattern=_TEXT)
    vehicle_class: str = Field(min_length=1, max_length=20, pattern=_TEXT)
    means: Literal["tag", "plate"]
    exempt: bool = False
    identities: list[Identity] = Field(min_length=1, max_length=10)


@reads_door.post("/reads")
def accept_reads(desk: DeskOf, body: Reads) -> dict[str, Any]:
    """Accept reads: the answer comes after they are committed; the same read sent again is the same read.

    Gives ``receipts`` in the order of the reads: ``read_id``, ``fate`` (open, charged, duplicate, exempt, held or
    rejected) and, where there is one, ``reason``.
    """
    with desk.store.transaction() as database:
        receipts = reads.accept_reads(
            database,
            [read.model_dump(exclude_none=True) for read in body.reads],
            desk.platform_ms(),
            desk.identity_key,
            toll_points=desk.toll_points,
        )
    return {"receipts": [receipt.as_dict() for receipt in receipts]}


@reads_door.post("/contracts")
def register_contract(desk: DeskOf, body: Contract) -> dict[str, Any]:
    """Bind identities to a contract; the same contract again replaces what it said. Gives ``vehicle_key``."""
    with desk.store.transaction() as database:
        key = identities.register_contract(database, body.model_dump(), desk.platform_ms(), desk.identity_key)
    return {"vehicle_key": key}


@router.get("/charges")
def list_charges(
    desk: DeskOf,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 200,
    vehicle_key: Annotated[str | None, Query(max_length=128, pattern=r"^[0-9a-f]+$")] = None,
) -> dict[str, Any]:
    """The newest ``charges``, and what is ``held`` and why.

    Each has ``charge_key``, ``system``, ``vehicle_key``, ``event_time_ms``, ``entry``, ``exit``, ``entry_name``,
    ``exit_name`` (toll points; ``exit`` is null where only one was passed); a charge ``amount_minor``, ``currency``,
    ``state``, ``contract_id``; a held trip ``reason`` and ``text``.
    """
    with desk.store.transaction() as database:
        return {
            "charges": desk.named(charges.list_charges(database, vehicle_key=vehicle_key, limit=limit)),
            "held": desk.named(charges.list_held(database, vehicle_key=vehicle_key, limit=limit)),
        }


@router.get("/charges/{charge_key}")
def explain_charge(
    desk: DeskOf,
    charge_key: Annotated[str, Path(max_length=300, pattern=_TEXT)],
) -> dict[str, Any]:
    """Why this driver pays this.

    Gives the charge with ``passages``, ``explanation`` (lines, rules, tariff version), ``reads`` and ledger
    ``entries``; of a held trip ``reason`` and ``text``.
    """
    with desk.store.transaction() as database:
        explained = charges.explain_charge(database, charge_key)
    if explained is None:
        raise Refusal(404, f"there is no charge {charge_key[:80]}", cure="GET /api/toll/charges")
    return explained


@router.get("/summary")
def summary(desk: DeskOf) -> dict[str, Any]:
    """Totals of the ledger, trips by state, held ones by reason, reads by fate."""
    with desk.store.transaction() as database:
        return charges.totals(database)
