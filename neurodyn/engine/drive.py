"""Drives: the inputs of a system, and signals to make them of.

A signal is a plain array ``(time, ...)`` with one row per step; row k is held during step k, that
is from ``k dt`` to ``(k + 1) dt``.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np

from neurodyn.common.arrays import refuse_units
from neurodyn.engine.signals import (
    diffusion_from_std,
    ornstein_uhlenbeck,
    pulses,
    ramp,
    std_from_step_noise,
    step,
)
from neurodyn.engine.trains import poisson, spike_counts
from neurodyn.system import Drive

__all__ = [
    "Drive",
    "as_drive",
    "diffusion_from_std",
    "ornstein_uhlenbeck",
    "poisson",
    "pulses",
    "ramp",
    "spike_counts",
    "std_from_step_noise",
    "step",
]


def as_drive(inputs: Any) -> Drive:
    """The inputs as a drive: arrays, and lists of numbers, become its ``input``."""
    if isinstance(inputs, Drive):
        return inputs
    refuse_units("`inputs`", inputs)
    if isinstance(inputs, (list, tuple)):
        inputs = np.asarray(inputs)
    if getattr(getattr(inputs, "dtype", None), "kind", "f") in "iub":
        inputs = inputs.astype(jnp.result_type(float))
    return Drive(input=inputs)
