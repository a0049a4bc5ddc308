"""Inputs, states and trials of a run, checked and in one form."""

from dataclasses import replace
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from neurodyn.common.checks import whole
from neurodyn.engine.abilities import InfersState
from neurodyn.engine.drive import Drive, as_drive
from neurodyn.params.use import indexed_parameters
from neurodyn.system import State


class Batch(NamedTuple):
    """The inputs of a batch of trials.

    Attributes
    ----------
    source
        A Drive of arrays ``(time, trial, ...)``, or a callable of time; ``Drive()`` without input.
    n_steps
        Number of steps; None where the source has no rows to count.
    n_trials
        Number of trials.
    batched
        Whether the caller's inputs had a batch axis (else there is one trial).
    """

    source: Any
    n_steps: int | None
    n_trials: int
    batched: bool

    @property
    def held(self) -> bool:
        """Whether the source is a Drive, whose rows are held for a step each."""
        return isinstance(self.source, Drive)


def as_batch(
    system: Any,
    inputs: Any,
    *,
    n_steps: int | None = None,
    n_trials: int | None = None,
    dt: Any = None,
) -> Batch:
    """Give inputs of any allowed form the form of :class:`Batch`.

    Labelled arrays are read by their dims, and the step of their times must be ``dt``. Those of a
    Drive are paired by their labels.

    Raises
    ------
    ValueError
        If shapes do not fit the system, each other, or the given numbers.
    """
    n_steps = None if n_steps is None else whole("n_steps", n_steps)
    n_trials = None if n_trials is None else whole("n_trials", n_trials)
    if callable(inputs) and not isinstance(inputs, Drive):
        return Batch(inputs, n_steps, n_trials or 1, n_trials is not None)
    drive = as_drive(inputs)
    first = next((leaf for leaf in jax.tree.leaves(drive) if hasattr(leaf, "dims")), None)
    drive = jax.tree.map(lambda leaf: jnp.asarray(_rows(leaf, dt, first)), drive)
    leaves = jax.tree.leaves(drive)
    if not leaves:
        return Batch(drive, n_steps, n_trials or 1, n_trials is not None)
    lead = leaves[0] if drive.input is None else drive.input
    wide = drive.input is not None and lead.shape[-1:] != (system.n_inputs,)
    if wide and system.n_inputs == 0:
        name = type(system).__name__
        raise ValueError(
            f"This {name} has 0 inputs, but got some of shape {lead.shape}: build it with inputs, "
            "or run it without any (`n_steps=`, `n_trials=`)."
        )
    if lead.ndim not in (2, 3) or wide:
        raise ValueError(
            f"`inputs` must be (time, *batch, input) with {system.n_inputs} inputs and at most one "
            f"batch axis, got shape {lead.shape}"
            + (": for a single one pass inputs[:, None]." if lead.ndim == 1 else ".")
        )
    batched = lead.ndim == 3
    common = lead.shape[: 2 if batched else 1]
    if 0 in common:
        raise ValueError(f"The inputs are empty: shape {lead.shape}.")
    for leaf in leaves:
        if leaf.shape[: len(common)] != common:
            raise ValueError(
                f"All parts of the drive need the same leading (time, *batch) axes: {common} "
                f"against {leaf.shape}."
            )
    if not batched:
        drive = jax.tree.map(lambda a: a[:, None], drive)
        common = (*common, 1)
    if (n_steps or common[0], n_trials or common[1]) != common:
        raise ValueError(
            f"The inputs have shape {lead.shape}, which contradicts n_steps={n_steps}, "
            f"n_trials={n_trials}; leave these out."
        )
    return Batch(drive, common[0], common[1], batched)


def _rows(leaf: Any, dt: Any, first: Any) -> Any:
    """The values ``(time, *batch, input)`` of a labelled array; others as they are.

    Times and trials are those of the ``first`` labelled part, in its order.
    """
    if not hasattr(leaf, "dims"):
        return leaf
    from neurodyn.labels import (  # most inputs have no labels, and xarray is slow to import
        clock,
        in_positions,
        pair,
    )

    last = [dim for dim in leaf.dims if dim not in ("time", "trial", "condition")]
    if hasattr(leaf, "data_vars") or "time" not in leaf.dims or len(last) != 1 or leaf.ndim > 3:
        what = "Dataset" if hasattr(leaf, "data_vars") else f"DataArray with dims {leaf.dims}"
        raise ValueError(
            f"The inputs are a {what}: pass one DataArray with the dims time, input and, for a "
            "batch, trial."
        )
    if leaf is not first:
        shared = [dim for dim in first.dims if dim in ("time", "trial", "condition")]
        leaf = pair(first, leaf, shared, what=("first part of the drive", "other"))[1]
    known = None if isinstance(dt, jax.core.Tracer) or dt is None else float(dt)
    clock(leaf, what="the inputs", dt=known, default=1.0)
    return in_positions(leaf, last[0], what="inputs").transpose("time", ..., last[0]).values


def check_finite(drive: Drive) -> None:
    """Refuse inputs with NaN or infinite values."""
    for leaf in jax.tree.leaves(drive):
        known = not isinstance(leaf, jax.core.Tracer) and jnp.issubdtype(leaf.dtype, jnp.inexact)
        # NumPy compiles nothing.
        if known and not np.isfinite(np.asarray(leaf)).all():
            raise ValueError(
                "The inputs hold NaN or infinite values; interpolate or mask them first."
            )


def check_state(state: Any, n_trials: int) -> None:
    """Refuse an initial state that does not have a row for each trial."""
    if state is None:
        return
    if not isinstance(state, State):
        raise TypeError(
            f"`state` must be a State, e.g. the final_state of a run, got {type(state).__name__}."
        )
    for leaf in jax.tree.leaves(state):
        if jnp.shape(leaf)[:1] != (n_trials,):
            raise ValueError(
                f"`state` needs one row for each of {n_trials} trials, got shape {jnp.shape(leaf)}."
            )


def check_trial(system: Any, trial: PyTree) -> None:
    """Refuse trials that do not pick a row of every parameter indexed by trial."""
    for parameter in indexed_parameters(system):
        if trial is None:
            raise ValueError(
                f"{type(system).__name__} has a parameter with a row for each {parameter.by}, and "
                "nothing says which rows to run: pass `trial=` (trials with that label), or to "
                "simulate a task over stored items."
            )
        parameter.index(trial)


def trials_for(system: Any, trials: PyTree) -> PyTree:
    """The trials, if the run needs them to pick rows or to start from an observation; else None.

    Without trials a whole batch can go through one kernel. Their common length is left out.
    """
    if not starts_from_first(system, trials) and (trials is None or not indexed_parameters(system)):
        return None
    return eqx.tree_at(lambda t: t.length, trials, None, is_leaf=lambda x: x is None)


def starts_from_first(system: Any, trial: PyTree) -> bool:
    """Whether the system starts from the first target of these trials and predicts the others."""
    return bool(getattr(trial, "from_first", False)) and isinstance(system, InfersState)


def predicted(system: Any, trials: Any) -> Any:
    """The trials as this system runs them: without the observation from which it starts.

    Row t of the inputs then acts in the step from sample t to t + 1.
    """
    if not starts_from_first(system, trials):
        return trials

    return replace(
        trials,
        inputs=trials.inputs[:, :-1],
        targets=trials.targets[:, 1:],
        mask=trials.mask[:, 1:],
        length=None if trials.length is None else trials.length - 1,
        n_valid=None if trials.n_valid is None else trials.n_valid - 1,
        from_first=False,
    )
