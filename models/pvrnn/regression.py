"""Error regression: what a network makes of a stream, from the errors of a sliding window."""

from typing import Any, Literal, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jaxtyping import Array, Float, Int

from neurodyn import labels
from neurodyn.models.pvrnn import inference
from neurodyn.models.pvrnn.inference import Adam, Pass, Stretch
from neurodyn.models.pvrnn.streams import as_streams, check_network, latent_coords, one_key_each
from neurodyn.params import resolve
from neurodyn.system import as_key

__all__ = ["ErrorRegression", "error_regression"]

NewEntry = Literal["prior", "previous", "zeros", "normal"]


class ErrorRegression(eqx.Module):
    """How latents are inferred from a stream.

    At every new observation, the adaptive vectors of the last ``window`` steps are moved down the
    loss (errors of these steps and weighted divergences) by a fresh Adam, weights frozen; then the
    prior goes on from there. The state before the window is the one reached when its last dropped
    step left. In the first steps the window grows.

    The defaults are those of :meth:`soda2023`; :meth:`idei2022` is the other published line.

    Parameters
    ----------
    window
        Steps.
    iterations
        Passes through the window for each observation.
    learning_rate, betas
        Of Adam.
    warm_start
        ``"in place"``: when the window moves, adaptive vectors stay at their place in it;
        ``"shifted"``: they move along with the steps that they belong to.
    new_entry
        Adaptive vector of a step that is new in the window (with ``"in place"``: only as long as
        the window grows): ``"prior"``, such that the posterior is the prior; ``"previous"``, that
        of the step before; ``"zeros"``; ``"normal"``, standard normal.
    edge_prior
        Prior of the first step of the window: ``"unit"``, always the unit Gaussian with the weight
        ``w_first``; ``"learned"``, only for the first step of the stream.
    evaluate_last
        Whether the last iteration is a pass without update; else one follows them.
    keep_best
        Whether the best pass counts instead of the last.
    w, w_first
        Meta-priors, one or one for each layer; None: those of training.
    noise
        Whether latents are drawn; else they take their means.

    References
    ----------
    Ahmadi & Tani, Neural Comput. 2019.
    """

    learning_rate: Float[Array, ""]
    betas: Float[Array, " 2"]
    w: Any
    w_first: Any
    window: int = eqx.field(static=True)
    iterations: int = eqx.field(static=True)
    warm_start: str = eqx.field(static=True)
    new_entry: str = eqx.field(static=True)
    edge_prior: str = eqx.field(static=True)
    evaluate_last: bool = eqx.field(static=True)
    keep_best: bool = eqx.field(static=True)
    noise: bool = eqx.field(static=True)

    def __init__(
        self,
        window: int = 15,
        iterations: int = 20,
        learning_rate: float = 0.09,
        *,
        betas: tuple[float, float] = (0.5, 0.999),
        warm_start: Literal["in place", "shifted"] | str = "in place",
        new_entry: NewEntry | str = "normal",
        edge_prior: Literal["unit", "learned"] | str = "unit",
        evaluate_last: bool = True,
        keep_best: bool = False,
        w: Any = None,
        w_first: Any = None,
        noise: bool = True,
    ):
        for name, n in (("window", window), ("iterations", iterations)):
            if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
                raise ValueError(f"`{name}` must be a whole number >= 1, got {n!r}.")
        if not float(learning_rate) > 0:
            raise ValueError(f"`learning_rate` must be above 0, got {learning_rate!r}.")
        if np.shape(betas) != (2,) or not all(0 <= float(b) < 1 for b in betas):
            raise ValueError(f"`betas` are two numbers in [0, 1), got {betas!r}.")
        for name, value, known in (
            ("warm_start", warm_start, ("in place", "shifted")),
            ("new_entry", new_entry, ("prior", "previous", "zeros", "normal")),
            ("edge_prior", edge_prior, ("unit", "learned")),
        ):
            if value not in known:
                raise ValueError(f"`{name}` must be one of {list(known)}, got {value!r}.")
        dtype = jnp.result_type(float)
        self.window, self.iterations = int(window), int(iterations)
        self.learning_rate = jnp.asarray(learning_rate, dtype)
        self.betas = jnp.asarray(betas, dtype)
        self.warm_start, self.new_entry, self.edge_prior = warm_start, new_entry, edge_prior
        self.evaluate_last, self.keep_best, self.noise = evaluate_last, keep_best, noise
        self.w, self.w_first = w, w_first

    @staticmethod
    def soda2023(**changes: Any) -> "ErrorRegression":
        """As in Soda et al. (2023), the code closest to the paper: see the defaults.

        Soda, Ahmadi, Tani, Honda, Hanakawa & Yamashita, Front. Psychiatry 2023.
        """
        return ErrorRegression(**changes)

    @staticmethod
    def idei2022(**changes: Any) -> "ErrorRegression":
        """As in Idei et al. (2022).

        A window of 10 steps, 50 iterations, adaptive vectors that move along and start at the
        prior, the learned prior at the edge, and Adam's usual betas.

        Idei, Ohata, Yamashita, Ogata & Tani, Sci. Rep. 2022.
        """
        settings: dict[str, Any] = {
            "window": 10,
            "iterations": 50,
            "betas": (0.9, 0.999),
            "warm_start": "shifted",
            "new_entry": "prior",
            "edge_prior": "learned",
            "evaluate_last": False,
        }
        return ErrorRegression(**(settings | changes))

    @property
    def n_updates(self) -> int:
        """Updates for each observation."""
        return self.iterations - 1 if self.evaluate_last else self.iterations


