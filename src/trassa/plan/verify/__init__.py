"""``trassa verify``: every claim of a project folder computed again, by another path than the planner's.

The rooms::

    evidence      what the folder holds, and its hashes        geopackage    plan.gpkg as an SQLite database
    alignment     the road against the map                     heights       the carriageway against the tiles
    tiles, woods  terrain and clutter, sampled our own way     paths         losses by the reference kernel
    bins, service, served, sites, bound                        the radio claims
    identities, ahead, trips, told                             cells, what vehicles are told, and the words of claims
    cable, line, optical                                       the optical claims
    osnr, wavelengths                                          the signal on every way of light

Nothing of the planner is imported: settings, layer schemas, raw readers and the reference diffraction kernel only.
"""

from trassa.plan.verify.recompute import verify
from trassa.plan.verify.verdict import Row, Verification

__all__ = ["Row", "Verification", "verify"]
