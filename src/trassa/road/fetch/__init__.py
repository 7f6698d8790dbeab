"""Fetching a road from the network: OpenStreetMap by Overpass, terrain by Copernicus; resumable, cached, attributed."""

from trassa.road.fetch.assemble import COPERNICUS_URL, OVERPASS_URL, FetchedRoad, fetch_road

__all__ = ["COPERNICUS_URL", "OVERPASS_URL", "FetchedRoad", "fetch_road"]