def error_regression(
    model: Any,
    observed: Any,
    method: ErrorRegression | None = None,
    *,
    n_horizons: int = 1,
    n_samples: int = 1,
    mask: Any = None,
    windows: bool = False,
    dt: float = 1.0,
    key: Any,
) -> xr.Dataset:
    """Follow streams of observations, inferring latents from errors and predicting what comes.

    Nothing that is reported at a time depends on later observations, and streams do not depend on
    each other.

    Parameters
    ----------
    model
        A trained PV-RNN.
    observed
        ``(trial, time, output)``: an array, a labelled array, or a Dataset with ``targets``.
    method
        How; default :meth:`ErrorRegression.soda2023`.
    n_horizons
        How many steps ahead to predict.
    n_samples
        Rollouts of the prior at every step; predictions are their mean. 0: one rollout along the
        means of the latents, without noise.
    mask
        Weight of the error of each observation, shaped like ``observed``; where it is 0 nothing
        was observed (the value is not read).
    windows
        Whether to return also how the window looks after each regression.
    dt
        Step [ms].
    key
        Seed or key.

    Returns
    -------
    xr.Dataset
        On ``trial`` and ``time``, each after the observation of that time:

        - ``prediction`` ``(trial, time, horizon, output)``, what is expected h steps later; with
          several samples ``prediction_std``;
        - ``reconstruction`` ``(trial, time, output)`` of the newest step;
        - ``z``, ``mean``, ``sigma``, ``prior_mean``, ``prior_sigma`` ``(trial, time, latent)`` of
          the newest step;
        - ``loss`` ``(trial, time, iteration)`` before each update and at the end;
        - with ``windows``: ``postdiction`` ``(trial, lag, time, output)``, at lags 0, -1, ...;
          before the start of the stream its first step is repeated.

    Raises
    ------
    ValueError, TypeError
        If the model is no PV-RNN, or the observations do not fit it or have holes.
    """
    method = ErrorRegression() if method is None else method
    if not isinstance(method, ErrorRegression):
        raise TypeError(f"`method` must be an ErrorRegression, got a {type(method).__name__}.")
    check_network(model)
    x, mask = as_streams(observed, mask, model.n_outputs)
    for name, n, least in (("n_horizons", n_horizons, 1), ("n_samples", n_samples, 0)):
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < least:
            raise ValueError(f"`{name}` must be a whole number >= {least}, got {n!r}.")
    key = as_key(key, needed_for="Error regression")
    network = inference.with_meta_prior(model.mode("free"), method.w, method.w_first)
    out = _follow(
        network,
        jnp.swapaxes(x, 0, 1),
        jnp.swapaxes(mask, 0, 1),
        eqx.tree_at(lambda m: (m.w, m.w_first), method, (None, None), is_leaf=lambda x: x is None),
        key,
        n_horizons=int(n_horizons),
        n_samples=int(n_samples),
        windows=bool(windows),
    )
    return _label(model, {n: np.asarray(a) for n, a in out.items()}, method, dt, n_samples)


class Carry(NamedTuple):
    """What is kept between observations.

    Attributes
    ----------
    u0
        State before the window.
    A
        Adaptive vectors of the window.
    observed, mask
        What was observed in it.
    u
        States along it, of the last pass.
    n
        Steps in it.
    """

    u0: Float[Array, "trial unit"]
    A: Float[Array, "time trial raw"]
    observed: Float[Array, "time trial output"]
    mask: Float[Array, "time trial output"]
    u: Float[Array, "time trial unit"]
    n: Int[Array, ""]


