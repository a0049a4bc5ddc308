"""Training a model to carry on by itself, while data keep it from drifting away."""

import abc
from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from neurodyn.common.checks import whole
from neurodyn.common.masked import masked_mean_square
from neurodyn.params import with_values
from neurodyn.task import Trial
from neurodyn.training.objectives.expansion import ESTIMATORS, expansion
from neurodyn.training.objectives.forced_run import Forceable, forced_predictions
from neurodyn.training.objectives.objective import AbstractObjective, check_sizes, scalar


class AbstractForcing(AbstractObjective):
    """Squared error of a run from the first observation of a window, with forcing on the way.

    The targets of a trial are the window: the model starts from the state that its first sample
    points to and predicts the others. A prediction is compared with the data before the state it
    came from is forced.

    Attributes
    ----------
    penalties
        Weights of penalties, by their name in ``model.penalties()``.
    """

    penalties: eqx.AbstractVar[dict[str, Float[Array, ""]]]

    @abc.abstractmethod
    def strength(self, model: Any, n_steps: int, alpha: Any) -> Float[Array, "time unit"]:
        """Fraction by which each unit is pulled towards the data after each step."""

    @abc.abstractmethod
    def advance(self, model: Any, trials: Trial, aux: PyTree) -> tuple[Any, PyTree, dict]:
        """The strength ``alpha`` of this update, the next state, and numbers for the history."""

    def __call__(self, model, task, trials, aux, *, key):
        alpha, aux, metrics = self.advance(model, trials, aux)
        mse = self._mse(model, trials, alpha)
        loss, weighed = mse, {}
        if self.penalties:
            available = with_values(model).penalties()
            weighed = {name: available[name] for name in self.penalties}
            loss = loss + sum(self.penalties[n].astype(mse.dtype) * weighed[n] for n in weighed)
            metrics = {"mse": mse, **metrics, **{f"penalty_{n}": x for n, x in weighed.items()}}
        return loss, metrics, aux

    def evaluate(self, model, task, trials, aux, *, key):
        mse = self._mse(model, trials, None if aux is None else aux.alpha)
        return {"loss": mse, "mse": mse}

    def _mse(self, model, trials, alpha):
        strength = self.strength(model, trials.targets.shape[1] - 1, alpha)
        predictions = forced_predictions(model, trials, strength)
        later, mask = trials.targets[:, 1:], trials.mask[:, 1:].astype(predictions.dtype)
        return masked_mean_square(predictions - later, mask)


class SparseTeacherForcing(AbstractForcing):
    """Put the data in place of the state every few steps, and leave the model alone in between.

    Every ``every`` steps the units that an observation determines become what the data say (with
    the identity observation, the observed units); the others go on. No gradient flows through what
    was replaced.

    Parameters
    ----------
    every
        Steps between forcings, tau in the papers; published for Lorenz's system at dt = 0.01: 16.
        Errors double in ``ln 2 / (lambda dt)`` steps, lambda being the largest exponent: 77 there.
        Forcing more often than that keeps gradients in bounds.
    penalties
        ``{name: weight}`` of the penalties in ``model.penalties()``; default none.

    References
    ----------
    Mikhaeil, Monfared & Durstewitz, "On the difficulty of learning chaotic dynamics with RNNs",
    NeurIPS 2022; Brenner et al., ICML 2022 and NeurIPS 2024.
    """

    every: Int[Array, ""]
    penalties: dict[str, Float[Array, ""]]

    def __init__(self, every: int, *, penalties: Mapping[str, Any] | None = None):
        self.every = jnp.asarray(whole("every", every), jnp.int32)
        self.penalties = _weights(penalties)

    def check(self, model, task):
        _check(model, task, self.penalties)

    def advance(self, model, trials, aux):
        return None, aux, {}

    def strength(self, model, n_steps, alpha):
        steps = jnp.arange(1, n_steps + 1, dtype=jnp.int32)
        due = (steps % self.every == 0)[:, None]
        return (due & _first(model.n_units, model.n_forced)[None, :]).astype(_dtype(model))


class Alpha(NamedTuple):
    """State of adaptive forcing: its strength, and the number of updates taken."""

    alpha: Float[Array, "*seed"]
    updates: Int[Array, "*seed"]


