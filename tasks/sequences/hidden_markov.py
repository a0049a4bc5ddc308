"""Hidden Markov models: random symbols whose probabilities change with a hidden state."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from neurodyn.common.checks import number, whole
from neurodyn.common.random import as_key
from neurodyn.task import Trial
from neurodyn.tasks.base import AbstractDrawnTask, check_names
from neurodyn.tasks.losses import weighted_sum
from neurodyn.tasks.sequences import markov
from neurodyn.tasks.timeline import check_step

__all__ = ["HiddenMarkov"]


class HiddenMarkov(AbstractDrawnTask):
    r"""Sequences of a hidden Markov model, to be emulated by a network that is driven by noise.

    A hidden state moves by ``transitions`` and emits one symbol a step by ``emissions``. Targets
    are the symbols in one-hot code; inputs are white Gaussian noise, independent of them. So a
    network cannot predict the targets. It can only learn to emit sequences of the same
    distribution (:class:`~neurodyn.training.MatchDistribution`).

    Parameters
    ----------
    dt
        Step [ms]: one symbol a step. The model has no clock of its own; default 1.
    transitions
        Probabilities ``(state, next state)``, rows sum to 1. Default: those of :meth:`chain`.
    emissions
        Probabilities ``(state, symbol)``, rows sum to 1. Default: those of :meth:`chain`, for three
        symbols.
    initial
        Probabilities of the first state. Default: the stationary ones, so that every window of a
        sequence has the same distribution.
    n_noise
        Noise channels, independent and with standard deviation 1; default 100 (Torre et al. 2025).
    n_steps
        Length of a sequence; default 30 (Torre et al. 2025: 30 to 100).

    Raises
    ------
    ValueError
        If probabilities are negative, do not sum to 1 or do not fit each other, or the stationary
        ones are asked for where there are several.

    See Also
    --------
    StateMachine : the symbol depends on the move, and words are exact.

    References
    ----------
    Torre, Viscione, Pompe, Grewe & Mante, "Mechanistic interpretability of RNNs emulating hidden
    Markov models", NeurIPS 2025. Rabiner, Proc. IEEE 1989 (forward algorithm, most likely path).
    Cover & Thomas, Elements of Information Theory, section 4.5 (bounds of the entropy rate).

    Examples
    --------
    >>> task = HiddenMarkov.chain(3)
    >>> task.frequencies().round(3).tolist()
    [0.495, 0.01, 0.495]
    >>> task.log_likelihood([[0, 0, 0, 2, 2, 2]]).round(3).tolist()
    [-4.551]
    """

    transitions: Float[Array, "state next"]
    emissions: Float[Array, "state symbol"]
    initial: Float[Array, " state"] | None
    dt: float = eqx.field(static=True)
    n_steps: int = eqx.field(static=True)
    n_noise: int = eqx.field(static=True)
    t0: ClassVar[float] = 0.0
    align_event: ClassVar[str] = "sequence start"
    reference: ClassVar[tuple[str, ...]] = ("torre2025",)

    def __init__(
        self,
        dt: float | int = 1.0,
        *,
        transitions: Any = None,
        emissions: Any = None,
        initial: Any = None,
        n_noise: Any = 100,
        n_steps: Any = 30,
    ):
        check_step(dt)
        self.dt, self.n_steps = float(dt), whole("n_steps", n_steps)
        self.n_noise = whole("n_noise", n_noise, least=0)
        if transitions is None:
            n = 2 if emissions is None else max(1, len(np.atleast_2d(np.asarray(emissions))))
            transitions = markov.chain(n, 0.95)
        self.transitions = markov.rows("transitions", transitions)
        n, columns = self.transitions.shape
        if n != columns:
            raise ValueError(
                f"`transitions` must be (state, next state), got shape {(n, columns)}."
            )
        self.emissions = markov.rows(
            "emissions", markov.ramp(n) if emissions is None else emissions
        )
        if len(self.emissions) != n:
            raise ValueError(
                f"`emissions` must have a row for each of the {n} states, got "
                f"{len(self.emissions)} rows."
            )
        self.initial = None if initial is None else markov.rows("initial", initial, ndim=1)
        if self.initial is None:
            self.stationary()
        elif len(self.initial) != n:
            raise ValueError(f"`initial` must have {n} entries, got {len(self.initial)}.")

    @classmethod
    def chain(cls, n_states: int = 2, *, stay: Any = 0.95, **options: Any) -> "HiddenMarkov":
        """A line of states, each of which leads to its neighbours.

        Parameters
        ----------
        n_states
            Number of states, at least 2.
        stay
            Probability of staying in a state.
        **options
            Those of the class; emissions go from (0.99, 0.01, 0) in the first state to
            (0, 0.01, 0.99) in the last one in even steps, unless given.
        """
        return _preset(cls, markov.chain, markov.ramp, n_states, stay, options)

    @classmethod
    def full(cls, n_states: int = 3, *, stay: Any = 0.99, **options: Any) -> "HiddenMarkov":
        """States that lead to all others with the same probability; arguments as of `chain`.

        Each state mostly emits a symbol of its own, unless emissions are given.
        """
        return _preset(cls, markov.full, markov.peaks, n_states, stay, options)

    @classmethod
    def cycle(cls, n_states: int = 3, *, stay: Any = 0.95, **options: Any) -> "HiddenMarkov":
        """States that lead to the next one, the last to the first; arguments as of `full`.

        The published cyclic models could not be confirmed; these are of their kind.
        """
        return _preset(cls, markov.cycle, markov.peaks, n_states, stay, options)

    def sample(self, key: PRNGKeyArray, **conditions: Any) -> Trial:
        """One sequence; can be given: ``start``, the code of the first state."""
        k_path, k_noise = jax.random.split(as_key(key))
        states, symbols = self._path(k_path, conditions)
        dtype = self.transitions.dtype
        targets = jax.nn.one_hot(symbols, self.n_outputs, dtype=dtype)
        return Trial(
            inputs=jax.random.normal(k_noise, (self.n_steps, self.n_noise), dtype),
            targets=targets,
            mask=jnp.ones_like(targets),
            conditions={"start": states[0]},
            epochs={"sequence": jnp.asarray([0.0, self.n_steps * self.dt], dtype)},
        )

    def paths(self, key: Any, n: int) -> tuple[Int[Array, "trial time"], Int[Array, "trial time"]]:
        """Hidden states and symbols of the trials that :meth:`batch` draws with the same key."""
        key = as_key(key, needed_for="A batch of paths")
        return _paths(self, key, whole("n", n))

    def loss(self, outputs, trials):
        """Cross-entropy of the outputs, as logits of the symbols [nats per step].

        Its smallest value is the entropy of the frequencies, because nothing tells which symbol
        comes; training on it teaches the frequencies, not the sequences.
        """
        errors = -trials.targets * jax.nn.log_softmax(outputs, axis=-1)
        return weighted_sum(errors, trials.mask) / jnp.sum(trials.mask[..., 0], axis=1)

    def score(self, outputs, trials):
        """``correct``: the fraction of steps whose largest output is the target's symbol."""
        right = jnp.argmax(outputs, axis=-1) == jnp.argmax(trials.targets, axis=-1)
        return {"correct": jnp.mean(right.astype(outputs.dtype), axis=1)}

    def log_likelihood(self, symbols: Any) -> np.ndarray:
        """Exact log-probability of sequences ``(*batch, time)`` of symbols [nats].

        One-hot sequences ``(*batch, time, symbol)`` of floats are taken too. Sequences that cannot
        occur have ``-inf``. Computed in double precision by the forward algorithm.
        """
        return markov.evaluated(markov.log_likelihood, *self._exact(), self._codes(symbols))

    def posterior(self, symbols: Any) -> np.ndarray:
        """Probability ``(*batch, time, state)`` of each hidden state given all symbols."""
        return markov.evaluated(markov.posterior, *self._exact(), self._codes(symbols))

    def decode(self, symbols: Any) -> np.ndarray:
        """Most likely path ``(*batch, time)`` of hidden states (Viterbi)."""
        return markov.evaluated(markov.most_likely, *self._exact(), self._codes(symbols))

    def stationary(self) -> np.ndarray:
        """Probability of each state in the long run, ``(state,)``."""
        return markov.stationary(markov.exact(self.transitions))

    def frequencies(self) -> np.ndarray:
        """Probability of each symbol in the long run, ``(symbol,)``."""
        return self.stationary() @ markov.exact(self.emissions)

    def pairs(self, lag: int = 1) -> np.ndarray:
        """Probability ``(symbol, next)`` of each symbol `lag` steps after each other.

        Symbols that never occur have NaN.
        """
        whole("lag", lag)
        _, moves, emits = self._exact()
        joint = emits.T @ (self.stationary()[:, None] * np.linalg.matrix_power(moves, lag)) @ emits
        with np.errstate(invalid="ignore"):
            return joint / joint.sum(1, keepdims=True)

    def entropy_rate(self, length: int = 8) -> tuple[float, float]:
        """Bounds of the entropy of the next symbol given all before it [nats per step].

        The upper one is the entropy given the ``length - 1`` last symbols, the lower one that given
        also the hidden state at the first of them. Both are exact, because all
        ``n_symbols ** length`` words are summed.
        """
        whole("length", length)
        _, moves, emits = self._exact()
        return markov.entropy_bounds(self.stationary(), moves, emits, length)

    def limits(self) -> dict[str, tuple[float, float]]:
        """The states to start from."""
        return {"start": (0.0, len(self.transitions) - 1.0)}

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of the states."""
        return {"start": {i: f"state {i}" for i in range(len(self.transitions))}}

    @property
    def input_names(self) -> tuple[str, ...]:
        """Numbered noise channels."""
        return tuple(f"noise_{i}" for i in range(self.n_noise))

    @property
    def output_names(self) -> tuple[str, ...]:
        """Numbered symbols."""
        return tuple(f"symbol_{i}" for i in range(self.emissions.shape[1]))

    def _path(self, key: PRNGKeyArray, conditions: Any) -> tuple[Array, Array]:
        """Hidden states and symbols of one trial."""
        check_names(conditions, {"start": None})
        k_start, k_moves, k_emit = jax.random.split(key, 3)
        initial = markov.stationary_of(self.transitions) if self.initial is None else self.initial
        start = jax.random.categorical(k_start, jnp.log(initial))
        start = jnp.asarray(conditions.get("start", start)).astype(jnp.int32)
        chance = jnp.log(self.transitions)

        def move(state, key):
            return jax.random.categorical(key, chance[state]).astype(jnp.int32), state

        _, states = jax.lax.scan(move, start, jax.random.split(k_moves, self.n_steps))
        return states, jax.random.categorical(k_emit, jnp.log(self.emissions)[states])

    def _exact(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Initial, transition and emission probabilities in float64, summing to 1 exactly."""
        start = self.stationary() if self.initial is None else markov.exact(self.initial)
        return start, markov.exact(self.transitions), markov.exact(self.emissions)

    def _codes(self, symbols: Any) -> np.ndarray:
        given, n = np.asarray(symbols), self.emissions.shape[1]
        if given.dtype.kind == "f" and given.ndim > 1 and given.shape[-1] == n:
            if not (((given == 0) | (given == 1)).all() and (given.sum(-1) == 1).all()):
                raise ValueError("One-hot symbols must hold one 1 and else zeros at every step.")
            return given.argmax(-1)
        if given.dtype.kind not in "iu" or not given.ndim or not given.shape[-1]:
            raise ValueError(
                f"`symbols` must be whole numbers (*batch, time), or one-hot (*batch, time, {n}), "
                f"got {given.dtype} of shape {given.shape}."
            )
        if not ((given >= 0) & (given < n)).all():
            raise ValueError(f"Symbols are whole numbers from 0 to {n - 1}.")
        return given


@eqx.filter_jit
def _paths(task: HiddenMarkov, key: PRNGKeyArray, n: int) -> tuple[Array, Array]:
    def one(i):
        return task._path(jax.random.split(jax.random.fold_in(key, i))[0], {})

    return jax.vmap(one)(jnp.arange(n, dtype=jnp.uint32))


def _preset(cls: Any, moves: Any, emits: Any, n: Any, stay: Any, options: dict) -> HiddenMarkov:
    whole("n_states", n, least=2)
    number("stay", stay, low=0, high=1)
    built = {"transitions": moves(n, float(stay)), "emissions": emits(n)}
    return cls(**(built | options))
