"""The state of the compiled functions on this machine."""

import os
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax.numpy as jnp

from neurodyn.kernels.backends import VARIABLE
from neurodyn.kernels.events import arguments as events
from neurodyn.kernels.random import noise
from neurodyn.kernels.rate import ctrnn


class Status(NamedTuple):
    """State of one compiled function.

    Attributes
    ----------
    kernel : str
        Name of the function.
    on : bool
        Whether it is used. Where it is off, plain JAX runs instead, with the same results to
        rounding.
    reason : str
        The reason why it is off; empty if it is on.
    """

    kernel: str
    on: bool
    reason: str


def status() -> list[Status]:
    """Build and test the compiled functions in single precision, and report which are in use.

    The leaky recurrence is tested with the form "rate" and the activation tanh. Its other forms and
    activations are tested when they are first used.

    Returns
    -------
    list of Status
        ``(kernel, on, reason)`` for each function.

    Examples
    --------
    >>> from neurodyn import kernels
    >>> [row.kernel for row in kernels.status()][:3]
    ['ctrnn forward', 'ctrnn backward', 'normal']
    """
    if os.environ.get(VARIABLE) == "xla":
        return [Status(name, False, f"{VARIABLE} is 'xla'.") for name in _checks()]
    found = {name: missing() for name, missing in _checks().items()}
    return [
        Status(name, reason is None, "" if reason is None else f"It needs {reason}")
        for name, reason in found.items()
    ]


def _checks() -> dict[str, Callable[[], str | None]]:
    """For each compiled function, the function that returns the reason why it is off, or None."""
    return {
        "ctrnn forward": partial(ctrnn.missing, "forward", "rate", "tanh", jnp.float32),
        "ctrnn backward": partial(ctrnn.missing, "backward", "rate", "tanh", jnp.float32),
        "normal": noise.missing,
        **{name: partial(events.missing, name, jnp.float32) for name in events.FUNCTIONS},
    }
