"""What ``trassa.toml`` says about the road, its terrain and its surroundings."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["ClutterSettings", "RoadSettings", "TerrainKind", "TerrainSettings"]

TerrainKind = Literal["surface", "bare"]
"""What an elevation model shows: treetops and roofs, or the ground under them."""


class RoadSettings(BaseModel):
    """``[road]``: which road, and what it is surveyed from: ``osm``, ``centreline`` (OSM then only for surroundings) or
    ``schematic``."""

    model_config = ConfigDict(extra="forbid")

    ref: str = Field(description="The road's number as on its signs, e.g. 'A 4' or 'М-11'; blanks and hyphens are free")
    road_class: str = Field(
        default="",
        description="OSM highway class, e.g. motorway or trunk; empty: the highest class that carries the ref",
    )
    osm: list[str] = Field(default=[], description="OSM extracts (.osm, .osm.gz, .osm.pbf) in the inputs folder")
    centreline: str = Field(
        default="", description="A drawn centreline in the inputs folder: GeoJSON, GeoPackage or CSV lat,lon[,km]"
    )
    schematic: str = Field(
        default="",
        description="A table of facts by kilometre in the inputs folder: kind,name,km,km_to,lat,lon,value,source",
    )
    start_km: float | None = Field(default=None, ge=0.0, description="Label at the road's start, km")
    end_km: float | None = Field(default=None, ge=0.0, description="Label at a schematic road's end, km")
    picket_origin: str = Field(
        default="", description="Kilometre label of ПК 0+00 in this project's drawings; empty: picketage is refused"
    )
    stretch_min: float = Field(
        default=0.85, gt=0.0, lt=1.0, description="Smallest metres of road per labelled metre between two posts, ratio"
    )
    stretch_max: float = Field(
        default=1.15, gt=1.0, description="Largest metres of road per labelled metre between two posts, ratio"
    )
    post_reject_m: float = Field(
        default=150.0,
        gt=0.0,
        description="Misfit to both neighbours that no post survives by far, m; scale of the calibration",
    )
    carriageways: Literal[1, 2] = Field(
        default=2, description="How many carriageways a centreline drawn as one line stands for"
    )
    traffic: Literal["", "left", "right"] = Field(
        default="",
        description="Side of the road that traffic keeps to; empty: what both carriageways show, else right",
    )
    hole_max_m: float = Field(
        default=25_000.0,
        gt=0.0,
        description="Two pieces of a carriageway farther apart than this are two roads; the longer is planned, m",
    )
    corridor_m: float = Field(default=300.0, gt=0.0, description="Places up to this far from the road belong to it, m")
    mast_search_m: float = Field(default=2000.0, gt=0.0, description="Existing masts are taken up to this far away, m")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("osm", "centreline", "schematic") if getattr(self, name)]
        if len(given) > 1 and set(given) != {"osm", "centreline"}:
            raise ValueError(f"{' and '.join(given)} are given, a road has one source")
        if self.start_km is not None and self.end_km is not None and self.start_km >= self.end_km:
            raise ValueError(f"start_km {self.start_km:g} is not before end_km {self.end_km:g}")
        return self


class TerrainSettings(BaseModel):
    """``[terrain]``: the elevation model. Without files the road has no heights, and radio results are estimates."""

    model_config = ConfigDict(extra="forbid")

    files: list[str] = Field(
        default=[], description="Elevation tiles (.hgt, .hgt.gz, .hgt.zip, GeoTIFF) in the inputs folder"
    )
    kind: TerrainKind | None = Field(
        default=None,
        description="surface: woods and houses are in the heights; bare: they are not. Required with files",
    )
    smoothing_window_m: float = Field(
        default=500.0, gt=0.0, description="Window over which ground is smoothed to a road height, m"
    )
    max_gradient: float = Field(
        default=0.06, gt=0.0, lt=0.5, description="Steepest rise over run that the road is taken to have, ratio"
    )

    @model_validator(mode="after")
    def _kind_is_said(self) -> Self:
        if self.files and self.kind is None:
            raise ValueError('kind is required with files: "surface" (woods in the heights) or "bare"')
        return self


class ClutterSettings(BaseModel):
    """``[clutter]``: assumed heights of what stands on bare ground, and how finely it is drawn."""

    model_config = ConfigDict(extra="forbid")

    forest_m: float = Field(default=15.0, ge=0.0, description="Height of woods, m (assumed)")
    urban_m: float = Field(default=12.0, ge=0.0, description="Height of built-up areas, m (assumed)")
    suburban_m: float = Field(default=9.0, ge=0.0, description="Height of residential areas, m (assumed)")
    industrial_m: float = Field(
        default=12.0, ge=0.0, description="Height of industrial and commercial areas, m (assumed)"
    )
    orchard_m: float = Field(default=5.0, ge=0.0, description="Height of orchards, vineyards and scrub, m (assumed)")
    building_m: float = Field(default=8.0, ge=0.0, description="Height of a single mapped building, m (assumed)")
    noise_wall_m: float = Field(
        default=4.0, ge=0.0, le=30.0, description="Height of a noise wall whose height is not mapped; 0: no walls, m"
    )
    cutting_m: float = Field(
        default=5.0, ge=0.0, le=50.0, description="Height of a cutting's edge above the road; 0: none, m (assumed)"
    )
    cutting_edge_m: float = Field(
        default=15.0, gt=0.0, le=200.0, description="From a carriageway's middle to a cutting's edge, m (assumed)"
    )
    road_reserve_m: float = Field(
        default=20.0, ge=0.0, description="Open width on each side of either carriageway's line, m"
    )
    cell_m: float = Field(default=30.0, gt=0.0, description="Clutter is drawn on cells no wider than this, m")
