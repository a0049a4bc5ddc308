"""Lissajous curves that follow each other at random: continuous primitives, probabilistic order."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from neurodyn.common.checks import number, numbers, whole
from neurodyn.common.random import as_key
from neurodyn.task import Trial
from neurodyn.tasks.base import check_names
from neurodyn.tasks.sequences.generator import AbstractGenerator
from neurodyn.tasks.timeline import check_step

#: Default transitions: each curve is followed by one of the two others.
TRANSITIONS = ((0.0, 0.7, 0.3), (0.3, 0.0, 0.7), (0.7, 0.3, 0.0))


class Lissajous(AbstractGenerator):
    """Planar curves, each drawn once, switched by a Markov chain.

    Curve c is ``amplitude (sin(2 pi p t / T), sin(2 pi q t / T))`` with its frequencies ``(p, q)``
    and the common period T. All of them start and end at the origin, so that the trajectory is
    continuous; only the order of curves is random.

    Parameters
    ----------
    dt
        Step [ms]; default 1.
    frequencies
        Pair ``(p, q)`` of whole numbers for each curve; a negative one reverses its axis. Default
        three curves: ``(1, 2)``, ``(2, 1)`` and ``(3, 2)``.
    transitions
        ``(curve, next curve)`` probabilities. Default: each of three curves is followed by the
        next one with 0.7, by the other with 0.3. Given other numbers of curves, all that follow
        are as likely.
    period
        Steps of a curve; default 16, so that the fastest default component has more than five
        samples a cycle.
    n_curves
        Curves in a sequence; default 8.
    amplitude
        Default 0.8, within reach of a tanh output.
    noise_std
        Standard deviation of independent noise on each output; default 0.

    Raises
    ------
    ValueError
        If frequencies are not pairs of whole numbers or two curves are the same, transitions are
        not probabilities, or a component has fewer than three samples a cycle.

    Notes
    -----
    Ahmadi & Tani (2019) used hand-drawn primitives, which are not public; Namikawa & Tani (2010)
    used Markov-switched Lissajous curves for the same question. The curves and probabilities here
    are ours.

    References
    ----------
    Namikawa & Tani, Neural Netw. 2010; Ahmadi & Tani, Neural Comput. 2019.

    Examples
    --------
    >>> Lissajous().batch(0, 20).targets.shape
    (20, 128, 2)
    """

    transitions: Float[Array, "curve next"]
    amplitude: Float[Array, ""]
    noise_std: Float[Array, ""]
    frequencies: tuple[tuple[int, int], ...] = eqx.field(static=True)
    period: int = eqx.field(static=True)
    n_curves: int = eqx.field(static=True)
    dt: float = eqx.field(static=True)
    reference: ClassVar[tuple[str, ...]] = ("namikawa2010", "ahmadi2019")
    renamed_fields: ClassVar[dict[str, str]] = {"sigma": "noise_std"}
    output_names: ClassVar[tuple[str, ...]] = ("x", "y")

    def __init__(
        self,
        dt: float | int = 1.0,
        *,
        frequencies: Any = ((1, 2), (2, 1), (3, 2)),
        transitions: Any = None,
        period: Any = 16,
        n_curves: Any = 8,
        amplitude: Any = 0.8,
        noise_std: Any = 0.0,
    ):
        check_step(dt)
        self.dt = float(dt)
        self.period = whole("period", period)
        self.n_curves = whole("n_curves", n_curves)
        self.frequencies = _frequencies(frequencies, self.period)
        n = len(self.frequencies)
        if transitions is None:
            transitions = TRANSITIONS if n == 3 else np.full((n, n), 1 / n)
        self.transitions = numbers("transitions", transitions, low=0, high=1, ndim=2)
        rows = np.asarray(self.transitions, np.float64)
        if rows.shape != (n, n) or not np.allclose(rows.sum(1), 1, atol=1e-6):
            raise ValueError(
                f"`transitions` must be ({n}, {n}), each row summing to 1, got {transitions!r}."
            )
        self.amplitude = number("amplitude", amplitude, above=0)
        self.noise_std = number("noise_std", noise_std, low=0)

    @property
    def n_steps(self) -> int:
        """Steps of a sequence."""
        return self.period * self.n_curves

    def sample(self, key: PRNGKeyArray, **conditions: Any) -> Trial:
        """One sequence; can be given: ``first``, the curve that it begins with (else any)."""
        check_names(conditions, self.condition_table())
        k_first, k_next, k_noise = jax.random.split(as_key(key), 3)
        first = jax.random.randint(k_first, (), 0, len(self.frequencies), jnp.int32)
        first = jnp.asarray(conditions.get("first", first)).astype(jnp.int32)
        chance = jnp.log(self.transitions)

        def follow(curve, key):
            return jax.random.categorical(key, chance[curve]).astype(jnp.int32), curve

        _, order = jax.lax.scan(follow, first, jax.random.split(k_next, self.n_curves))
        shape, dtype = (self.n_steps, 2), self.amplitude.dtype
        targets = self.curves()[order].reshape(shape)
        targets = targets + self.noise_std * jax.random.normal(k_noise, shape, dtype)
        return self._trial(targets, {"first": first})

    def curves(self) -> Float[Array, "curve step output"]:
        """Each curve once; its last sample is the origin, where the next one starts."""
        step = jnp.arange(1, self.period + 1).astype(self.amplitude.dtype)
        cycles = jnp.asarray(self.frequencies).astype(self.amplitude.dtype)
        phase = 2 * jnp.pi * cycles[:, None, :] * step[None, :, None] / self.period
        return self.amplitude * jnp.sin(phase)

    def order(self, outputs: Float[Array, "*batch time output"]) -> Int[Array, "*batch place"]:
        """The curve nearest to each period of an output, by summed squared distance."""
        n = outputs.shape[-2] // self.period
        cut = outputs[..., : n * self.period, :].reshape(*outputs.shape[:-2], n, self.period, 2)
        curves = jnp.expand_dims(self.curves(), range(cut.ndim - 2))
        apart = jnp.square(cut[..., None, :, :] - curves)
        return jnp.argmin(jnp.sum(apart, axis=(-2, -1)), axis=-1)

    def score(self, outputs: Float[Array, "trial time output"], trials: Trial) -> dict[str, Array]:
        """``mse``, and ``correct``: the fraction of periods whose nearest curve is the target's."""
        right = (self.order(outputs) == self.order(trials.targets)).astype(outputs.dtype)
        return {"correct": jnp.mean(right, axis=1), "mse": self.loss(outputs, trials)}

    def condition_table(self) -> dict[str, Array]:
        """Curves to begin with."""
        return {"first": jnp.arange(len(self.frequencies), dtype=jnp.int32)}

    def labels(self) -> dict[str, dict[int, str]]:
        """Curves by their frequencies."""
        return {"first": {i: f"{p}:{q}" for i, (p, q) in enumerate(self.frequencies)}}


def _frequencies(given: Any, period: int) -> tuple[tuple[int, int], ...]:
    pairs = np.asarray(given)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or (pairs != np.round(pairs)).any():
        raise ValueError(f"`frequencies` must be pairs of whole numbers, got {given!r}.")
    if len(np.unique(pairs, axis=0)) != len(pairs):
        raise ValueError(f"`frequencies` names a curve twice: {given!r}.")
    if (pairs == 0).all(1).any() or 3 * np.abs(pairs).max() > period:
        raise ValueError(
            f"`frequencies` must not both be 0, and at most a third of the period of {period} "
            f"steps, got {given!r}."
        )
    return tuple((int(p), int(q)) for p, q in pairs)
