"""The power budget of a passive tree: from an OLT port over a feeder, the splitter and a branch to an ONU.

::

    hut ──feeder── 2:N splitter ──branch── place        losses of fibre, splices and connectors as a link has them,
    hut ──feeder──┘             └─branch── place        and the splitter's on top

    least loss       first-day share of the fibre's at 1550 nm + the splitter's least
    typical loss     at 1310 nm, splitter as typical
    greatest loss    end of life at 1310 nm, splitter's greatest, both with the second input

Light goes both ways over one fibre; the longer wavelength loses least, the shorter most, so both directions lie
between. The ODN loss must stay within its class: a fixed attenuator on a feeder lifts all of its branches alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trassa.optical.access.budget import LinkBudget, end_of_life_loss_db, typical_loss_db
from trassa.optical.plant.measured import Beyond
from trassa.optical.settings import OpticalSettings
from trassa.optical.tree_settings import PonClass

__all__ = ["TreeClosing", "tree_closing"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TreeClosing:
    """How one class fares on trees; arrays of shape (trees, 2, members), row 0 from the hut before, 1 from behind.

    Losses include the attenuator; ``closes`` (trees,) says whether every branch of a tree does from both huts.
    """

    first_day_loss_db: FloatArray
    typical_loss_db: FloatArray
    loss_db: FloatArray
    attenuator_db: FloatArray
    margin_db: FloatArray
    closes: npt.NDArray[np.bool_]

    @property
    def attenuators(self) -> npt.NDArray[np.int64]:
        """How many each tree needs, shape (trees,)."""
        return np.asarray((self.attenuator_db[:, :, 0] > 0.0).sum(axis=1), dtype=np.int64)

    def budget(self, tree: int, side: int, member: int) -> LinkBudget:
        """The budget of one branch from one hut."""
        columns = (self.first_day_loss_db, self.typical_loss_db, self.loss_db, self.attenuator_db, self.margin_db)
        return LinkBudget(*(float(column[tree, side, member]) for column in columns))


def tree_closing(
    pon: PonClass, split: int, fibre_m: FloatArray, splices: FloatArray, rules: OpticalSettings, beyond: Beyond
) -> TreeClosing:
    """One class on trees whose branches have that much fibre, so many splices and what was measured ``beyond``, each of
    shape (trees, 2, members)."""
    splitter, more_db = rules.trees.splitter(split), rules.trees.second_input_loss_db
    typical = typical_loss_db(fibre_m, splices, "1310", rules, beyond) + splitter.typical_loss_db + more_db
    aged = end_of_life_loss_db(fibre_m, splices, "1310", rules, beyond) + splitter.greatest_loss_db + more_db
    new_db = rules.first_day_ratio * typical_loss_db(fibre_m, splices, "1550", rules, beyond)
    first_day = new_db + splitter.least_loss_db
    short_db = pon.least_loss_db - first_day.min(axis=2, keepdims=True)
    attenuator = np.broadcast_to(np.ceil(np.maximum(short_db, 0.0)), fibre_m.shape)
    left = pon.budget_db - aged - attenuator
    above = first_day + attenuator - pon.least_loss_db
    longest_m = fibre_m * rules.helix_ratio / rules.helix_ratio_low
    closes = ((left >= 0.0) & (longest_m <= pon.reach_m)).all(axis=(1, 2))
    losses = (first_day + attenuator, typical + attenuator, aged + attenuator)
    return TreeClosing(*losses, attenuator, np.minimum(left, above), closes)
