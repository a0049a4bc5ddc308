"""Records: which values a run keeps, and the form in which it returns them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PyTree

from neurodyn import kernels
from neurodyn.common.checks import check_whole
from neurodyn.common.reprs import brief
from neurodyn.engine.chosen import Chosen, as_units
from neurodyn.engine.signals import EDGE
from neurodyn.engine.units import as_mask, select_units
from neurodyn.system import AbstractSpiking, AbstractSystem, State, Variable


class Save(NamedTuple):
    """The record of a run; nothing else is kept.

    Attributes
    ----------
    variables
        Names out of ``system.variables()``, or one name. None: all of them in
        :func:`neurodyn.simulate`, none in :func:`neurodyn.integrate` and :func:`neurodyn.solve`.
    every
        Record each ``every``-th step, the first of them after ``every`` steps of the window.
    window
        Record only samples in ``(start, stop]`` [ms from the first step of the call], spikes
        included; None: all.
    outputs
        ``"every"`` recorded step, only the ``"last"`` step, or None.
    spikes
        ``"dense"``: 0/1 floats; ``"packed"``: 32 units to a ``uint32`` word; None: not recorded.
        Spikes are recorded at every step of the window, whatever ``every`` says.
    units
        Units that are recorded, spikes included: numbers or names, a boolean mask, or values of
        their coordinates such as ``{"population": "E"}``; None: all. Numbers set the order. Outputs
        have no units, and the weights of a unit are those of its inputs.
    """

    variables: Sequence[str] | str | None = None
    every: int = 1
    window: tuple[float, float] | None = None
    outputs: Literal["every", "last"] | None = "every"
    spikes: Literal["dense", "packed"] | None = None
    units: Any = None


class Trajectory(eqx.Module):
    """The result of a run, time-major.

    Attributes
    ----------
    ts
        Times of the recorded samples [ms of the run]: sample k is the state after input k, at
        ``(k + 1) dt``.
    variables
        Recorded variables, ``(time, *batch, ...)``.
    outputs
        Readouts, ``(time, *batch, output)``; a single time step with ``outputs="last"``.
    spikes
        Recorded spikes, ``(step, *batch, unit or word)``; spike times from :func:`solve`.
    final_state
        State after the last step, with leading batch axis; pass it on as ``state``.
    stats
        ``finite``: whether the final state of each trial is finite.
    """

    ts: Float[Array, " time"]
    variables: dict[str, Array]
    outputs: Array | None
    spikes: PyTree
    final_state: State
    stats: dict[str, Array]

    __repr__ = brief


def observe(system: AbstractSystem, state: State, save: Save) -> dict[str, Any]:
    """The record of one trial's state."""
    out = {}
    if save.variables:
        seen, known = system.observe(state), system.variables()
        out["variables"] = {n: _chosen(seen[n], known[n], save.units) for n in save.variables}
    if save.outputs == "every":
        out["outputs"] = system.readout(state)
    return out


def _chosen(x: Array, variable: Variable, units: tuple[int, ...] | None) -> Array:
    """The values of some units, if the variable has units; None: all of them."""
    if units is None or "unit" not in variable.dims:
        return x
    return jnp.take(x, np.asarray(units), axis=variable.dims.index("unit"))


def only_trial(run: Trajectory, spikes_axis: int) -> Trajectory:
    """The run of a single trial without its batch axis, which spikes may have elsewhere."""

    def first(tree: PyTree, axis: int) -> PyTree:
        return jax.tree.map(lambda a: a[:, 0] if axis else a[0], tree)

    return Trajectory(
        ts=run.ts,
        variables=first(run.variables, 1),
        outputs=first(run.outputs, 1),
        spikes=first(run.spikes, spikes_axis),
        final_state=first(run.final_state, 0),
        stats=first(run.stats, 0),
    )


def pack_spikes(spikes: Array | None, save: Save) -> Array | None:
    """Spikes of one step ``(trial, unit)`` in the form of the record."""
    if spikes is None or save.spikes is None:
        return None
    if save.units is not None:
        spikes = spikes[:, np.asarray(save.units)]
    if save.spikes == "dense":
        return spikes
    return kernels.pack_spikes(spikes)


