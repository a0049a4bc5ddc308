"""Modes of Jacobians: eigenvalues, eigenvectors and stability."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Complex, Float, Int

from neurodyn.analysis.shared.stability import stability_words

#: Condition number of the eigenvectors above which left ones mean nothing in double precision.
_DEFECTIVE = 1e13
#: Real part [relative to the largest modulus] below which a direction neither grows nor decays.
NEUTRAL = 1e-9
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
    order = fastest_first(values, is_map)
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


def fastest_first(
    values: Complex[np.ndarray, "*point d"], is_map: bool
) -> Int[np.ndarray, "*point d"]:
    """Order of eigenvalues by growth; of a pair the one with the positive frequency is first."""
    size = np.abs(values) if is_map else values.real
    return np.lexsort([-values.imag, -size.round(12)], axis=-1)


def growth_of(
    values: Complex[np.ndarray, "*point d"], is_map: bool
) -> Float[np.ndarray, "*point d"]:
    """Growth rates of modes, of a map per step, where those of eigenvalues 0 are -inf."""
    with np.errstate(divide="ignore"):
        return np.log(np.abs(values)) if is_map else values.real


def stability_of(values: Complex[np.ndarray, "point d"], is_map: bool):
    """Words for the stability of each point, and the number of its growing directions."""
    growth = growth_of(values, is_map)
    size = 1.0 if is_map else np.abs(values).max(-1, initial=0.0)[:, None]
    above = growth > NEUTRAL * size
    return stability_words(np.abs(growth) <= NEUTRAL * size, above), above.sum(-1)


def value_variables(
    values: Complex[np.ndarray, "*point d"],
    step: float | None,
    time_unit: str,
    dims: tuple[str, ...],
) -> dict[str, tuple]:
    """Eigenvalues, growth rates, timescales and frequencies as variables on `dims`.

    `step` is that of a map in its unit of time ("1": steps), None of a flow.
    """
    is_map, per = step is not None, "1" if time_unit == "1" else "1/ms"
    hertz, factor = ("1", 1.0) if time_unit == "1" else ("Hz", 1e3)
    growth, turning = growth_of(values, is_map), values.imag
    if step is not None:
        growth, turning = growth / step, np.angle(values) / step
    with np.errstate(divide="ignore"):
        timescale = 1.0 / np.abs(growth)
    frequency = np.abs(turning) / (2 * np.pi) * factor
    of_step = "1" if is_map else "1/ms"
    return {
        "eigenvalue_real": (dims, values.real, of_step, "eigenvalue, real part"),
        "eigenvalue_imag": (dims, values.imag, of_step, "eigenvalue, imaginary part"),
        "growth_rate": (dims, growth, per, "growth rate of the mode"),
        "timescale": (dims, timescale, time_unit, "timescale of the mode"),
        "frequency": (dims, frequency, hertz, "frequency of the mode"),
    }


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
    step = (1.0 if dt is None else dt) if is_map else None
    unit = "1" if is_map and dt is None else "ms"
    words, index = stability_of(modes.values, is_map)
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
        **value_variables(modes.values, step, unit, (*lead, C)),
    }
    for name, vectors_, text in (("right", modes.right, "right"), ("left", modes.left, "left")):
        for part, array in (("real", vectors_.real), ("imag", vectors_.imag)):
            long = f"{text} eigenvector, {'real' if part == 'real' else 'imaginary'} part"
            found[f"{name}_{part}"] = ((*lead, dim, C), array, "1", long)
    found["stability"] = (lead, words, "1", "linear stability")
    found["n_unstable"] = (lead, index, "1", "number of growing directions")
    return found
