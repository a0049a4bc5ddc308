"""Probabilistic finite-state machine: random words whose probabilities are known exactly."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from neurodyn.common.checks import numbers, whole
from neurodyn.common.random import as_key
from neurodyn.task import Trial
from neurodyn.tasks.base import check_names
from neurodyn.tasks.sequences.generator import AbstractGenerator
from neurodyn.tasks.timeline import check_step

#: Edges ``(state, symbol, next state, probability)`` of the default machine. It stands in for the
#: machine of Ahmadi & Tani (2019), whose transitions we could not confirm: two symbols, and one
#: state that chooses between them.
STAND_IN = (
    ("s1", 0, "s2", 1.0),
    ("s2", 1, "s1", 0.7),
    ("s2", 0, "s3", 0.3),
    ("s3", 1, "s1", 1.0),
)


class StateMachine(AbstractGenerator):
    """Sequences of a machine that moves between hidden states at random and emits a symbol a move.

    The symbol depends on the move (state and next state), so that the probability of any word is a
    product of matrices, and the entropy rate is known.

    Parameters
    ----------
    dt
        Step [ms]: one symbol a step. The machine has no clock of its own; default 1.
    edges
        Moves ``(state, symbol, next state, probability)``: states have any names, symbols are
        whole numbers from 0. Default: a stand-in for the machine of Ahmadi & Tani (2019), of their
        kind but not theirs.
    values
        Output for each symbol: numbers, or one list of numbers each. Default: evenly spaced from
        -0.8 to 0.8, within reach of a tanh output.
    n_steps
        Length of a sequence; default 24.

    Raises
    ------
    ValueError
        If probabilities are negative or do not sum to 1 in some state, edges are listed twice or
        lead where no edge begins, a symbol is missing, values are too few or not distinct, or parts
        of the machine cannot be reached from each other.

    Notes
    -----
    Sequences start in a state drawn from the stationary distribution, so every window of a sequence
    has the same word distribution.

    References
    ----------
    Ahmadi & Tani, Neural Comput. 2019 (learning such a machine with a PV-RNN).

    Examples
    --------
    >>> task = StateMachine()
    >>> words, probability = task.words(3)
    >>> words.tolist()
    [[0, 0, 1], [0, 1, 0], [1, 0, 0], [1, 0, 1]]
    >>> probability.round(4).tolist()
    [0.1304, 0.4348, 0.1304, 0.3043]
    >>> round(task.entropy_rate(), 4)
    0.2656
    """

    transitions: Float[Array, "state symbol next"]
    values: Float[Array, "symbol output"]
    dt: float = eqx.field(static=True)
    n_steps: int = eqx.field(static=True)
    states: tuple[str, ...] = eqx.field(static=True)
    reference: ClassVar[tuple[str, ...]] = ("ahmadi2019",)

    def __init__(
        self,
        dt: float | int = 1.0,
        *,
        edges: Any = STAND_IN,
        values: Any = None,
        n_steps: Any = 24,
    ):
        check_step(dt)
        self.dt, self.n_steps = float(dt), whole("n_steps", n_steps)
        self.states, table = _table(edges)
        self.transitions = numbers("edges", table, low=0, ndim=3)
        n_symbols = table.shape[1]
        if values is None:
            values = np.linspace(-0.8, 0.8, n_symbols) if n_symbols > 1 else np.zeros(1)
        given = np.asarray(values)
        self.values = numbers("values", given[:, None] if given.ndim == 1 else given, ndim=2)
        if len(np.unique(np.asarray(self.values), axis=0)) != n_symbols or len(given) != n_symbols:
            raise ValueError(
                f"`values` must give each of the {n_symbols} symbols a different output, got "
                f"{values!r}."
            )

    def lasting(self, n_steps: int) -> "StateMachine":
        """The same machine, whose sequences have another length."""
        table = self._exact()
        edges = [
            (self.states[s], int(a), self.states[n], float(table[s, a, n]))
            for s, a, n in np.argwhere(table > 0)
        ]
        return StateMachine(self.dt, edges=edges, values=np.asarray(self.values), n_steps=n_steps)

    def sample(self, key: PRNGKeyArray, **conditions: Any) -> Trial:
        """One sequence; can be given: ``start``, the code of the state before the first symbol."""
        check_names(conditions, {"start": None})
        k_start, k_moves = jax.random.split(as_key(key))
        chance = jnp.log(self.transitions)
        n_states = chance.shape[0]
        start = jax.random.categorical(k_start, jnp.log(_stationary(self.transitions)))
        start = jnp.asarray(conditions.get("start", start)).astype(jnp.int32)

        def move(state, key):
            edge = jax.random.categorical(key, chance[state].reshape(-1)).astype(jnp.int32)
            return edge % n_states, edge // n_states

        _, symbols = jax.lax.scan(move, start, jax.random.split(k_moves, self.n_steps))
        return self._trial(self.values[symbols], {"start": start})

    def score(self, outputs: Float[Array, "trial time output"], trials: Trial) -> dict[str, Array]:
        """``mse``, and ``correct``: the fraction of steps whose symbol is the target's."""
        right = (self.symbols(outputs) == self.symbols(trials.targets)).astype(outputs.dtype)
        return {"correct": jnp.mean(right, axis=1), "mse": self.loss(outputs, trials)}

    def symbols(self, outputs: Float[Array, "*batch time output"]) -> Int[Array, "*batch time"]:
        """The symbol whose value is nearest to each output."""
        apart = outputs[..., None, :] - jnp.expand_dims(self.values, range(outputs.ndim - 1))
        return jnp.argmin(jnp.sum(jnp.square(apart), axis=-1), axis=-1)

    def stationary(self) -> np.ndarray:
        """Probability of each state in the long run, ``(state,)``."""
        return np.asarray(_stationary(self._exact().sum(1), np), np.float64)

    def words(self, length: int) -> tuple[np.ndarray, np.ndarray]:
        """All words that can occur, in lexical order, and their exact probabilities.

        Parameters
        ----------
        length
            Symbols in a word. There are up to ``n_symbols ** length`` words.

        Returns
        -------
        words, probability
            ``(word, length)`` integers and ``(word,)`` float64, which sums to 1.
        """
        whole("length", length)
        moves = self._exact()
        n_symbols = moves.shape[1]
        words, ahead = np.zeros((1, 0), np.int64), self.stationary()[None]
        for _ in range(length):
            # Joint probability of the word so far and of the state it leads to.
            ahead = np.einsum("ws,san->wan", ahead, moves).reshape(-1, len(moves))
            symbol = np.tile(np.arange(n_symbols), len(words))[:, None]
            words = np.concatenate([np.repeat(words, n_symbols, axis=0), symbol], axis=1)
            possible = ahead.sum(1) > 0
            words, ahead = words[possible], ahead[possible]
        return words, ahead.sum(1)

    def word_probability(self, words: Any) -> np.ndarray:
        """Exact probability of given words ``(word, length)``; 0 for those that cannot occur."""
        words, moves = np.atleast_2d(np.asarray(words)), self._exact()
        if words.size and not np.isin(words, np.arange(moves.shape[1])).all():
            raise ValueError(f"Symbols are whole numbers from 0 to {moves.shape[1] - 1}.")
        ahead = np.broadcast_to(self.stationary(), (len(words), len(moves)))
        for symbol in words.T:
            ahead = np.einsum("ws,wsn->wn", ahead, moves.transpose(1, 0, 2)[symbol])
        return ahead.sum(1)

    def pairs(self, lag: int) -> np.ndarray:
        """Exact probability ``(symbol, next)`` of each symbol ``lag`` steps after each other."""
        whole("lag", lag)
        moves, start = self._exact(), self.stationary()
        chain = np.linalg.matrix_power(moves.sum(1), lag - 1)
        joint = np.einsum("s,san,nm,mbk->ab", start, moves, chain, moves)
        return joint / joint.sum(1, keepdims=True)

    def entropy_rate(self) -> float:
        """Entropy of the next symbol given all before it [nats per step].

        Raises
        ------
        ValueError
            If a symbol leads from one state to several: then no closed form is known.
        """
        moves = self._exact()
        if (np.count_nonzero(moves, axis=2) > 1).any():
            raise ValueError(
                "The entropy rate has a closed form only where state and symbol give the next "
                "state; estimate it from words (neurodyn.analysis.entropy_rate)."
            )
        chance = moves.sum(2)
        logs = np.log(np.where(chance > 0, chance, 1.0))
        return float(-self.stationary() @ (chance * logs).sum(1))

    def limits(self) -> dict[str, tuple[float, float]]:
        """The states to start from."""
        return {"start": (0.0, len(self.states) - 1.0)}

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of the states."""
        return {"start": dict(enumerate(self.states))}

    @property
    def output_names(self) -> tuple[str, ...]:
        """One channel, or numbered ones."""
        n = self.values.shape[1]
        return ("symbol",) if n == 1 else tuple(f"symbol_{i}" for i in range(n))

    def _exact(self) -> np.ndarray:
        """Transitions in float64, each state's summing to 1 exactly."""
        table = np.asarray(self.transitions, np.float64)
        return table / table.sum((1, 2), keepdims=True)


