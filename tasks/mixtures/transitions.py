"""How a condition goes from trial to trial in a session: blocks, or a law of one's own."""

from neurodyn.tasks.mixtures.blocks import Blocks
from neurodyn.tasks.mixtures.transition import AbstractTransition

__all__ = ["AbstractTransition", "Blocks"]