class GeneralisedTeacherForcing(AbstractForcing):
    r"""Pull the state a part of the way towards the data after every step.

    .. math:: \tilde z_t = (1 - \alpha) z_t + \alpha \hat z_t, \quad z_{t+1} = F(\tilde z_t)

    where :math:`\hat z_t` is the state that the observation points to. Gradients through time are
    damped by :math:`1 - \alpha` at every step, and stay bounded with
    :math:`\alpha \ge 1 - 1 / S` for an S that bounds how Jacobians expand along the data.

    Parameters
    ----------
    alpha
        A number in [0, 1]: constant (0: none at all). Or the name of an estimator of S, from which
        alpha adapts, starting at 1; over the windows of a batch, with Jacobians J at the states
        that the data point to:

        ``"product_upper_bound"``
            the largest geometric mean over time of :math:`\|J_t\|_2` (published for Lorenz, ECG);
        ``"arithmetic_mean"``
            the largest norm of the mean Jacobian (published for EEG);
        ``"explog_approx"``
            the largest :math:`\|\exp(\mathrm{mean} \log J_t)\|_2`;
        ``"batch_maximum"``
            the largest :math:`\|J_t\|_2`;
        ``"jacobian_upper_bound"``
            the model's own bound over all states.
    adapt_every
        Updates between estimates (published: 5).
    gamma
        How slowly alpha falls: where an estimate ``max(0, 1 - 1/S)`` lies above alpha, alpha
        becomes the estimate, else ``gamma alpha + (1 - gamma) estimate`` (published: 0.999).
    partial
        Whether only the first ``n_outputs`` units are pulled, also where an observation determines
        more.
    penalties
        ``{name: weight}`` of the penalties in ``model.penalties()``; default none.

    Notes
    -----
    Estimates are made only when they are due. In one batched program, as of ``Seeds(n,
    how="vmap")``, both sides of every condition are computed: there an estimate is made, and mostly
    dropped, at every update. Train ensembles with adaptive strength by ``how="map"``.

    References
    ----------
    Hess, Monfared, Brenner & Durstewitz, "Generalized teacher forcing for learning chaotic
    dynamics", ICML 2023.
    """

    alpha: Float[Array, ""]
    estimator: str | None = eqx.field(static=True)
    adapt_every: Int[Array, ""]
    gamma: Float[Array, ""]
    partial: bool = eqx.field(static=True)
    penalties: dict[str, Float[Array, ""]]

    def __init__(
        self,
        alpha: float | int | str = "product_upper_bound",
        *,
        adapt_every: int = 5,
        gamma: float = 0.999,
        partial: bool = False,
        penalties: Mapping[str, Any] | None = None,
    ):
        if isinstance(alpha, str) and alpha not in ESTIMATORS:
            raise ValueError(
                f"`alpha` is a number or one of the estimators {', '.join(ESTIMATORS)}; got "
                f"{alpha!r}."
            )
        self.estimator = alpha if isinstance(alpha, str) else None
        start = 1.0 if isinstance(alpha, str) else alpha
        self.alpha = scalar(start, "`alpha` must be a number from 0 to 1", most=1)
        self.adapt_every = jnp.asarray(whole("adapt_every", adapt_every), jnp.int32)
        self.gamma = scalar(gamma, "`gamma` must be a number from 0 to 1", most=1)
        self.partial = bool(partial)
        self.penalties = _weights(penalties)

    def check(self, model, task):
        _check(model, task, self.penalties)
        needed = "jacobian_bound" if self.estimator == "jacobian_upper_bound" else "jacobian"
        if self.estimator is not None and not hasattr(model, needed):
            raise TypeError(
                f"alpha={self.estimator!r} needs a model with {needed}(), which "
                f"{type(model).__name__} lacks: pass a number."
            )

    def init(self, model, task, *, key):
        return Alpha(self.alpha, jnp.asarray(0, jnp.int32))

    def advance(self, model, trials, aux):
        alpha, n = aux.alpha, aux.updates + 1
        if self.estimator is not None:
            due = n % self.adapt_every == 0
            still = jax.lax.stop_gradient
            at_rest = jax.tree.map(lambda x: still(x) if eqx.is_array(x) else x, model)
            alpha = jax.lax.cond(due, lambda: self._adapt(at_rest, trials, alpha), lambda: alpha)
        return alpha, Alpha(alpha, n), {"alpha": alpha}

    def _adapt(self, model, trials, alpha):
        S = expansion(self.estimator, model, trials)
        estimate = jnp.maximum(0, 1 - 1 / S).astype(alpha.dtype)
        slow = self.gamma * alpha + (1 - self.gamma) * estimate
        # An estimate that is not finite (a model about to fail) changes nothing.
        new = jnp.where(estimate > alpha, estimate, slow)
        return jnp.where(jnp.isfinite(new), new, alpha)

    def strength(self, model, n_steps, alpha):
        n = model.n_outputs if self.partial else model.n_forced
        units = jnp.where(_first(model.n_units, n), alpha, jnp.zeros_like(alpha))
        return jnp.broadcast_to(units.astype(_dtype(model)), (n_steps, model.n_units))


def _check(model: Any, task: Any, penalties: Mapping[str, Any]) -> None:
    if not isinstance(model, Forceable):
        raise TypeError(
            f"{type(model).__name__} cannot be forced: it needs n_units, n_forced, step(z, u) and "
            "infer(x), as the models of the PLRNN family have."
        )
    check_sizes(model, task, "n_inputs", "n_outputs")
    if task.scored != "every" or task.n_steps < 2:
        raise ValueError(
            f"Forcing needs targets at two steps or more, which {type(task).__name__} does not "
            "have: use tasks.Windows."
        )
    if penalties:
        known = sorted(with_values(model).penalties()) if hasattr(model, "penalties") else []
        for name in penalties:
            if name not in known:
                raise ValueError(f"{type(model).__name__} has no penalty {name!r}; it has {known}.")


def _first(n_units: int, n: int) -> Array:
    return jnp.arange(n_units) < n


def _dtype(model: Any) -> Any:
    return next(x.dtype for x in jax.tree.leaves(model) if eqx.is_inexact_array(x))


def _weights(penalties: Mapping[str, Any] | None) -> dict[str, Float[Array, ""]]:
    rule = "The weight of penalty {!r} must be a number >= 0"
    return {n: scalar(x, rule.format(n)) for n, x in sorted((penalties or {}).items())}
