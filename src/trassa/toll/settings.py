"""What ``trassa.toml`` says about tolls."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["TollSettings"]


class TollSettings(BaseModel):
    """``[toll]``: which tariff systems hold on this road; none means that it is free."""

    model_config = ConfigDict(extra="forbid")

    systems: list[str] = Field(
        default=[], description="Tariff systems in force: bundled names (m11-15-58) or TOML files in the inputs folder"
    )
