"""What acts on a system from outside, one step at a time."""

import equinox as eqx
from jaxtyping import PyTree

__all__ = ["Drive"]


class Drive(eqx.Module):
    """Everything a system receives at one step; absent parts are None.

    Attributes
    ----------
    input
        The task's input, ``(input,)``.
    target
        What the output should be, for online learning and teacher forcing, ``(output,)``.
    gate
        Gates of online learning rules.
    current
        Extra input straight into the units, ``(unit,)``, in the unit of the summed input.
    """

    input: PyTree = None
    target: PyTree = None
    gate: PyTree = None
    current: PyTree = None
