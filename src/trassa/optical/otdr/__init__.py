"""The OTDR room: from a trace file to events, from events to a place on the road with an interval.

::

    read_sor ─► event_table ─┬─► calibrated / next_epoch ─► located       fibre metres to route metres, and chambers
    (.sor)      (samples)    ├─► changes                                  what differs from the last trace
                             ├─► two_way_losses, two_way_events           closures from both ends
                             └─► bends                                    two wavelengths
    laid_cable ─► simulated_trace ─► sor_bytes                            drills

Every distance is time of travel at one stated group index; the planned line comes in as a :class:`FibrePath`.
"""

from __future__ import annotations

from trassa.optical.otdr.alignment import Pairing, paired
from trassa.optical.otdr.averaging import TwoWayLoss, two_way_events, two_way_losses
from trassa.optical.otdr.bends import Bend, bends
from trassa.optical.otdr.calibration import Calibration, Prior, calibrated, matched, uncalibrated
from trassa.optical.otdr.comparison import Change, changes
from trassa.optical.otdr.detection import DetectionRules, event_table
from trassa.optical.otdr.epochs import Repair, is_shown, mended, next_epoch
from trassa.optical.otdr.events import EventTable, FibreEvent
from trassa.optical.otdr.fibre_path import FibrePath, FibrePlace, planned_path
from trassa.optical.otdr.locator import Location, located
from trassa.optical.otdr.simulation import Instrument, LaidCable, SimulatedEvent, laid_cable, simulated_trace
from trassa.optical.otdr.sor_reader import read_sor, trace_of
from trassa.optical.otdr.sor_writer import sor_bytes
from trassa.optical.otdr.trace import ReportedEvent, Trace, fibre_m

__all__ = [
    "Bend",
    "Calibration",
    "Change",
    "DetectionRules",
    "EventTable",
    "FibreEvent",
    "FibrePath",
    "FibrePlace",
    "Instrument",
    "LaidCable",
    "Location",
    "Pairing",
    "Prior",
    "Repair",
    "ReportedEvent",
    "SimulatedEvent",
    "Trace",
    "TwoWayLoss",
    "bends",
    "calibrated",
    "changes",
    "event_table",
    "fibre_m",
    "is_shown",
    "laid_cable",
    "located",
    "matched",
    "mended",
    "next_epoch",
    "paired",
    "planned_path",
    "read_sor",
    "simulated_trace",
    "sor_bytes",
    "trace_of",
    "two_way_events",
    "two_way_losses",
    "uncalibrated",
]
