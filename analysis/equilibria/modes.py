"""Modes of Jacobians: eigenvalues, eigenvectors and stability."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float

#: Condition number of the eigenvectors above which left ones mean nothing in double precision.
_DEFECTIVE = 1e13
#: Real part [relative to the largest modulus] below which a direction neither grows nor decays.
NEUTRAL = 1e-9
STABILITY = ("stable", "saddle", "unstable", "neutral")
#: Variables in which infinity is a value: a neutral mode lasts for ever, and one of a map with the
#: eigenvalue 0 is gone after a step.
MAY_BE_INFINITE = (
    "growth_rate",
    "timescale",
    "next_timescale",
    "initial_growth_rate",
    "final_growth_rate",
)


class Modes(NamedTuple):
    """Eigenvalues and eigenvectors of Jacobians, the fastest growing first.

    Attributes
    ----------
    values
        Eigenvalues.
    right, left
        Eigenvectors, as columns: the right ones of length 1, the left ones such that the product
        of a left with its right one is 1. NaN where there is no basis of eigenvectors.
    """

    values: Complex[np.ndarray, "point d"]
    right: Complex[np.ndarray, "point d d"]
    left: Complex[np.ndarray, "point d d"]


def modes_of(jacobian: Float[np.ndarray, "point d d"], is_map: bool) -> Modes:
    """Eigenvalues and eigenvectors, sorted by how fast they grow."""
    values, right = np.linalg.eig(jacobian)
    values, right = values.astype(np.complex128), right.astype(np.complex128)
    growth = np.abs(values) if is_map else values.real
    # Of a pair the one with the positive frequency is first.
    order = np.lexsort([-values.imag, -growth.round(12), -growth.round(9)], axis=-1)
    values = np.take_along_axis(values, order, -1)
    right = np.take_along_axis(right, order[:, None, :], -1)
    # Signs and phases are arbitrary: the largest entry of each is positive.
    largest = np.take_along_axis(right, np.abs(right).argmax(1)[:, None, :], 1)
    right = right * (np.abs(largest) / np.where(largest == 0, 1, largest))
    left = np.full_like(right, np.nan)
    with np.errstate(all="ignore"):
        whole = np.linalg.cond(right) < _DEFECTIVE if len(right) else np.zeros(0, bool)
    if whole.any():
        left[whole] = np.linalg.inv(right[whole]).transpose(0, 2, 1)
    return Modes(values, right, left)


def stability_of(values: Complex[np.ndarray, "point d"], is_map: bool):
    """Words for the stability of each point, and the number of its growing directions."""
    with np.errstate(divide="ignore"):
        growth = np.log(np.abs(values)) if is_map else values.real
    size = 1.0 if is_map else np.abs(values).max(-1, initial=0.0)[:, None]
    neutral = (np.abs(growth) <= NEUTRAL * size).any(-1)
    above = growth > NEUTRAL * size
    which = np.select([neutral, ~above.any(-1), above.all(-1)], [3, 0, 2], 1)
    return np.array(STABILITY)[which], above.sum(-1)


def mode_variables(
    jacobian: Float[np.ndarray, "point d d"],
    is_map: bool,
    dt: float | None,
    lead: tuple[str, ...],
    dim: str,
    origin: str,
) -> dict[str, tuple]:
    """Jacobians, eigenvalues and eigenvectors as variables on the dims `lead`."""
    modes = modes_of(jacobian, is_map)
    values = modes.values
    step = (1.0 if dt is None else dt) if is_map else None
    with np.errstate(divide="ignore", invalid="ignore"):
        growth = np.log(np.abs(values)) / step if step else values.real
        turning = np.angle(values) / step if step else values.imag
        timescale = 1.0 / np.abs(growth)
    unit = "1" if is_map and dt is None else "ms"
    per, hertz = ("1", "1") if unit == "1" else ("1/ms", "Hz")
    frequency = np.abs(turning) / (2 * np.pi) * (1.0 if unit == "1" else 1e3)
    words, index = stability_of(values, is_map)
    of_step = "1" if is_map else "1/ms"
    C = "component"
    there = "of the step" if is_map else "of the rate of change"
    found = {
        "jacobian": (
            (*lead, origin, dim),
            np.swapaxes(jacobian, 1, 2),
            of_step,
            f"Jacobian {there}",
        ),
        "eigenvalue_real": ((*lead, C), values.real, of_step, "eigenvalue, real part"),
        "eigenvalue_imag": ((*lead, C), values.imag, of_step, "eigenvalue, imaginary part"),
        "growth_rate": ((*lead, C), growth, per, "growth rate of the mode"),
        "timescale": ((*lead, C), timescale, unit, "timescale of the mode"),
        "frequency": ((*lead, C), frequency, hertz, "frequency of the mode"),
    }
    for name, vectors_, text in (("right", modes.right, "right"), ("left", modes.left, "left")):
        for part, array in (("real", vectors_.real), ("imag", vectors_.imag)):
            long = f"{text} eigenvector, {'real' if part == 'real' else 'imaginary'} part"
            found[f"{name}_{part}"] = ((*lead, dim, C), array, "1", long)
    found["stability"] = (lead, words, "1", "linear stability")
    found["n_unstable"] = (lead, index, "1", "number of growing directions")
    return found
