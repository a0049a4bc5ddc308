"""Error regression: inference of latents from the prediction errors of a sliding window."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from neurodyn import labels
from neurodyn.common.checks import check_whole
from neurodyn.common.random import as_key
from neurodyn.labels import Observed
from neurodyn.models.pvrnn.inference import descent, window
from neurodyn.models.pvrnn.inference.settings import ErrorRegression
from neurodyn.models.pvrnn.inference.streams import (
    as_streams,
    check_network,
    latent_coords,
    one_key_each,
)
from neurodyn.models.pvrnn.inference.window import Reports
from neurodyn.params import with_values
from neurodyn.params.base import changed


def error_regression(
    model: Any,
    observed: Any,
    method: ErrorRegression | None = None,
    *,
    n_horizons: int = 1,
    n_samples: int = 1,
    mask: Any = None,
    windows: bool = False,
    dt: float | None = None,
    key: Any,
) -> xr.Dataset:
    """Follow streams of observations, inferring latents from errors and predicting later ones.

    Results at a time do not depend on later observations, and streams do not depend on each other.

    Parameters
    ----------
    model
        A trained PV-RNN.
    observed
        ``(trial, time, output)``: an array, a labelled array with the dims `trial`, `time` and one
        more in any order, or a Dataset with ``targets``. Outputs whose labels count from 0 are
        those of the model with these numbers. Labels are kept, and padded steps (from
        ``n_valid`` on) are taken as not observed.
    method
        Settings; default :meth:`ErrorRegression.soda2023`.
    n_horizons
        How many steps ahead to predict.
    n_samples
        Rollouts of the prior at every step; predictions are their mean. 0: one rollout along the
        means of the latents, without noise.
    mask
        Weight of the error of each observation: labelled like ``observed``, or an array
        ``(trial, time, output)``; where it is 0 nothing was observed (the value is not read).
    windows
        Whether to return also the outputs along the window after each regression.
    dt
        Step [ms]; None: that of `time`, 1 where there are no labels.
    key
        Seed or key.

    Returns
    -------
    xr.Dataset
        On ``trial`` and ``time``, each after the observation of that time:

        - ``prediction`` ``(trial, time, horizon, output)``, predicted for h steps later; with
          several samples ``prediction_std``;
        - ``reconstruction`` ``(trial, time, output)`` of the newest step;
        - ``z``, ``mean``, ``sigma``, ``prior_mean``, ``prior_sigma`` ``(trial, time, latent)`` of
          the newest step;
        - ``loss`` ``(trial, time, iteration)`` before each update and at the end;
        - with ``windows``: ``postdiction`` ``(trial, lag, time, output)``, at lags 0, -1, ..., NaN
          where a lag reaches back to before the start of the stream.

    Raises
    ------
    ValueError, TypeError
        If the model is no PV-RNN, or the observations do not fit it or have holes.
    """
    network, method = prepared(model, method)
    seen, x, mask = as_streams(observed, mask, model.n_outputs, dt)
    reports = as_reports(n_horizons, n_samples, windows)
    key = as_key(key, needed_for="Error regression")
    out = _follow(
        network,
        jnp.swapaxes(x, 0, 1),
        jnp.swapaxes(mask, 0, 1),
        method,
        reports,
        one_key_each(key, seen.ranks),
    )
    return _label(model, {n: np.asarray(a) for n, a in out.items()}, method, seen, n_samples)


def as_reports(n_horizons: Any, n_samples: Any, windows: Any) -> Reports:
    """Settings of the reported results, checked."""
    check_whole(1, n_horizons=n_horizons)
    check_whole(0, n_samples=n_samples)
    return Reports(int(n_horizons), int(n_samples), bool(windows))


def prepared(model: Any, method: ErrorRegression | None) -> tuple[Any, ErrorRegression]:
    """The network as it infers, and the settings, both checked.

    The network is without its training sequences and with the meta-priors asked for. These are no
    longer in the settings: other ones recompile nothing.
    """
    method = ErrorRegression() if method is None else method
    if not isinstance(method, ErrorRegression):
        raise TypeError(f"`method` must be an ErrorRegression, got a {type(method).__name__}.")
    check_network(model)
    network = descent.with_meta_prior(model.mode("free"), method.w, method.w_first)
    return network, changed(method, w=None, w_first=None)


@eqx.filter_jit
def _follow(model, observed, mask, method, reports, keys):
    model = with_values(model)

    def body(carry, now):
        return window.observe(model, method, reports, carry, *now, keys)

    first = window.start(model, observed.shape[1], method.window)
    return jax.lax.scan(body, first, (observed, mask))[1]


def _label(
    model: Any, out: dict[str, np.ndarray], method: ErrorRegression, seen: Observed, n_samples: int
) -> xr.Dataset:
    """The labelled result of error regression."""
    # Arrays come (time, [horizon | iteration | lag,] trial, ...).
    of_latents = ("trial", "time", "latent")
    about = {
        "prediction": ((2, 0, 1, 3), ("trial", "time", "horizon", "output"), "prediction"),
        "prediction_std": (
            (2, 0, 1, 3),
            ("trial", "time", "horizon", "output"),
            "spread of the predictions",
        ),
        "reconstruction": (
            (1, 0, 2),
            ("trial", "time", "output"),
            "the newest observation as the network explains it",
        ),
        "z": ((1, 0, 2), of_latents, "latents of the newest step"),
        "mean": ((1, 0, 2), of_latents, "mean of the posterior"),
        "sigma": ((1, 0, 2), of_latents, "standard deviation of the posterior"),
        "prior_mean": ((1, 0, 2), of_latents, "mean of the prior"),
        "prior_sigma": ((1, 0, 2), of_latents, "standard deviation of the prior"),
        "loss": ((2, 0, 1), ("trial", "time", "iteration"), "negative lower bound of the window"),
        "postdiction": (
            (2, 1, 0, 3),
            ("trial", "lag", "time", "output"),
            "the window as the network explains it",
        ),
    }
    variables = {
        name: (dims, out[name].transpose(order), "1", long_name)
        for name, (order, dims, long_name) in about.items()
        if name in out
    }
    coords = {
        **seen.coords,
        "time": seen.axis,
        **labels.horizons(out["prediction"].shape[1], seen.dt, seen.unit),
        **latent_coords(model),
    }
    if "postdiction" in out:
        coords["lag"] = ("lag", -seen.dt * np.arange(method.window), seen.unit)
    attrs = {
        "model": type(model).__name__,
        "dt": seen.dt,
        "window": method.window,
        "iterations": method.iterations,
        "n_samples": n_samples,
        "warm_start": method.warm_start,
        "new_entry": method.new_entry,
        "edge_prior": method.edge_prior,
    }
    return labels.dataset(variables, coords, source="model", attrs=attrs, values=False)
