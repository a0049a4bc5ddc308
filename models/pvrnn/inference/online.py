"""Error regression of one observation at a time, in a loop of the user."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array

from neurodyn.common.checks import check_whole
from neurodyn.common.random import as_key
from neurodyn.common.reprs import brief
from neurodyn.labels import LabelError, in_positions, like, pair
from neurodyn.models.pvrnn.inference import window
from neurodyn.models.pvrnn.inference.regression import as_reports, prepared
from neurodyn.models.pvrnn.inference.settings import ErrorRegression
from neurodyn.models.pvrnn.inference.streams import one_key_each
from neurodyn.models.pvrnn.inference.window import Carry, Reports
from neurodyn.params import with_values


class OnlineRegression(eqx.Module):
    """Error regression of streams that are still being recorded: robots, experiments.

    It is :func:`error_regression` for one observation at a time; with the same key both give the
    same results. The state is an argument, so that it can be kept or copied::

        online = OnlineRegression(model, key=0)
        state = online.init()
        for x in arriving:  # (stream, output)
            state, found = online.step(state, x)
            act_on(found["prediction"])

    Parameters
    ----------
    model
        A trained PV-RNN.
    method
        Settings; default :meth:`ErrorRegression.soda2023`.
    n_streams
        Number of streams that are processed together.
    n_horizons, n_samples, windows
        As of :func:`error_regression`.
    key
        Seed or key.

    Raises
    ------
    TypeError, ValueError
        If the model is no PV-RNN, or a number does not fit.
    """

    network: Any
    method: ErrorRegression
    reports: Reports
    keys: Any
    n_streams: int = eqx.field(static=True)

    __repr__ = brief

    def __init__(
        self,
        model: Any,
        method: ErrorRegression | None = None,
        *,
        n_streams: int = 1,
        n_horizons: int = 1,
        n_samples: int = 1,
        windows: bool = False,
        key: Any,
    ):
        self.network, self.method = prepared(model, method)
        check_whole(1, n_streams=n_streams)
        self.reports = as_reports(n_horizons, n_samples, windows)
        self.keys = one_key_each(as_key(key, needed_for="Error regression"), np.arange(n_streams))
        self.n_streams = int(n_streams)

    def init(self) -> Carry:
        """The state before the first observation."""
        return window.start(with_values(self.network), self.n_streams, self.method.window)

    def step(self, state: Carry, x: Any, mask: Any = None) -> tuple[Carry, dict[str, Array]]:
        """Process one observation of each stream.

        Parameters
        ----------
        state
            Of :meth:`init` or the step before.
        x
            Observations ``(stream, output)``: an array, or labelled with the dim `output`;
            streams and outputs whose labels count from 0 are those with these numbers.
        mask
            Weights of their errors, labelled or shaped like ``x``; where they are 0 nothing was
            observed.

        Returns
        -------
        state
            For the next step.
        found
            Results of :func:`error_regression` at this time, as arrays: ``prediction``
            ``(horizon, stream, output)``, ``reconstruction`` ``(stream, output)``, ``z``, ``mean``,
            ``sigma``, ``prior_mean``, ``prior_sigma`` ``(stream, latent)``, ``loss``
            ``(iteration, stream)``, and where asked for ``prediction_std``, and ``postdiction``
            ``(lag, stream, output)``.

        Raises
        ------
        ValueError
            If observations have another shape, or holes that are not masked.
        """
        shape = (self.n_streams, self.network.n_outputs)
        x, mask = _for_model(x, mask)
        given = np.asarray(x, float)
        weights = np.ones(shape) if mask is None else np.asarray(mask, float)
        if given.shape != shape or weights.shape != shape:
            raise ValueError(
                f"`x` and `mask` must be (stream, output), here {shape}, got {given.shape} and "
                f"{weights.shape}."
            )
        if not (np.isfinite(weights).all() and (weights >= 0).all()):
            raise ValueError("`mask` holds weights: finite numbers >= 0.")
        given = np.where(weights > 0, given, 0)
        if not np.isfinite(given).all():
            raise ValueError(
                "`x` holds NaN or infinite values: pass a `mask` that is 0 where nothing was "
                "observed."
            )
        dtype = state.u0.dtype
        now = (jnp.asarray(given, dtype), jnp.asarray(weights, dtype))
        return _observe(self.network, self.method, self.reports, state, *now, self.keys)


def _for_model(x: Any, mask: Any) -> tuple[Any, Any]:
    """Labelled observations and their weights in the order of streams and outputs."""
    if isinstance(mask, xr.DataArray) and not isinstance(x, xr.DataArray):
        x = like(x, mask, what=("mask", "x"))
    if not isinstance(x, xr.DataArray):
        return x, mask
    if x.ndim != 2 or "output" not in x.dims:
        raise LabelError(f"`x` needs one dim of streams and 'output', got the dims {x.dims}.")
    x = x.transpose(..., "output")
    if mask is not None:
        mask = mask if isinstance(mask, xr.DataArray) else like(mask, x, what=("x", "mask"))
        mask = pair(x, mask, what=("x", "mask"))[1]
    for dim in map(str, x.dims):
        x = in_positions(x, dim, what="`x`")
        mask = None if mask is None else in_positions(mask, dim, what="`mask`")
    return x, mask


@eqx.filter_jit
def _observe(network, method, reports, state, x, mask, keys):
    return window.observe(with_values(network), method, reports, state, x, mask, keys)
