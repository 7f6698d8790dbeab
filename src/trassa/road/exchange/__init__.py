"""Exchange formats: the only home of GDAL (pyogrio for vectors, rasterio for grids), speaking layers and lattices."""

from trassa.road.exchange.geopackage import layer_names, read_layer, write_geopackage
from trassa.road.exchange.raster import HEIGHT_RANGE_M, Raster, read_raster, read_raster_lattice, write_raster

__all__ = [
    "HEIGHT_RANGE_M",
    "Raster",
    "layer_names",
    "read_layer",
    "read_raster",
    "read_raster_lattice",
    "write_geopackage",
    "write_raster",
]
