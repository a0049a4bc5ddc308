"""What training and simulation cost, asked before they are done: see :func:`neurodyn.estimate`."""

from neurodyn.estimates.cards import CARDS, Card
from neurodyn.estimates.estimate import estimate
from neurodyn.estimates.machine import Machine, this_machine
from neurodyn.estimates.results import Estimate

__all__ = ["CARDS", "Card", "Estimate", "Machine", "estimate", "this_machine"]