@eqx.filter_jit
def _follow(model, observed, mask, method, key, *, n_horizons, n_samples, windows):
    model = resolve(model)
    n_trials, size = observed.shape[1], method.window
    keys = one_key_each(key, n_trials)
    n_raw, n_units = 2 * sum(model.n_latents), sum(model.n_units)
    dtype = observed.dtype

    def blank(*shape):
        return jnp.zeros(shape, dtype)

    start = Carry(
        blank(n_trials, n_units),
        blank(size, n_trials, n_raw),
        blank(size, *observed.shape[1:]),
        blank(size, *observed.shape[1:]),
        blank(size, n_trials, n_units),
        jnp.asarray(0, jnp.int32),
    )
    adam = Adam(method.learning_rate, method.betas[0], method.betas[1])

    def body(carry, now):
        number, x, seen = now
        at = jax.vmap(lambda k: jax.random.fold_in(k, number))(keys)
        dropped = number >= size
        carry = _slide(model, method, carry, x, seen, at, number)
        stretch = Stretch(
            carry.u0,
            carry.observed,
            carry.mask,
            jnp.arange(size, dtype=jnp.int32) < carry.n,
            jnp.asarray(True) if method.edge_prior == "unit" else ~dropped,
        )
        found = inference.descend(
            model,
            carry.A,
            stretch,
            _deviations(method, at, (size, n_raw // 2), dtype),
            adam,
            n_updates=method.n_updates,
            keep_best=method.keep_best,
        )
        newest = carry.n - 1
        ahead = _ahead(model, found.run.u[newest], at, n_horizons, n_samples)
        out = _report(model, found, newest, ahead, windows)
        return carry._replace(A=found.A, u=found.run.u), out

    numbers = jnp.arange(observed.shape[0], dtype=jnp.int32)
    _, out = jax.lax.scan(body, start, (numbers, observed, mask))
    return out


def _slide(model, method, carry, x, seen, keys, number) -> Carry:
    """The window after a new observation."""
    size = method.window
    full = carry.n == size
    n = jnp.minimum(carry.n + 1, size)

    def shifted(a):
        return jnp.where(full, jnp.roll(a, -1, axis=0), a)

    def append(buffer, row):
        return shifted(buffer).at[n - 1].set(row)

    # The state that the step which drops out had led to; zeros as long as none does.
    u0 = jnp.where(full, carry.u[0], carry.u0)
    A = shifted(carry.A) if method.warm_start == "shifted" else carry.A
    before = jnp.maximum(carry.n - 1, 0)
    if method.new_entry == "prior":
        last = jnp.where(carry.n == 0, carry.u0, carry.u[before])
        row = inference.raw_of_prior(model, last, carry.n == 0)
    elif method.new_entry == "previous":
        row = carry.A[before]
    elif method.new_entry == "zeros":
        row = jnp.zeros_like(A[0])
    else:
        fresh = jax.vmap(lambda k: jax.random.fold_in(k, _NEW))(keys)
        row = jax.vmap(lambda k: jax.random.normal(k, A.shape[2:], A.dtype))(fresh)
    grown = A.at[n - 1].set(row)
    A = grown if method.warm_start == "shifted" else jnp.where(full, A, grown)
    return Carry(u0, A, append(carry.observed, x), append(carry.mask, seen), carry.u, n)


# Numbers of the keys of what is drawn at a step; passes have those from 0 on.
_NEW, _AHEAD = 2**32 - 1, 2**32 - 2


def _deviations(method, keys, shape, dtype):
    def draw(k):
        if not method.noise:
            return jnp.zeros((shape[0], keys.shape[0], shape[1]), dtype)
        now = jax.vmap(lambda key: jax.random.fold_in(key, k))(keys)
        return jax.vmap(lambda key: jax.random.normal(key, shape, dtype), out_axes=1)(now)

    return draw


def _ahead(model, u, keys, n_horizons: int, n_samples: int):
    if n_samples == 0:
        mean = inference.rollout_prior(model, u, None, n_horizons)
        return mean, None
    keys = jax.vmap(lambda k: jax.random.fold_in(k, _AHEAD))(keys)
    if n_samples == 1:
        return inference.rollout_prior(model, u, keys, n_horizons), None
    many = jax.vmap(lambda k: jax.random.split(k, n_samples), out_axes=1)(keys)
    each = jax.vmap(lambda k: inference.rollout_prior(model, u, k, n_horizons))(many)
    return jnp.mean(each, 0), jnp.std(each, 0)


def _report(model, found, newest, ahead, windows) -> dict[str, Array]:
    run: Pass = found.run
    mean, std = ahead
    u = run.u if windows else run.u[newest][None]
    outputs = model.head.outputs(model.raw_outputs(jnp.tanh(u)))
    out = {
        "prediction": mean,
        "reconstruction": outputs[newest] if windows else outputs[0],
        "z": run.z[newest],
        "mean": run.q.mean[newest],
        "sigma": run.q.sigma[newest],
        "prior_mean": run.p.mean[newest],
        "prior_sigma": run.p.sigma[newest],
        "loss": found.losses,
    }
    if std is not None:
        out["prediction_std"] = std
    if windows:
        # Lags count back from the newest step.
        back = newest - jnp.arange(u.shape[0], dtype=jnp.int32)
        out["postdiction"] = outputs[jnp.maximum(back, 0)]
    return out


def _label(model, out, method, dt, n_samples) -> xr.Dataset:
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
    n_time = out["z"].shape[0]
    coords = {
        "time": labels.time_axis(n_time, dt),
        "horizon": ("horizon", np.arange(1, out["prediction"].shape[1] + 1), "1", "steps ahead"),
        **latent_coords(model),
    }
    if "postdiction" in out:
        coords["lag"] = -dt * np.arange(method.window)
    attrs = {
        "model": type(model).__name__,
        "dt": dt,
        "window": method.window,
        "iterations": method.iterations,
        "n_samples": n_samples,
        "warm_start": method.warm_start,
        "new_entry": method.new_entry,
        "edge_prior": method.edge_prior,
    }
    return labels.dataset(variables, coords, source="model", attrs=attrs, values=False)
