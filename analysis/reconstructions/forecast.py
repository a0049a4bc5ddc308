"""Closed-loop forecasts at every horizon."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, PRNGKeyArray, UInt

from neurodyn import labels
from neurodyn.common.checks import check_whole
from neurodyn.common.random import as_key
from neurodyn.engine.drive import Drive
from neurodyn.params import with_values
from neurodyn.system import AbstractMap, State


@runtime_checkable
class Generates(Protocol):
    """A network that can take a step without an observation."""

    def generate(self, state: State, *, key: PRNGKeyArray | None) -> State:
        """The next state; its readout is the expected observation of that step."""
        ...


def forecast(
    model: Any,
    observed: Any,
    *,
    n_horizons: int,
    n_samples: int = 1,
    dt: float | None = None,
    key: Any = None,
) -> xr.Dataset:
    """Forecast the steps that follow each step of observed sequences.

    The network reads the sequence up to a step, and goes on from there without observations: a
    network that generates (:class:`Generates`: a VRNN) by itself, any other by reading its own
    output as the next observation.

    Parameters
    ----------
    model
        A network whose inputs and outputs are the observations.
    observed
        ``(trial, time, output)``: an array, a labelled array with the dims `trial`, `time` and one
        more in any order, or a Dataset with ``targets``. Labels are kept. Outputs whose labels
        count from 0 go to the input of that number; models know no other names.
    n_horizons
        How many steps ahead to predict.
    n_samples
        Rollouts from every step; predictions are their mean. One without a key follows the means
        of the latents.
    dt
        Step [ms]; None: that of `time`, 1 where there are no labels.
    key
        Seed or key, for networks that draw latents; draws go by the labels of the trials.

    Returns
    -------
    xr.Dataset
        ``prediction`` ``(trial, time, horizon, output)``: at time t and horizon h, the observation
        expected h steps after t; with several samples also their spread ``prediction_std``.

    Raises
    ------
    ValueError
        If the network does not read and predict as many numbers as were observed, sequences have
        holes, or there are several samples and no key.
    """
    seen = as_sequences(labels.for_model(observed), dt)
    x = jnp.asarray(seen.values, jnp.result_type(float))
    if not isinstance(model, AbstractMap) and not hasattr(model, "drift"):
        raise TypeError(f"`model` must be a system, got a {type(model).__name__}.")
    if (model.n_inputs, model.n_outputs) != (x.shape[2],) * 2:
        raise ValueError(
            f"{type(model).__name__} has {model.n_inputs} inputs and {model.n_outputs} outputs, "
            f"but {x.shape[2]} numbers are observed; both must be {x.shape[2]}."
        )
    if not isinstance(model, AbstractMap):
        raise TypeError(f"forecast steps maps; {type(model).__name__} is a flow.")
    check_whole(1, n_horizons=n_horizons, n_samples=n_samples)
    if n_samples > 1:
        key = as_key(key, needed_for="Several rollouts")
    mean, std = _forecast(
        model,
        jnp.swapaxes(x, 0, 1),
        seen.dt,
        as_key(key),
        jnp.asarray(seen.ranks, jnp.uint32),
        n_horizons=int(n_horizons),
        n_samples=int(n_samples),
    )
    dims = ("trial", "time", "horizon", "output")
    variables = {"prediction": (dims, mean, "1", "predicted observation", "output")}
    if n_samples > 1:
        variables["prediction_std"] = (dims, std, "1", "spread of the predictions", "statistic")
    coords = {**seen.coords, "time": seen.axis, **labels.horizons(n_horizons, seen.dt, seen.unit)}
    return labels.dataset(
        variables,
        coords,
        source="model",
        attrs={"model": type(model).__name__, "dt": seen.dt, "n_samples": n_samples},
    )


def forecast_error(prediction: Any, observed: Any) -> xr.DataArray:
    """Mean squared error of predictions at each horizon.

    Parameters
    ----------
    prediction
        ``(trial, time, horizon, output)``, or a Dataset with ``prediction``: of :func:`forecast` or
        of :func:`neurodyn.models.pvrnn.error_regression`.
    observed
        Observed sequences, as for :func:`forecast`: labelled, with the trials, times and outputs of
        the prediction in any order; or an array in the order of its labels. Predictions of steps
        after its end are left out, and all horizons are scored from the same times, so that they
        can be compared.

    Returns
    -------
    xr.DataArray
        ``error`` ``(trial, horizon)``, averaged over times and outputs.

    Raises
    ------
    LabelError
        If the two have other trials, times or outputs, or horizons count steps of another clock
        than that of `time`.
    ValueError
        If sequences are too short for the horizons, or have holes.
    """
    predicted = prediction["prediction"] if isinstance(prediction, xr.Dataset) else prediction
    dims = ("trial", "time", "horizon", "output")
    if not isinstance(predicted, xr.DataArray) or set(predicted.dims) != set(dims):
        raise ValueError(
            f"`prediction` must have dims {dims}, as forecast, ridge_forecast and error_regression "
            "return it."
        )
    predicted = predicted.transpose(*dims).sortby("time")
    as_sequences(observed)
    later = labels.pair_sequences(predicted.isel(horizon=0, drop=True), observed)
    x = later.values.astype(np.float64)
    ahead = predicted["horizon"].values
    last = x.shape[1] - ahead.max()
    if last < 1:
        raise ValueError(
            f"Sequences of {x.shape[1]} steps are too short for a horizon of {ahead.max()}."
        )
    _check_horizons(predicted, labels.clock(predicted, what="`prediction`", default=1.0).step)
    p = predicted.values.astype(np.float64)[:, :last]
    later = np.stack([x[:, h : h + last] for h in ahead], axis=2)
    error = ((p - later) ** 2).mean((1, 3))
    return xr.DataArray(
        error,
        {"horizon": predicted["horizon"], "trial": predicted["trial"]},
        ("trial", "horizon"),
        name="error",
        attrs={"units": "1", "long_name": "mean squared error of predictions"},
    )


def _check_horizons(prediction: xr.DataArray, step: float) -> None:
    """Refuse horizons that count other steps than those between the times."""
    if "ahead" not in prediction.coords:
        return
    times, steps = prediction["ahead"].values, prediction["horizon"].values
    if not np.allclose(times, steps * step, rtol=1e-6):
        raise labels.LabelError(
            f"horizon {steps[0]} is {times[0]:g} ms ahead, but the times of the prediction are "
            f"{step:g} ms apart, so that horizons do not count their steps: score all times and "
            "select afterwards, or predict sequences that are sampled so."
        )


def as_sequences(
    observed: Any, dt: float | None = None, *, name: str = "observed"
) -> labels.Observed:
    """Sequences without holes, read by their dims."""
    seen = labels.read_sequences(observed, dt=dt, name=name)
    if not np.isfinite(seen.values).all():
        raise ValueError(
            f"`{name}` holds NaN or infinite values; cut or interpolate these sequences first."
        )
    if seen.n_valid is not None and (seen.n_valid < seen.values.shape[1]).any():
        raise ValueError(
            f"`{name}` has padded sequences of {seen.n_valid.min()} to {seen.n_valid.max()} steps "
            "(n_valid): cut all to one length first."
        )
    return seen


@eqx.filter_jit
def _forecast(
    model: Any,
    x: Float[Array, "time trial output"],
    dt: Any,
    key: Any,
    ranks: UInt[Array, " trial"],
    *,
    n_horizons: int,
    n_samples: int,
):
    own = with_values(model)
    n_trials = x.shape[1]
    trial_keys = None
    if key is not None:
        trial_keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(ranks)
    start = (
        jax.vmap(lambda k: own.initial_state(dt=dt, key=k))(trial_keys)
        if (trial_keys is not None)
        else jax.vmap(lambda _: own.initial_state(dt=dt))(jnp.arange(n_trials))
    )

    def read(state, x, key, number):
        now = None if key is None else jax.random.fold_in(key, 2 * number)
        later = None if key is None else jax.random.fold_in(key, 2 * number + 1)
        state = own.update(state, Drive(input=x), key=now)
        if n_samples == 1:
            mean = _roll(own, state, later, n_horizons)
            return state, mean, jnp.zeros_like(mean)
        many = jax.vmap(lambda k: _roll(own, state, k, n_horizons))(
            jax.random.split(later, n_samples)
        )
        return state, jnp.mean(many, 0), jnp.std(many, 0)

    def body(state, now):
        number, x = now
        state, *out = jax.vmap(lambda s, x, k: read(s, x, k, number))(state, x, trial_keys)
        return state, out

    numbers = jnp.arange(x.shape[0], dtype=jnp.uint32)
    _, (mean, std) = jax.lax.scan(body, start, (numbers, x))
    return jnp.swapaxes(mean, 0, 1), jnp.swapaxes(std, 0, 1)


def _roll(model: Any, state: State, key: Any, n: int) -> Float[Array, "horizon output"]:
    """Expected observations of the next steps."""
    generates = isinstance(model, Generates)

    def body(state, number):
        now = None if key is None else jax.random.fold_in(key, number)
        if generates:
            state = model.generate(state, key=now)
            return state, model.readout(state)
        expected = model.readout(state)
        return model.update(state, Drive(input=expected), key=now), expected

    return jax.lax.scan(body, state, jnp.arange(n, dtype=jnp.uint32))[1]