def is_finite(x: PyTree) -> Bool[Array, ""]:
    """Whether a state holds neither NaN nor infinity."""
    leaves = [jnp.isfinite(a).all() for a in jax.tree.leaves(x)]
    return jnp.stack(leaves).all()


def as_save(save: Any) -> Save:
    """The record that a user asks for, as a Save; names alone are those of variables.

    Raises
    ------
    TypeError
        If it is neither a Save nor names.
    """
    if save is None or isinstance(save, Save):
        return Save() if save is None else save
    names = (save,) if isinstance(save, str) else save
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise TypeError(
            f"`save` is a neurodyn.Save or names of variables, e.g. ('rate',), got {save!r}."
        )
    return Save(variables=tuple(names))


def checked_save(system: AbstractSystem, save: Save, length: Any = None) -> Save:
    """The record in one form: names in a tuple, and units by their numbers.

    Raises
    ------
    ValueError
        If this system cannot record it.
    """
    variables = (save.variables,) if isinstance(save.variables, str) else save.variables or ()
    unknown = set(variables) - set(system.variables())
    if unknown:
        raise ValueError(
            f"{type(system).__name__} has no variables {sorted(unknown)}; "
            f"it has {sorted(system.variables())}."
        )
    check_whole(1, every=save.every)
    if length is not None and (save.every != 1 or save.window is not None):
        raise ValueError("`length` cannot be combined with Save(every=...) or Save(window=...).")
    if save.outputs not in ("every", "last", None):
        raise ValueError(f"Save: outputs is 'every', 'last' or None, got {save.outputs!r}.")
    if save.spikes not in ("dense", "packed", None):
        raise ValueError(f"Save: spikes is 'dense', 'packed' or None, got {save.spikes!r}.")
    if save.spikes and not isinstance(system, AbstractSpiking):
        raise ValueError(f"{type(system).__name__} does not spike: leave Save(spikes=None).")
    units = recorded_units(system, save.units)
    return save._replace(variables=tuple(variables), units=units)


def recorded_units(system: AbstractSystem, units: Any) -> tuple[int, ...] | None:
    """Numbers of the units that are recorded.

    Parameters
    ----------
    system
        The model.
    units
        Numbers or names of units, a boolean mask, or values of unit coordinates such as
        ``{"population": "E"}``; None: all.

    Raises
    ------
    ValueError
        If they are none of these, negative, repeated, unknown, or none at all.
    """
    if units is None:
        return None
    if isinstance(units, Mapping):
        units = select_units(system, **units)
    given = as_units(np.atleast_1d(units) if np.ndim(units) == 0 else units)
    mask = as_mask(system, given)
    if not mask.any():
        raise ValueError("`units` chooses no unit: leave it out to record all of them.")
    if isinstance(given, Chosen) and not isinstance(given.which[0], str):
        return given.which
    return tuple(np.flatnonzero(mask).tolist())


def window_steps(save: Save, dt: Any, n_steps: int) -> tuple[int, int]:
    """First and last (exclusive) step whose sample is recorded."""
    first, last = 0, n_steps
    if save.window is not None:
        if isinstance(dt, jax.core.Tracer):
            raise ValueError("Save(window=...) needs a concrete `dt`.")
        start, stop = (float(edge) / float(dt) for edge in save.window)
        if not 0 <= start < stop or (stop != math.inf and stop > n_steps + EDGE):
            raise ValueError(
                f"Save: the window {save.window} ms is not inside the run of "
                f"{n_steps * float(dt):g} ms."
            )
        # Sample k holds at (k + 1) dt.
        first = math.floor(start + EDGE)
        last = n_steps if stop == math.inf else math.floor(stop + EDGE)
    if last - first < save.every:
        raise ValueError(
            f"Save: nothing would be recorded, since every={save.every} is more than the "
            f"{last - first} steps there are."
        )
    return first, last


def unpack_spikes(words: np.ndarray, n_units: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Step, trial and unit of every spike out of packed words ``(step, trial, word)``."""
    steps, trials, word = np.nonzero(words)
    found = words[steps, trials, word]
    bits = (found[:, None] >> np.arange(32, dtype=np.uint32)) & 1
    which, bit = np.nonzero(bits)
    units = word[which] * 32 + bit
    keep = units < n_units
    return steps[which][keep], trials[which][keep], units[keep]
