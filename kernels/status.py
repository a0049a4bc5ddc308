"""Which kernels run as compiled functions here."""

import os
from typing import NamedTuple

import jax.numpy as jnp

from neurodyn.kernels.compiled import events as events_compiled
from neurodyn.kernels.compiled import ffi
from neurodyn.kernels.random import noise
from neurodyn.kernels.rate import ctrnn

__all__ = ["Status", "status"]


class Status(NamedTuple):
    """Whether a kernel is compiled, and if it is not, why."""

    kernel: str
    on: bool
    reason: str


def status() -> list[Status]:
    """Build and test the compiled kernels in single precision, and say which of them are used.

    The leaky recurrence stands for all its forms and activations, of which each is tested when it
    is first used.

    Returns
    -------
    list of Status
        ``(kernel, on, reason)`` for each kernel; the reason is empty where it is on.

    Examples
    --------
    >>> from neurodyn import kernels
    >>> [row.kernel for row in kernels.status()][:3]
    ['ctrnn forward', 'ctrnn backward', 'normal']
    """
    if os.environ.get(ffi.VARIABLE) == "xla":
        return [Status(name, False, f"{ffi.VARIABLE} is 'xla'.") for name in _reasons()]
    found = {name: find() for name, find in _reasons().items()}
    return [
        Status(name, reason is None, "" if reason is None else f"It needs {reason}")
        for name, reason in found.items()
    ]


def _reasons():
    """A function for each kernel that says what it misses."""

    def rate(which):
        return lambda: ctrnn.missing(which, "rate", "tanh", jnp.float32)

    def event(name):
        return lambda: events_compiled.obstacle(name, "float32")

    return {
        "ctrnn forward": rate("forward"),
        "ctrnn backward": rate("backward"),
        "normal": noise.missing,
        **{name: event(name) for name in events_compiled.NAMES},
    }
