"""The toll office: reads come in, charges and their explanation go out."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from trassa.live.store import charges, identities, reads
from trassa.live.web.desk import Desk, DeskOf, OperatorName, Refusal, desk_of

__all__ = ["router"]

router = APIRouter(prefix="/api/toll", tags=["toll"])

_TEXT = r"^[^\x00-\x1f\x7f]+$"
_BIGINT = 2**63 - 1


class GantryRead(BaseModel):
    """One sensor's observation at a toll point. ``identity`` is what the sensor saw: a tag's or plate's text."""

    model_config = ConfigDict(extra="forbid", strict=True)
    source: str = Field(min_length=1, max_length=80, pattern=_TEXT)
    device: str = Field(min_length=1, max_length=80, pattern=_TEXT)
    sequence: int | None = Field(default=None, ge=0, le=_BIGINT)
    time_ms: int = Field(ge=0, le=253_402_300_799_999)
    toll_point: str = Field(min_length=1, max_length=80, pattern=_TEXT)
    means: Literal["tag", "plate"]
    identity: str = Field(min_length=1, max_length=80, pattern=_TEXT)
    vehicle_class: str | None = Field(default=None, min_length=1, max_length=20, pattern=_TEXT)
    movement: Literal["entry", "exit", "through", "unknown"] = "unknown"


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


@router.post("/reads")
def accept_reads(request: Request, body: Reads) -> dict[str, Any]:
    """Accept reads: the answer comes after they are committed; the same read sent again is the same read."""
    desk = _reads_door(request)
    with desk.store.transaction() as database:
        receipts = reads.accept_reads(
            database,
            [read.model_dump(exclude_none=True) for read in body.reads],
            desk.platform_ms(),
            desk.identity_key,
            toll_points=desk.toll_points,
        )
    return {"receipts": [receipt.as_dict() for receipt in receipts]}


@router.post("/contracts")
def register_contract(request: Request, body: Contract) -> dict[str, Any]:
    """Bind identities to a contract; the same contract again replaces what it said."""
    desk = _reads_door(request)
    with desk.store.transaction() as database:
        key = identities.register_contract(database, body.model_dump(), desk.platform_ms(), desk.identity_key)
    return {"vehicle_key": key}


@router.get("/charges")
def list_charges(
    desk: DeskOf,
    _operator: OperatorName,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 200,
    vehicle_key: Annotated[str | None, Query(max_length=128, pattern=r"^[0-9a-f]+$")] = None,
) -> dict[str, Any]:
    """The newest charges, with what is held and why."""
    with desk.store.transaction() as database:
        return {
            "charges": charges.list_charges(database, vehicle_key=vehicle_key, limit=limit),
            "held": charges.list_held(database, vehicle_key=vehicle_key, limit=limit),
        }


@router.get("/charges/{charge_key}")
def explain_charge(
    desk: DeskOf,
    _operator: OperatorName,
    charge_key: Annotated[str, Path(max_length=300, pattern=_TEXT)],
) -> dict[str, Any]:
    """Why this driver pays this."""
    with desk.store.transaction() as database:
        explained = charges.explain_charge(database, charge_key)
    if explained is None:
        raise Refusal(404, f"there is no charge {charge_key[:80]}", cure="GET /api/toll/charges")
    return explained


@router.get("/summary")
def summary(desk: DeskOf, _operator: OperatorName) -> dict[str, Any]:
    """Totals of the ledger and the fate of every read."""
    with desk.store.transaction() as database:
        return charges.totals(database)


def _reads_door(request: Request) -> Desk:
    """Gantries come with their key, operators with their session."""
    desk = desk_of(request)
    if not desk.holds_reads_key(request) and desk.operator_of(request) is None:
        raise Refusal(401, "this needs the key of the gantries", cure="Authorization: Bearer <reads_key>")
    return desk
