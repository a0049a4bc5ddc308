"""Error regression: inference of latents from the prediction errors of a sliding window."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

from neurodyn.common.checks import check_whole
from neurodyn.common.random import as_key
from neurodyn.models.pvrnn.inference import descent, window
from neurodyn.models.pvrnn.inference.labelling import label
from neurodyn.models.pvrnn.inference.settings import ErrorRegression
from neurodyn.models.pvrnn.inference.streams import as_streams, check_network, one_key_each
from neurodyn.models.pvrnn.inference.window import Reports
from neurodyn.params import with_values

__all__ = ["error_regression"]


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
    method = ErrorRegression() if method is None else method
    if not isinstance(method, ErrorRegression):
        raise TypeError(f"`method` must be an ErrorRegression, got a {type(method).__name__}.")
    check_network(model)
    seen, x, mask = as_streams(observed, mask, model.n_outputs, dt)
    reports = as_reports(n_horizons, n_samples, windows)
    key = as_key(key, needed_for="Error regression")
    out = _follow(
        network_of(model, method),
        jnp.swapaxes(x, 0, 1),
        jnp.swapaxes(mask, 0, 1),
        without_meta_prior(method),
        reports,
        one_key_each(key, seen.ranks),
    )
    return label(model, {n: np.asarray(a) for n, a in out.items()}, method, seen, n_samples)


def as_reports(n_horizons: Any, n_samples: Any, windows: Any) -> Reports:
    """Settings of the reported results, checked."""
    check_whole(1, n_horizons=n_horizons)
    check_whole(0, n_samples=n_samples)
    return Reports(int(n_horizons), int(n_samples), bool(windows))


def network_of(model: Any, method: ErrorRegression) -> Any:
    """The network as it infers: without its training sequences, with the meta-priors asked for."""
    return descent.with_meta_prior(model.mode("free"), method.w, method.w_first)


def without_meta_prior(method: ErrorRegression) -> ErrorRegression:
    """The method after its meta-priors have gone into the network: other ones recompile nothing."""
    return eqx.tree_at(
        lambda m: (m.w, m.w_first), method, (None, None), is_leaf=lambda x: x is None
    )


@eqx.filter_jit
def _follow(model, observed, mask, method, reports, keys):
    model = with_values(model)

    def body(carry, now):
        return window.observe(model, method, reports, carry, *now, keys)

    first = window.start(model, observed.shape[1], method.window)
    return jax.lax.scan(body, first, (observed, mask))[1]
