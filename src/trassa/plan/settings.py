"""trassa.toml: the sections of the trades, composed; unknown keys are refused with the nearest known one."""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from trassa.errors import ConfigError, InputError
from trassa.optical.settings import OpticalSettings
from trassa.plan.live_settings import LiveSettings
from trassa.radio.settings import RadioSettings
from trassa.road.settings import ClutterSettings, RoadSettings, TerrainSettings
from trassa.toll.settings import TollSettings
from trassa.vehicles.settings import VehiclesSettings

__all__ = ["ProjectSettings", "Settings", "parse_settings", "read_settings", "settings_digest"]

SHIPPED_CURRENCY = "EUR"


class ProjectSettings(BaseModel):
    """[project]: what concerns the project as a whole."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(default="", description="Title of the plan; empty: the road's ref")
    map_credit: str = Field(
        default="© OpenStreetMap contributors, ODbL 1.0",
        description="Credit that the map data asks for; stands in the report and in every table of plan.gpkg",
    )
    currency: str = Field(default="EUR", pattern="^[A-Z]{3}$", description="ISO 4217 code of every price")


class Settings(BaseModel):
    """The whole of trassa.toml."""

    model_config = ConfigDict(extra="forbid")

    project: ProjectSettings = Field(default_factory=ProjectSettings)
    road: RoadSettings
    terrain: TerrainSettings = Field(default_factory=TerrainSettings)
    clutter: ClutterSettings = Field(default_factory=ClutterSettings)
    radio: RadioSettings = Field(default_factory=RadioSettings)
    optical: OpticalSettings = Field(default_factory=OpticalSettings)
    vehicles: VehiclesSettings = Field(default_factory=VehiclesSettings)
    toll: TollSettings = Field(default_factory=TollSettings)
    live: LiveSettings = Field(default_factory=LiveSettings)

    @property
    def credits(self) -> list[str]:
        """What is owed to whom for the map data; nothing where the road came from no map."""
        return [self.project.map_credit] if self.road.osm else []


def read_settings(path: Path) -> Settings:
    """Read and check a trassa.toml.

    :raises InputError: the file is missing or is not TOML.
    :raises ConfigError: a key is unknown or a value lies outside its bounds.
    """
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"project: {path} does not exist", cure=f"trassa init {path.parent}") from None
    except UnicodeDecodeError:
        raise InputError(f"project: {path} is not UTF-8 text", cure="save it as UTF-8") from None
    return parse_settings(text, name=str(path))


def parse_settings(text: str, *, name: str = "trassa.toml") -> Settings:
    """Check the text of a trassa.toml; ``name`` stands in the messages."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"project: {name} is not TOML ({error})", cure="mend the line it names") from None
    for place, value in _numbers(tree, ""):
        if not math.isfinite(value):
            raise ConfigError(f"{name}: {place} = {value} is not a finite number", cure=f"mend {place} in trassa.toml")
    try:
        settings = Settings.model_validate_json(json.dumps(tree, default=str), strict=True)
    except ValidationError as error:
        raise _config_error(error, name) from None
    _require_one_currency(settings, name)
    return settings


def settings_digest(*sections: BaseModel) -> str:
    """SHA-256 over the values of settings sections, independent of layout and comments of the file."""
    sha = hashlib.sha256()
    for section in sections:
        sha.update(section.model_dump_json().encode())
    return sha.hexdigest()


def _config_error(error: ValidationError, name: str) -> ConfigError:
    """The first complaint about settings as one sentence; an unknown key goes before what it leaves missing."""
    details = sorted(error.errors(), key=lambda detail: detail["type"] != "extra_forbidden")
    return _told(details[0], name)


def _told(detail: ErrorDetails, name: str) -> ConfigError:
    place = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        known = _known_keys(detail["loc"][:-1])
        nearest = difflib.get_close_matches(str(detail["loc"][-1]), known, n=1, cutoff=0.0)
        return ConfigError(f"{name}: unknown key {place}", cure=f"{nearest[0]}" if nearest else "remove it")
    if detail["type"] == "missing":
        kind = "the section [road] with a ref" if place == "road" else f"{place} = …"
        return ConfigError(f"{name}: {place} is missing", cure=f"add {kind}")
    value: Any = detail["input"]
    said = detail["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if detail["type"].startswith("model_"):
        said = "should be a section with keys of its own"
    shown = "" if isinstance(value, dict) else f" = {_as_toml(value)}"
    return ConfigError(f"{name}: {place}{shown}: {said[:1].lower()}{said[1:]}", cure=f"mend {place} in trassa.toml")


def _as_toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _numbers(tree: Any, place: str) -> Iterator[tuple[str, float]]:
    """Every floating-point number of a TOML tree with its dotted name."""
    if isinstance(tree, float):
        yield place, tree
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in pairs:
        yield from _numbers(value, f"{place}.{key}" if place else str(key))


def _require_one_currency(settings: Settings, name: str) -> None:
    """Shipped prices are in euro: a project in another currency must give all of its own."""
    if settings.project.currency == SHIPPED_CURRENCY:
        return
    trades = {"radio": settings.radio.prices, "optical": settings.optical.prices}
    shipped = [
        f"{trade}.prices.{key}"
        for trade, prices in trades.items()
        for key in type(prices).model_fields
        if key not in prices.model_fields_set
    ]
    if settings.radio.tunnel.served:
        own = settings.radio.tunnel.prices
        shipped += [f"radio.tunnel.prices.{key}" for key in type(own).model_fields if key not in own.model_fields_set]
    if settings.radio.antenna.kind == "omni":  # nothing of the plan is priced by it
        shipped = [key for key in shipped if key != "radio.prices.sector"]
    if "transceivers" not in settings.optical.model_fields_set:
        shipped.append("optical.transceivers")
    if shipped:
        raise ConfigError(
            f"{name}: project.currency = {settings.project.currency!r}, but the shipped price of {shipped[0]} "
            f"({len(shipped)} such) is in {SHIPPED_CURRENCY}",
            cure=f"give every price of [radio], [optical] and its transceivers in {settings.project.currency}",
        )


def _known_keys(loc: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = Settings
    for part in loc:
        if not isinstance(part, str) or part not in model.model_fields:
            continue
        annotation = model.model_fields[part].annotation
        candidates = [annotation, *get_args(annotation)]
        inner = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
        model = inner[0] if inner else model
    return list(model.model_fields)