def _stationary(table: Any, xp: Any = jnp) -> Any:
    """Left eigenvector at eigenvalue 1, of ``(state, next)`` or ``(state, symbol, next)``."""
    chain = table if table.ndim == 2 else table.sum(1)
    chain = chain / chain.sum(1, keepdims=True)
    # The last balance equation follows from the others, so the normalisation replaces it.
    balance = chain.T - xp.eye(len(chain), dtype=chain.dtype)
    rows = xp.concatenate([balance[:-1], xp.ones((1, len(chain)), chain.dtype)])
    total = xp.concatenate([xp.zeros(len(chain) - 1, chain.dtype), xp.ones(1, chain.dtype)])
    return xp.maximum(xp.linalg.solve(rows, total), xp.zeros((), chain.dtype))


def _table(edges: Any) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of the states, and the table (state, symbol, next) of a list of edges."""
    edges = [tuple(edge) for edge in edges]
    if not edges or any(len(edge) != 4 for edge in edges):
        raise ValueError(
            "`edges` must be a list of (state, symbol, next state, probability), got "
            f"{edges[:3]!r}."
        )
    states = list(dict.fromkeys(str(edge[0]) for edge in edges))
    symbols = [whole("edges: symbol", edge[1], least=0) for edge in edges]
    if set(symbols) != set(range(max(symbols) + 1)):
        raise ValueError(f"`edges`: symbols must be 0, 1, ... without gaps, got {sorted(symbols)}.")
    table = np.zeros((len(states), max(symbols) + 1, len(states)))
    for (state, _, after, chance), symbol in zip(edges, symbols, strict=True):
        if str(after) not in states:
            raise ValueError(f"`edges`: no edge begins in state {after!r}.")
        where = states.index(str(state)), symbol, states.index(str(after))
        if table[where]:
            raise ValueError(f"`edges`: {state!r} -{symbol}-> {after!r} is listed twice.")
        if not (np.isfinite(chance) and 0 < chance <= 1):
            raise ValueError(f"`edges`: probabilities must lie in (0, 1], got {chance!r}.")
        table[where] = chance
    total = table.sum((1, 2))
    if not np.allclose(total, 1.0, atol=1e-6):
        wrong = {name: float(t) for name, t in zip(states, total, strict=True)}
        raise ValueError(f"`edges`: probabilities of each state must sum to 1, got {wrong}.")
    reach = np.linalg.matrix_power(np.eye(len(states)) + table.sum(1), len(states)) > 0
    if not reach.all():
        raise ValueError(
            "`edges`: every state must be reachable from every other, else there is no single "
            "stationary distribution."
        )
    return tuple(states), table
