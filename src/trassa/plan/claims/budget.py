"""The worst power budget of a claim: nearer to too little light at the end of life, or to too much on the first day."""

from __future__ import annotations

from trassa.plan.claim import Worst

__all__ = ["worst_budget"]

_ROUNDING_DB = 0.002


def worst_budget(place: str, loss_db: float, limit_db: float, margin_db: float, least_loss_db: float = 0.0) -> Worst:
    """The worst place of a claim about budgets.

    Where the margin is less than the limit leaves, it is that above overload: then the first day's loss stands against
    ``least_loss_db``, the least that the receiver bears.
    """
    loss_db, limit_db, margin_db = (round(value, 3) for value in (loss_db, limit_db, margin_db))
    if margin_db >= limit_db - loss_db - _ROUNDING_DB:
        return Worst(place, loss_db, limit_db, margin_db, "dB")
    first_day_db = round(least_loss_db + margin_db, 3)
    return Worst(f"{place}, on its first day against overload", first_day_db, least_loss_db, margin_db, "dB")
