"""n-back: tell whether the symbol is the same as n symbols ago."""

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from neurodyn.common.checks import number, whole
from neurodyn.task import Trial
from neurodyn.tasks.memory.arguments import used_ns
from neurodyn.tasks.memory.symbols import AbstractSymbolTask, Items, Pace

ITEM, GAP = 500.0, 500.0


class NBack(AbstractSymbolTask):
    """n-back with symbols (Kirchner 1958; Jaeggi et al. 2008).

    Symbols follow each other. After each, the answer is ``match`` if it is the same as n symbols
    before, else ``nonmatch``; the first n have none. With several n, one is drawn for each trial
    and a cue says which.

    Parameters
    ----------
    dt
        Step [ms].
    n
        How far back, or several values of it.
    n_symbols
        Number of symbols, at least 2; default 8, as of Jaeggi et al.
    n_answers
        Symbols that have an answer, at least; the list is longer by the largest n. Default 20, as
        of Jaeggi et al.
    p_match
        Probability of a match; default 0.3, the 6 in 20 of Jaeggi et al.
    item, gap
        Time that a symbol is shown and time until the next one [ms]; answers count during the gap.
        Defaults, to the nearest step: 500 and 500 ms. People get a gap of 2500 ms, because they
        press keys.
    level
        Input of the symbol that is shown, and of the cue.
    noise_std
        Input noise, as the standard deviation it causes in a unit of time constant ``noise_tau``
        (:mod:`neurodyn.tasks.base`); None: none is drawn.
    noise_tau
        Time constant that ``noise_std`` refers to [ms].

    Raises
    ------
    ValueError
        On n below 1, fewer than two symbols, a probability outside [0, 1], or durations that are
        not a whole number of steps.

    References
    ----------
    Kirchner, J. Exp. Psychol. 1958; Jaeggi et al., PNAS 2008.

    Examples
    --------
    >>> NBack(n=2).input_names[:2], NBack(n=[1, 2, 3]).input_names[8:]
    (('symbol_0', 'symbol_1'), ('1_back', '2_back', '3_back'))
    """

    p_match: Float[Array, ""]
    n: tuple[int, ...] = eqx.field(static=True)
    n_symbols: int = eqx.field(static=True)
    n_items: int = eqx.field(static=True)
    output_names: ClassVar[tuple[str, ...]] = ("nonmatch", "match")
    reference: ClassVar[tuple[str, ...]] = ("kirchner1958", "jaeggi2008")

    def __init__(
        self,
        dt: float | int = 50.0,
        *,
        n: Any = 2,
        n_symbols: Any = 8,
        n_answers: Any = 20,
        p_match: Any = 0.3,
        item: float | int | None = None,
        gap: float | int | None = None,
        level: Any = 1.0,
        noise_std: Any = 0.01,
        noise_tau: Any = 100.0,
    ):
        self._set_design(Pace.build(dt, item, gap, (ITEM, GAP)), level, noise_std, noise_tau)
        self.n = tuple(dict.fromkeys(used_ns(n, 1, "n")))
        self.n_symbols = whole("n_symbols", n_symbols, 2)
        self.n_items = whole("n_answers", n_answers) + max(self.n)
        self.p_match = number("p_match", p_match, low=0, high=1)

    def items(self, key: PRNGKeyArray, given: Mapping[str, Any]) -> Items:
        """Symbols, each of which is moved on from the one n before, unless they match."""
        dtype = self.p_match.dtype
        u = jax.random.uniform(key, (1 + 2 * self.n_items,), dtype)
        which = jnp.minimum((u[0] * len(self.n)).astype(jnp.int32), len(self.n) - 1)
        if "n_back" in given:
            back = jnp.asarray(given["n_back"]).astype(jnp.int32)
            which = jnp.argmax(jnp.asarray(self.n, jnp.int32) == back)
        back = jnp.asarray(self.n, jnp.int32)[which]
        place = jnp.arange(self.n_items, dtype=jnp.int32)
        scored = place >= back
        match = (u[1 : 1 + self.n_items] < self.p_match) & scored
        other = (u[1 + self.n_items :] * (self.n_symbols - 1)).astype(jnp.int32)
        # Where there is nothing to match, any symbol will do; else any but the one n before.
        first = (u[1 + self.n_items :] * self.n_symbols).astype(jnp.int32)
        move = jnp.where(match, 0, jnp.minimum(other + 1, self.n_symbols - 1))
        move = jnp.where(scored, move, jnp.minimum(first, self.n_symbols - 1))
        chains = jnp.stack([_summed_every(n, move) for n in self.n])
        shown = chains[which] % self.n_symbols
        hot = jax.nn.one_hot(which, len(self.n), dtype=dtype) * self.level
        conditions = {"n_back": back} if len(self.n) > 1 else {}
        return Items(shown, match, scored, conditions, hot if len(self.n) > 1 else None)

    def score(self, outputs: Float[Array, "trial time output"], trials: Trial) -> dict[str, Array]:
        """Answers at the last step of the gaps.

        Returns
        -------
        dict
            ``correct``: share of right answers; ``all_correct``, ``correct_last``: all of them,
            and the last one; ``hits`` and ``false_alarms``: share of answers ``match`` where there
            was one and where there was none, NaN without any.
        """
        right, scored = self.answered(outputs, trials)
        at = slice(self.pace.period - 1, None, self.pace.period)
        match = trials.targets[:, at, 0] == 1
        says = right == match
        rates = {
            "hits": _share(says, scored & match, outputs.dtype),
            "false_alarms": _share(says, scored & ~match, outputs.dtype),
        }
        return super().score(outputs, trials) | rates

    @property
    def chance(self) -> float:  # type: ignore[override]
        """The more frequent answer."""
        p = round(float(self.p_match), 6)
        return max(p, 1 - p)

    @property
    def shortcuts(self) -> dict[str, float]:  # type: ignore[override]
        """Where n is not 1, the symbol before says nothing."""
        p, same = round(float(self.p_match), 6), 1 / self.n_symbols
        blind = p * same + (1 - p) * (1 - same)
        right = sum(1 if n == 1 else blind for n in self.n) / len(self.n)
        return {"compares with the symbol before": right}

    @property
    def symbols(self) -> tuple[str, ...]:
        """Numbered."""
        return tuple(f"symbol_{i}" for i in range(self.n_symbols))

    @property
    def cue_names(self) -> tuple[str, ...]:  # type: ignore[override]
        """One for each n, if there are several."""
        return tuple(f"{n}_back" for n in self.n) if len(self.n) > 1 else ()

    def condition_table(self) -> dict[str, Array]:
        """The values of n, if there are several."""
        return {"n_back": jnp.asarray(self.n, jnp.int32)} if len(self.n) > 1 else {}

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of the values of n."""
        return {"n_back": {n: f"{n}-back" for n in self.n}} if len(self.n) > 1 else {}


def _summed_every(n: int, moves: Int[Array, " item"]) -> Int[Array, " item"]:
    """Running sums over items that are ``n`` apart."""
    rows = jnp.pad(moves, (0, -len(moves) % n)).reshape(-1, n)
    return jnp.cumsum(rows, axis=0, dtype=jnp.int32).reshape(-1)[: len(moves)]


def _share(says: Array, among: Array, dtype: Any) -> Float[Array, " trial"]:
    count = jnp.sum(among, axis=1)
    share = jnp.sum(says & among, axis=1).astype(dtype) / jnp.maximum(count, 1).astype(dtype)
    return jnp.where(count > 0, share, jnp.nan)
