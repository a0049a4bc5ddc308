"""Errors of predictions, and the time for which a run follows the truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from neurodyn.analysis.reconstructions.trajectories import (
    as_runs,
    as_truth,
    label_runs,
    read_step,
    same_channels,
)
from neurodyn.analysis.shared.results import described
from neurodyn.common.checks import check_whole
from neurodyn.engine.integrate import integrate
from neurodyn.labels import LabelError, in_positions, like, pair, pair_channels
from neurodyn.labels.only import takes
from neurodyn.params import whole_model
from neurodyn.system import AbstractFlow, AbstractSystem, State

#: Largest number of values in a chunk of predictions.
_CHUNK = 2**24


@takes(truth=["time"])
def prediction_error(
    model: Any,
    truth: Any,
    *,
    n_steps: int = 20,
    dt: float | int | None = None,
    infer: Callable | None = None,
    solver: Any = None,
    key: Any = None,
) -> xr.Dataset:
    """Mean squared error of free runs that start from every sample of the truth.

    Parameters
    ----------
    model
        A map or flow whose readout is the observation.
    truth
        ``(time, channel)``, or several trajectories ``(trial, time, channel)``. Channels whose
        labels count from 0 are the outputs of these numbers; models know no other names.
    n_steps
        Steps ahead; published results use 20.
    dt
        Step [ms] of the truth, and so of flows; default that of its labels, 1 without any.
    infer
        State that an observation points to, ``(channel,) -> x``; default ``model.infer``, and the
        observation itself where it is the whole state.
    solver, key
        As for :func:`neurodyn.integrate`.

    Returns
    -------
    xr.Dataset
        ``prediction_error`` ([trial], horizon): mean over starts and channels, at 1 to `n_steps`
        steps, all from the same starts; its last entry is the published PE(n). ``status``
        ([trial]): "ok", or "diverged" where a run became infinite and the error of its horizons is
        NaN.

    Raises
    ------
    ValueError, TypeError, LabelError
        If the truth is too short or of other channels, nothing tells states from observations, or
        the model has inputs or parameters of its own for each subject.

    References
    ----------
    Koppe, Toutounji, Kirsch, Lis & Durstewitz, PLoS Comput. Biol. 15:e1007263, 2019.
    """
    check_whole(1, n_steps=n_steps)
    if not isinstance(model, AbstractSystem):
        raise TypeError(f"`model` must be a system, got {type(model).__name__}.")
    runs = as_runs(truth, "truth")
    if runs.channels is not None:
        truth = in_positions(truth, str(runs.channels.name), what="`truth`")
    true = as_truth(truth, even=True)
    dt, unit = read_step(truth, "truth", dt)
    if unit != "ms" and isinstance(model, AbstractFlow):
        raise ValueError(
            "A flow needs the step of `truth` in ms: pass `dt=`, or label its times in ms."
        )
    if model.n_inputs:
        raise ValueError(
            f"{type(model).__name__} has {model.n_inputs} inputs, which `truth` does not hold: "
            "only models without inputs can be scored."
        )
    if true.shape[2] != model.n_outputs:
        raise ValueError(
            f"`truth` has {true.shape[2]} channels, but {type(model).__name__} has "
            f"{model.n_outputs} outputs."
        )
    if true.shape[1] <= n_steps:
        raise ValueError(
            f"`truth` has {true.shape[1]} samples, too few to predict {n_steps} steps ahead."
        )
    start = _start_of(model, infer)
    n_starts = true.shape[1] - n_steps
    chunk = max(1, _CHUNK // (n_steps * true.shape[2]))
    errors = np.zeros((len(true), n_steps))
    for i, x in enumerate(true):
        for first in range(0, n_starts, chunk):
            n = min(chunk, n_starts - first)
            begin = jnp.asarray(x[first : first + n], jnp.result_type(float))
            run = integrate(
                model,
                dt=dt,
                n_steps=n_steps,
                n_trials=n,
                state=State(jax.vmap(start)(begin)),
                key=key,
                solver=solver,
                first_trial=first,
            )
            later = np.stack([x[first + h : first + h + n] for h in range(1, n_steps + 1)])
            with np.errstate(over="ignore", invalid="ignore"):
                squares = (np.asarray(run.outputs, np.float64) - later) ** 2
                errors[i] += squares.mean(2).sum(1) / n_starts
    errors = np.where(np.isfinite(errors), errors, np.nan)
    status = np.where(np.isfinite(errors).all(1), "ok", "diverged")
    ds = label_runs(
        runs,
        {"status": (status, "1", "outcome of the runs")},
        {"n_starts": n_starts, "n_steps": n_steps, "dt": dt},
    )
    dims, errors = (*runs.dims, "horizon"), errors.reshape((*runs.shape, n_steps))
    ds["prediction_error"] = described(dims, errors, "1", "mean squared error of predictions")
    ahead = described("horizon", np.arange(1, n_steps + 1), "1", "steps ahead")
    return ds.assign_coords(horizon=ahead)


@takes(generated=["time"], truth=["time"])
def valid_prediction_time(
    generated: Any,
    truth: Any,
    *,
    dt: float | int | None = None,
    threshold: float = 0.5,
    exponent: float | None = None,
    scale: Any = None,
) -> xr.Dataset:
    r"""Time for which a run stays with the truth.

    The first time at which the normalised error
    :math:`\sqrt{\langle (x - y)^2 / \sigma^2 \rangle}`, averaged over channels, exceeds a
    threshold. Infinite values and NaN count as exceeding it.

    Parameters
    ----------
    generated, truth
        Runs and the truth that they started from, with the same samples. Where both are labelled,
        channels, times and trials are matched by their labels, and a dim that the truth does not
        have (seeds) shares it; one truth without a dim of trials stands for all runs.
    dt
        Sampling step [ms]; default that of the labels. Without either, times count samples.
    threshold
        Default 0.5 (Vlachas et al. 2020); 0.4 is in use too.
    exponent
        Largest Lyapunov exponent of the truth [1/ms, or per sample], to express the time in
        Lyapunov times too.
    scale
        Standard deviation of each channel; default that of `truth`, which should then be long
        enough to show it. Labelled on `channel`, or an array in the order of the labels.

    Returns
    -------
    xr.Dataset
        ``valid_time``; with `exponent`, ``lyapunov_times``; and ``status``: "ok", or
        "censored": the run stayed with the truth to the end, and would have for longer.

    Raises
    ------
    ValueError, LabelError
        On other shapes or labels, holes or constant channels in the truth, or numbers out of range.

    References
    ----------
    Vlachas, Pathak, Hunt, Sapsis, Girvan, Ott & Koumoutsakos, Neural Netw. 126:191, 2020.
    """
    for name, value in (("threshold", threshold), ("exponent", exponent)):
        if value is not None and not (np.isfinite(value) and value > 0):
            raise ValueError(f"`{name}` must be a number above 0, got {value}.")
    generated, truth = _same_samples(generated, truth)
    step, unit = read_step(generated, "generated", dt)
    runs, true = as_runs(generated, even=True), as_truth(truth, even=True)
    if true.shape[1] != runs.values.shape[1] or len(true) not in (1, len(runs.values)):
        raise ValueError(
            f"`generated` has {runs.values.shape[:2]} runs and samples, `truth` {true.shape[:2]}: "
            "they must be the same, or the truth one run."
        )
    sigma = true.std((0, 1)) if scale is None else _by_channel(scale, generated)
    if sigma.shape not in ((), true.shape[2:]) or not (np.isfinite(sigma) & (sigma > 0)).all():
        raise ValueError(f"`scale` must be a number above 0 for each channel, got {scale!r}.")
    with np.errstate(over="ignore", invalid="ignore"):
        error = np.sqrt((((runs.values - true) / sigma) ** 2).mean(2))
    wrong = ~(error <= threshold)
    censored = ~wrong.any(1)
    valid = np.where(censored, error.shape[1], wrong.argmax(1)) * step
    variables = {
        "valid_time": (valid, unit, "valid prediction time"),
        "status": (np.where(censored, "censored", "ok"), "1", "whether the end came first"),
    }
    if exponent is not None:
        times = valid * exponent
        variables["lyapunov_times"] = (times, "1", "valid prediction time in Lyapunov times")
    return label_runs(runs, variables, {"threshold": threshold, "dt": step})


def _by_channel(scale: Any, generated: Any) -> np.ndarray:
    """A number for each channel, in the order of the generated ones."""
    if isinstance(scale, xr.DataArray) and not isinstance(generated, xr.DataArray):
        scale = scale.values
    given = scale if isinstance(scale, xr.DataArray) else np.asarray(scale, np.float64)
    if given.ndim != 1 or not isinstance(generated, xr.DataArray):
        return np.asarray(given, np.float64)
    if isinstance(given, xr.DataArray):
        of, what = str(given.dims[0]), ("generated", "scale")
        given = pair_channels(generated, given, "channel", of, what=what)
    elif given.size == generated.sizes["channel"]:
        named = like(given, generated, ["channel"], what=("generated", "scale"))
        given = pair(generated, named, "channel", what=("generated", "scale"))[1]
    return np.asarray(given, np.float64)


def _same_samples(generated: Any, truth: Any) -> tuple[Any, Any]:
    """Both sides with the same channels, times and trials; the truth is repeated for each run."""
    a, b = same_channels(generated, truth)
    if not isinstance(a, xr.DataArray):
        return a, b
    if not isinstance(truth, xr.DataArray):
        b = _placed(b.squeeze("trial") if b.sizes.get("trial") == 1 else b, a)
    elif not isinstance(generated, xr.DataArray):
        a = _placed(a, b)
    if unknown := [d for d in b.dims if d not in a.dims]:
        raise LabelError(
            f"`truth` has the dims {unknown}, which `generated` with {a.dims} has not: select one "
            "of their entries, .isel(..., drop=True)."
        )
    dims = [str(d) for d in b.dims if d != "channel"]
    a, b = pair(a, b, dims, what=("generated", "truth"))
    if "time" in a.coords:
        a, b = a.sortby("time"), b.sortby("time")
    leading = {d: a.sizes[d] for d in a.dims if d not in b.dims}
    alone = len(b.dims) == 2
    return a, b if alone else b.expand_dims(leading).transpose(*a.dims)


def _placed(array: xr.DataArray, labelled: xr.DataArray) -> xr.DataArray:
    """Label a plain array by the labelled one that it is compared with."""
    for dim in array.dims[:-1]:
        if dim in labelled.coords and array.sizes[dim] == labelled.sizes[dim]:
            numbered = like(np.arange(array.sizes[dim]), labelled[dim], what=("labelled", "array"))
            array = array.assign_coords({dim: numbered[dim]})
    return array


def _start_of(model: Any, infer: Callable | None) -> Callable[[Any], Any]:
    own = whole_model(model)
    if infer is not None:
        return infer
    if hasattr(own, "infer"):
        return own.infer
    state = own.initial_state(dt=jnp.ones(()), key=jax.random.key(0))
    whole = state.memory is None and jnp.shape(state.x) == (model.n_outputs,)
    if whole and hasattr(own, "start"):
        return lambda x: x
    raise TypeError(
        f"{type(model).__name__} does not say which state an observation points to: pass "
        "`infer=`, a function from an observation to a state."
    )
