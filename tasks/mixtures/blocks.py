"""Blocks of trials: priors, repetitions, schedules."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from neurodyn.common.checks import check_whole, number, whole
from neurodyn.task import AbstractTask
from neurodyn.tasks.mixtures.transition import AbstractTransition
from neurodyn.tasks.mixtures.weights import drawn

#: Conditions that describe the blocks of a session.
BLOCK, IN_BLOCK = "block", "trial_in_block"


class Blocks(AbstractTransition):
    """Blocks of trials, in each of which a condition follows a law of its own.

    :meth:`priors`, :meth:`repeating` and :meth:`schedule` make the usual ones. Trials have the
    labels ``block`` (a code) and ``trial_in_block`` (from 0).

    Parameters
    ----------
    condition
        Condition of the task that follows the laws. The other conditions are drawn by the task.
    states
        Names of its values, as the task calls them; or, for numbers, the values that belong to
        each state, ``{"left": (-0.5, -0.1), "right": (0.1, 0.5)}``, of which one is drawn.
    laws
        For each kind of block the probability of the next state (column) after each (row):
        ``(kind, state, state)``. The state before the first trial is drawn evenly.
    kinds
        Names of the kinds of blocks.
    length
        Trials of a block; or ``(shortest, longest)``, with ``scale``.
    scale
        Lengths between ``shortest`` and ``longest`` are drawn from an exponential distribution of
        this scale [trials], cut off at both ends and rounded down.
    opening
        Trials before the first block, in which all states are equally likely; default none.
    order
        ``"cycle"``: kinds follow each other as listed, from a random one on; ``"random"``: each
        block is of any other kind.

    Raises
    ------
    ValueError
        If the laws are no probabilities for each kind and state, or a length is no whole number.

    Examples
    --------
    >>> from neurodyn.tasks.mixtures.transitions import Blocks
    >>> Blocks.priors("side", ("left", "right"), p=0.8).kinds
    ('mostly left', 'mostly right')
    """

    laws: Float[Array, "kind state state"]
    values: Float[Array, "state member"] | None
    counts: Int[Array, " state"] | None
    shortest: Int[Array, ""]
    longest: Int[Array, ""]
    scale: Float[Array, ""]
    opening: Int[Array, ""]
    condition: str = eqx.field(static=True)
    states: tuple[str, ...] = eqx.field(static=True)
    kinds: tuple[str, ...] = eqx.field(static=True)
    order: str = eqx.field(static=True)

    def __init__(
        self,
        condition: str,
        states: Sequence[str] | Mapping[str, Sequence[float]],
        laws: Any,
        *,
        kinds: Sequence[str],
        length: int | tuple[int, int] = 200,
        scale: Any = 60.0,
        opening: Any = 0,
        order: Literal["cycle", "random"] = "cycle",
    ):
        self.condition, self.states, self.kinds = condition, tuple(states), tuple(kinds)
        self.values, self.counts = _members(states)
        dtype = jnp.result_type(float)
        given, n = np.asarray(laws, float), len(self.states)
        wanted = (len(self.kinds), n, n)
        if given.shape != wanted or (given < 0).any() or not np.allclose(given.sum(-1), 1):
            raise ValueError(
                f"`laws` must be probabilities (kind, state, next state) of shape {wanted}, whose "
                f"rows add up to 1, got {given.tolist()}."
            )
        if order not in ("cycle", "random"):
            raise ValueError(f"`order` must be 'cycle' or 'random', got {order!r}.")
        ends = length if isinstance(length, tuple) else (length, length)
        if len(ends) != 2:
            raise ValueError(f"`length` must be trials or (shortest, longest), got {length}.")
        check_whole(1, length=ends[0])
        check_whole(ends[0], length=ends[1])
        self.laws = jnp.asarray(given, dtype)
        self.shortest, self.longest = (jnp.asarray(x, jnp.int32) for x in ends)
        self.scale = number("scale", scale, above=0)
        self.opening = jnp.asarray(whole("opening", opening, 0), jnp.int32)
        self.order = order

    @classmethod
    def priors(
        cls,
        condition: str,
        states: Sequence[str] | Mapping[str, Sequence[float]],
        *,
        p: float = 0.8,
        length: int | tuple[int, int] = (20, 100),
        scale: Any = 60.0,
        opening: Any = 90,
    ) -> "Blocks":
        """Blocks in which one state is more likely than the others, in turn.

        Defaults are those of the International Brain Laboratory: a side has probability 0.8, for 20
        to 100 trials (scale 60), after 90 trials in which both are equally likely.

        Parameters
        ----------
        condition, states, length, scale, opening
            As of the class.
        p
            Probability of the more likely state; the others share the rest.
        """
        names, n = tuple(states), len(states)
        p = float(number("p", p, low=0, high=1))
        rows = np.full((n, n), (1 - p) / max(n - 1, 1))
        np.fill_diagonal(rows, p)
        laws = np.repeat(rows[:, None], n, axis=1)
        kinds = tuple(f"mostly {name}" for name in names)
        return cls(
            condition, states, laws, kinds=kinds, length=length, scale=scale, opening=opening
        )

    @classmethod
    def repeating(
        cls,
        condition: str,
        states: Sequence[str] | Mapping[str, Sequence[float]],
        *,
        p: float = 0.8,
        length: int | tuple[int, int] = 200,
        scale: Any = 60.0,
        opening: Any = 0,
    ) -> "Blocks":
        """Blocks in which the state of the trial before comes again, or another one, in turn.

        Defaults are those of Hermoso-Mendizabal et al. (2020) and Molano-Mazon et al. (2023): the
        last side comes again with probability 0.8 in blocks of repetitions, 0.2 in blocks of
        alternations, and blocks last 200 trials.

        Parameters
        ----------
        condition, states, length, scale, opening
            As of the class.
        p
            Probability that the last state comes again in blocks of repetitions, and that it does
            not in blocks of alternations; the other states share the rest.
        """
        p, n = float(number("p", p, low=0, high=1)), len(states)
        same = np.eye(n)
        other = (1 - same) / max(n - 1, 1)
        laws = [q * same + (1 - q) * other for q in (p, 1 - p)]
        kinds = ("repeating", "alternating")
        return cls(
            condition, states, laws, kinds=kinds, length=length, scale=scale, opening=opening
        )

    @classmethod
    def schedule(
        cls,
        condition: str,
        states: Sequence[str] | Mapping[str, Sequence[float]],
        *,
        length: int | tuple[int, int] = 1,
        scale: Any = 60.0,
        order: Literal["cycle", "random"] = "cycle",
    ) -> "Blocks":
        """Blocks of one state each, such as one task of a mixture.

        With ``length=1`` and ``order="cycle"`` the states take turns.

        Parameters
        ----------
        condition, states, length, scale, order
            As of the class.
        """
        names, n = tuple(states), len(states)
        laws = np.repeat(np.eye(n)[:, None], n, axis=1)
        return cls(condition, states, laws, kinds=names, length=length, scale=scale, order=order)

    def check(self, task: AbstractTask) -> None:
        """Refuse a task without this condition or without these states."""
        table = task.condition_table()
        if self.condition not in table:
            raise ValueError(
                f"{type(task).__name__} has no condition {self.condition!r} that trials could "
                f"follow; it has {', '.join(table) or 'none'}."
            )
        codes = task.labels().get(self.condition, {})
        if self.values is None and not set(self.states) <= set(codes.values()):
            named = f"are {', '.join(codes.values())}" if codes else "have no names"
            raise ValueError(
                f"`states` must be names of the values of {self.condition!r}, which {named}; or "
                f"a mapping of names to values, got {self.states}."
            )

    def draw(
        self, key: PRNGKeyArray, n: int, task: AbstractTask
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """The condition of ``n`` trials, with their blocks."""
        k_block, k_state, k_value = jax.random.split(key, 3)
        kind, within, opening = self.blocks(k_block, n)
        u = jax.random.uniform(k_state, (n + 1,), self.laws.dtype)
        n_states = len(self.states)
        even = jnp.ones(n_states, self.laws.dtype)

        def following(last, drawn_here):
            u, kind, opening = drawn_here
            state = drawn(jnp.where(opening, even, self.laws[kind, last]), u)
            return state, state

        _, state = jax.lax.scan(following, drawn(even, u[0]), (u[1:], kind, opening))
        if self.values is None:
            codes = {name: code for code, name in task.labels()[self.condition].items()}
            value = jnp.asarray([codes[name] for name in self.states], jnp.int32)[state]
        else:
            u = jax.random.uniform(k_value, (n,), self.values.dtype)
            place = jnp.floor(u * self.counts[state].astype(u.dtype)).astype(jnp.int32)
            value = self.values[state, place]
        block = jnp.where(opening, len(self.kinds), kind).astype(jnp.int32)
        return {self.condition: value}, {BLOCK: block, IN_BLOCK: within}

    def blocks(
        self, key: PRNGKeyArray, n: int
    ) -> tuple[Int[Array, " trial"], Int[Array, " trial"], Array]:
        """Kind of block and place in it of ``n`` trials, and whether they come before the first."""
        k_length, k_start, k_order = jax.random.split(key, 3)
        ends = (x.astype(self.scale.dtype) for x in (self.shortest, self.longest))
        low, high = (jnp.exp(-x / self.scale) for x in ends)
        u = jax.random.uniform(k_length, (n,), self.scale.dtype)
        lengths = jnp.floor(-self.scale * jnp.log(low - u * (low - high))).astype(jnp.int32)
        lengths = jnp.clip(lengths, self.shortest, self.longest)
        stops = self.opening + jnp.cumsum(lengths, dtype=jnp.int32)
        trial = jnp.arange(n, dtype=jnp.int32)
        number = jnp.minimum(jnp.searchsorted(stops, trial, side="right"), n - 1).astype(jnp.int32)
        opening = trial < self.opening
        within = trial - jnp.where(opening, 0, (stops - lengths)[number])
        n_kinds = len(self.kinds)
        step = jnp.ones(n, jnp.int32)
        if self.order == "random" and n_kinds > 2:
            step = jax.random.randint(k_order, (n,), 1, n_kinds, jnp.int32)
        first = jax.random.randint(k_start, (), 0, n_kinds, jnp.int32)
        kinds = (first + jnp.cumsum(step, dtype=jnp.int32)) % n_kinds
        return kinds[number], within.astype(jnp.int32), opening

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of the kinds of blocks."""
        return {BLOCK: dict(enumerate((*self.kinds, "opening")))}


def _members(states: Any) -> tuple[Any, Any]:
    """Values of each state, filled up to equally many, and their numbers; None for names."""
    if isinstance(states, str) or len(states) < 2 or len(set(states)) < len(states):
        raise ValueError(f"`states` must be two different names or more, got {states!r}.")
    if not isinstance(states, Mapping):
        return None, None
    each = [np.atleast_1d(np.asarray(values, float)) for values in states.values()]
    most = max(len(values) for values in each)
    if not min(len(values) for values in each) or not all(np.isfinite(v).all() for v in each):
        raise ValueError(f"Each of the `states` needs finite values, got {dict(states)}.")
    filled = np.stack([np.resize(values, most) for values in each])
    counts = jnp.asarray([len(values) for values in each], jnp.int32)
    return jnp.asarray(filled, jnp.result_type(float)), counts
