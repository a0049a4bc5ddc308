"""Delay embedding: each sample together with those before it."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.typing import ArrayLike
from jaxtyping import Array, Float

from neurodyn.analysis.operators.series import read
from neurodyn.analysis.shared.results import coords_of
from neurodyn.common.checks import check_whole
from neurodyn.labels import LabelError, clock, dataset


def embed(x: Any, n_delays: int, delay_interval: int) -> Any:
    """``(..., time, unit)`` to ``(..., time, delay, unit)``, the latest sample first."""
    xp = jnp if isinstance(x, jax.Array) else np
    past = (n_delays - 1) * delay_interval
    n = x.shape[-2] - past
    late = [x[..., past - i * delay_interval :, :][..., :n, :] for i in range(n_delays)]
    return xp.stack(late, axis=-2)


def long_enough(
    n_times: int, n_delays: int, delay_interval: int, *, least: int = 2, what: str = "activity"
) -> None:
    """Refuse trials that are too short for the delays.

    Raises
    ------
    LabelError
        If fewer than `least` samples remain.
    """
    check_whole(1, n_delays=n_delays, delay_interval=delay_interval)
    needed = (n_delays - 1) * delay_interval + least
    if n_times < needed:
        raise LabelError(
            f"{what} has {n_times} samples in its longest trial, but {n_delays} delays of "
            f"{delay_interval} steps need {needed}: take fewer delays, or a shorter interval."
        )


def delay_embedding(
    activity: xr.Dataset | xr.DataArray | ArrayLike,
    n_delays: int,
    delay_interval: int = 1,
    *,
    variable: str | None = None,
) -> xr.DataArray | Float[Array, "*trial time delay unit"]:
    """Put each sample of activity together with earlier ones.

    If the activity shows a system only in part, its past samples hold what the present one lacks
    (Takens), so that a map from one embedded sample to the next can be fitted.

    Parameters
    ----------
    activity
        ``(trial | condition, time, unit)`` on an even clock; or an array ``(..., time, unit)``.
    n_delays
        Number of samples put together, the present one included.
    delay_interval
        Steps between them.
    variable
        Which variable of a Dataset.

    Returns
    -------
    DataArray ``(trial | condition, time, delay, unit)``: `time` is that of the latest sample, and
    the coordinate `delay` how long before it each sample is [ms]. Times without enough past are
    left out; missing samples are NaN. Of an array, an array, which can be differentiated.

    Raises
    ------
    LabelError
        If trials are too short for the delays, or times are uneven.

    References
    ----------
    Takens (1981), Lecture Notes in Mathematics 898:366.

    Examples
    --------
    >>> import numpy as np
    >>> from neurodyn import analysis
    >>> analysis.delay_embedding(np.arange(4.0)[:, None], 2)[..., 0]
    array([[1., 0.],
           [2., 1.],
           [3., 2.]])
    """
    if not isinstance(activity, (xr.Dataset, xr.DataArray)):
        x = activity if isinstance(activity, jax.Array) else np.asarray(activity)
        if x.ndim < 2:
            raise ValueError(f"activity must be (..., time, unit), got shape {x.shape}.")
        long_enough(x.shape[-2], n_delays, delay_interval, least=1)
        return embed(x, n_delays, delay_interval)
    series = read(activity, variable=variable)
    array = series.array
    long_enough(array.sizes["time"], n_delays, delay_interval, least=1)
    times = clock(array, what="activity", default=1.0).time
    late = np.arange(n_delays) * delay_interval * series.step
    past = (n_delays - 1) * delay_interval
    coords: dict[str, Any] = {
        **{k: v for dim in (series.row, "unit") for k, v in coords_of(array, dim).items()},
        "time": ("time", times[past:], series.unit, "time of the latest sample"),
        "delay": ("delay", late, series.unit, "time before the latest sample"),
    }
    name = str(array.name or "activity")
    found = dataset(
        {
            name: (
                (series.row, "time", "delay", "unit"),
                embed(series.values, n_delays, delay_interval),
                array.attrs.get("units", "1"),
                f"{array.attrs.get('long_name', name)} with its past",
            )
        },
        coords,
        source=array.attrs.get("source", "analysis"),
        dims=["delay"],
        values=False,
    )
    return found[name].assign_attrs(source=found.attrs["source"])
