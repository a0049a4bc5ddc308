"""Timescales of the activity of a network that is driven by random bits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float

from neurodyn.analysis.populations.dimensionality import components_for
from neurodyn.analysis.shared.results import described
from neurodyn.analysis.timescales.decay import fit_exponentials
from neurodyn.analysis.timescales.streaming import CovarianceSums, LagSums, label_lags
from neurodyn.common.checks import check_whole, number
from neurodyn.common.random import as_key
from neurodyn.engine.integrate import Save, integrate
from neurodyn.engine.units import unit_coord
from neurodyn.system import AbstractMap, AbstractSystem

#: Steps that are run at once.
CHUNK = 2000


def driven_activity(
    model: AbstractSystem,
    *,
    n_steps: int,
    n_trials: int = 10,
    burn_in: int = 500,
    p: tuple[float, float] = (0.0, 1.0),
    hold: int = 1,
    levels: tuple[float, float] = (0.0, 1.0),
    dt: float | int = 1.0,
    variable: str | None = None,
    chunk: int = CHUNK,
    key: Any,
) -> Iterator[Float[Array, "time trial unit"]]:
    """Run a model on random bits, and hand out its activity chunk by chunk.

    Parameters
    ----------
    model
        Any system with an input and with a variable on units.
    n_steps, n_trials
        Steps of a trial, after the burn-in, and number of trials.
    burn_in
        Steps that are run first and not handed out.
    p
        Range of the probability of a 1, drawn uniformly for every trial and input channel.
    hold
        Steps that each bit lasts.
    levels
        Inputs that stand for 0 and 1.
    dt
        Step [ms] of a flow; a map only labels time with it.
    variable
        Which variable; default "rate" where there is one, else the only one on units.
    chunk
        Steps at once. The result does not depend on it, rounding apart.
    key
        Seed or key of bits, initial states and noise.

    Yields
    ------
    Arrays ``(time, trial, unit)``.

    Raises
    ------
    ValueError
        If the model has no input, there is no such variable, or a number does not fit.
    """
    if not isinstance(model, AbstractSystem):
        raise TypeError(f"`model` must be a system, got {type(model).__name__}.")
    check_whole(1, n_steps=n_steps, n_trials=n_trials, hold=hold, chunk=chunk)
    check_whole(0, burn_in=burn_in)
    if not (len(p) == 2 and 0 <= p[0] <= p[1] <= 1):
        raise ValueError(f"`p` must be (low, high) within [0, 1], got {p}.")
    if not model.n_inputs:
        raise ValueError(f"This {type(model).__name__} has no input to send bits into.")
    if len(levels) != 2 or not np.isfinite(levels).all():
        raise ValueError(f"`levels` must be the inputs for 0 and for 1, got {levels}.")
    name = _variable(model, variable)
    return _run(model, n_steps, n_trials, burn_in, p, hold, levels, dt, name, chunk, as_key(key))


def _run(model, n_steps, n_trials, burn_in, p, hold, levels, dt, name, chunk, key):
    if key is None:
        raise ValueError("Random bits need `key=` (a seed, e.g. key=0).")
    k_p, k_bits, k_run = jax.random.split(key, 3)
    shape = (n_trials, model.n_inputs)
    dtype = jnp.result_type(float)
    low, high = (jnp.asarray(end, dtype) for end in p)
    chance = jax.random.uniform(k_p, shape, dtype, low, high)
    zero, one = (jnp.asarray(level, dtype) for level in levels)
    state, done = None, 0
    while done < burn_in + n_steps:
        stop = burn_in if done < burn_in else burn_in + n_steps
        n = min(chunk, stop - done)
        bits = _bits(k_bits, chance, jnp.asarray(done, jnp.int32), n, hold)
        save = Save(variables=(name,) if done >= burn_in else (), outputs=None)
        inputs = zero + (one - zero) * bits
        run = integrate(model, inputs, dt=dt, state=state, key=k_run, save=save, start=done)
        state = run.final_state
        if done >= burn_in:
            yield run.variables[name]
        done += n
    if not bool(run.stats["finite"].all()):
        raise ValueError(
            f"{int((~run.stats['finite']).sum())} of {n_trials} trials grew beyond all bounds: "
            "this network has no timescale under random bits. Train it further, or drive it with "
            "another range of `p`."
        )


def _bits(key, chance, start, n: int, hold: int):
    """Bits of steps `start` to `start + n`; each depends on the key and its step only."""
    numbers = (start + jnp.arange(n, dtype=jnp.int32)) // hold

    def draw(number):
        return jax.random.uniform(jax.random.fold_in(key, number), chance.shape, chance.dtype)

    return (jax.vmap(draw)(numbers) < chance[None]).astype(chance.dtype)


def _variable(model: AbstractSystem, name: str | None) -> str:
    known = [n for n, v in model.variables().items() if v.dims == ("unit",)]
    if name is None:
        name = "rate" if "rate" in known or not known else known[0]
    if name not in known:
        raise ValueError(
            f"This {type(model).__name__} has no variable {name!r} on units; it has "
            f"{', '.join(known) or 'none'}."
        )
    return name


def network_timescale(
    model: AbstractSystem,
    *,
    n_steps: int = 100_000,
    n_trials: int = 10,
    burn_in: int = 500,
    p: tuple[float, float] = (0.0, 1.0),
    hold: int = 1,
    levels: tuple[float, float] = (0.0, 1.0),
    dt: float | int = 1.0,
    max_lag: int = 30,
    keep_lag: int | None = None,
    longest: float = 100.0,
    least_share: float = 0.0,
    fraction: float = 0.9,
    variable: str | None = None,
    chunk: int = CHUNK,
    key: Any,
) -> xr.Dataset:
    """Timescales of the activity of a recurrent network that random bits drive.

    Every unit's autocorrelation under random bits is fitted by one and by two exponentials. A
    unit's own time constant is one contribution to its timescale; the recurrent weights are the
    other. The run is never held in memory as a whole.

    Parameters
    ----------
    model, n_steps, n_trials, burn_in, p, hold, levels, dt, variable, chunk, key
        As for `driven_activity`. The defaults are the published protocol.
    max_lag
        Longest lag that is fitted, in steps.
    keep_lag
        Longest lag that the result shows; default `max_lag`.
    longest
        Bound of the fitted time constants, in steps.
    least_share
        As for `fit_exponentials`; 0 is the published protocol.
    fraction
        Fraction of the variance that the counted principal components hold.

    Returns
    -------
    Dataset as from `fit_exponentials` on ``unit``, in steps for a map (``units="1"``), in ms for a
    flow; with ``autocorrelation`` and ``population_autocorrelation`` (of the summed activity),
    ``population_tau`` and ``population_n_exponentials``, and ``dimension`` (trial), the number of
    principal components of each trial (published values are one less: an index from 0).
    `timescale_summary` makes a few numbers of it.

    Raises
    ------
    ValueError, TypeError
        As `driven_activity`, or if the run is too short for its lags.

    References
    ----------
    Khajehabdollahi, Zeraati et al. (2024), ICLR.
    """
    keep_lag = max_lag if keep_lag is None else keep_lag
    check_whole(5, max_lag=max_lag)
    check_whole(max_lag, keep_lag=keep_lag)
    if n_steps <= keep_lag or min(chunk, n_steps) < keep_lag:
        raise ValueError(
            f"n_steps={n_steps} in chunks of {chunk} do not reach over {keep_lag} lags: run longer."
        )
    number("fraction", fraction, above=0, high=1)
    number("longest", longest, above=1)
    number("least_share", least_share, low=0, high=0.5)
    activity = driven_activity(
        model,
        n_steps=n_steps,
        n_trials=n_trials,
        burn_in=burn_in,
        p=p,
        hold=hold,
        levels=levels,
        dt=dt,
        variable=variable,
        chunk=chunk,
        key=key,
    )
    sums, spread = None, None
    for x in activity:
        # The population is one more unit.
        every = jnp.concatenate([x, x.sum(axis=2, keepdims=True)], axis=2)
        sums = LagSums(every, keep_lag) if sums is None else sums.add(every)
        spread = CovarianceSums(x) if spread is None else spread.add(x)
    assert sums is not None  # n_steps is at least 1
    assert spread is not None
    return _labelled(
        model, sums, spread, max_lag, float(dt), fraction, longest=longest, share=least_share
    )


def _coords(model: AbstractSystem) -> dict[str, Any]:
    """Coordinates of the units; their own time constants are named `own_tau`, not `tau`."""
    own = {"tau": ("own_tau", "ms")}
    coords = {}
    for name, values in model.unit_coords().items():
        label, units = own.get(name, (name, "1"))
        dim, values, units = unit_coord(values, units)
        if dim != "unit":
            continue
        long_name = "time constant of the unit itself" if name in own else name.replace("_", " ")
        coords[label] = described("unit", values, units, long_name)
    return coords


def _labelled(model, sums, spread, max_lag, dt, fraction, *, longest, share) -> xr.Dataset:
    step, units = (1.0, "1") if isinstance(model, AbstractMap) else (dt, "ms")
    values = np.asarray(sums.autocorrelation())
    coords = _coords(model)
    acf = label_lags(values[:, :-1], step, units, coords)
    total = label_lags(values[:, -1:], step, units)
    window = {"max_lag": max_lag * step, "longest": longest * step, "least_share": share}
    fit = fit_exponentials(acf, **window)
    one = fit_exponentials(total, **window)
    fit["autocorrelation"] = acf
    long_name = "autocorrelation of the summed activity"
    fit["population_autocorrelation"] = described("lag", total.values[:, 0], "1", long_name)
    for name in ("tau", "n_exponentials"):
        long_name = f"{one[name].attrs['long_name']}, summed activity"
        attrs = one[name].attrs | {"long_name": long_name}
        fit[f"population_{name}"] = ((), one[name].values[0], attrs)
    count = components_for(spread.covariance(), fraction)
    long_name = f"components for {fraction:.0%} of the variance"
    fit["dimension"] = described("trial", count, "1", long_name)
    return fit.assign_attrs(n_samples=int(sums.n), max_lag=float(max_lag * step))
