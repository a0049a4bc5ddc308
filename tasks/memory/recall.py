"""Recall of lists: in order, and by association."""

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PRNGKeyArray

from neurodyn.common.checks import whole
from neurodyn.tasks.memory.symbols import AbstractSymbolTask, Items, Pace


class SerialRecall(AbstractSymbolTask):
    """Copy a list after a delay, in order (Hochreiter & Schmidhuber 1997; Arjovsky et al. 2016).

    A list of symbols, a delay, and ``go`` once for each symbol of the list: the answer to the k-th
    is the k-th symbol. Symbols may come twice.

    Parameters
    ----------
    length
        Symbols of a list; default 10, as of Arjovsky et al.
    n_symbols
        Number of symbols; default 8, as of Arjovsky et al.
    delay
        Length of the delay, in symbols. Default 100, the shortest of Arjovsky et al.
    item
        Time that a symbol lasts [ms]; default: one step.
    level
        Input of the symbol that is shown.
    noise_std
        Input noise, as the standard deviation it causes in a unit of time constant ``noise_tau``
        (:mod:`neurodyn.tasks.base`). Default: None, which draws none.
    noise_tau
        Time constant that ``noise_std`` refers to [ms].
    dt
        Step [ms]; the papers count steps.

    Raises
    ------
    ValueError
        On an empty list, fewer than two symbols or a negative delay.

    Notes
    -----
    Arjovsky et al. have a class for silence, which is right before the recall and scored, too. Here
    the recall alone is.

    References
    ----------
    Hochreiter & Schmidhuber, Neural Comput. 1997; Arjovsky et al., ICML 2016.

    Examples
    --------
    >>> task = SerialRecall(length=3, delay=20)
    >>> task.n_steps, task.batch(0, 4).mask[0, :, 0].sum().item()
    (26, 3.0)
    """

    length: int = eqx.field(static=True)
    n_symbols: int = eqx.field(static=True)
    delay: int = eqx.field(static=True)
    reference: ClassVar[tuple[str, ...]] = ("hochreiter1997", "arjovsky2016")

    def __init__(
        self,
        *,
        length: Any = 10,
        n_symbols: Any = 8,
        delay: Any = 100,
        item: float | int | None = None,
        level: Any = 1.0,
        noise_std: Any = None,
        noise_tau: Any = 100.0,
        dt: float | int = 1.0,
    ):
        self._set_design(Pace.build(dt, item), level, noise_std, noise_tau)
        self.length = whole("length", length)
        self.n_symbols = whole("n_symbols", n_symbols, 2)
        self.delay = whole("delay", delay, 0)

    def items(self, key: PRNGKeyArray, given: Mapping[str, Any]) -> Items:
        """The list, nothing, and as many signs to go."""
        listed = jax.random.randint(key, (self.length,), 0, self.n_symbols, jnp.int32)
        nothing = jnp.full(self.delay, -1, jnp.int32)
        go = jnp.full(self.length, self.n_symbols, jnp.int32)
        before = jnp.zeros(self.length + self.delay, jnp.int32)
        recalls = jnp.arange(self.n_items, dtype=jnp.int32) >= len(before)
        shown, answers = jnp.concatenate([listed, nothing, go]), jnp.concatenate([before, listed])
        return Items(shown, answers, recalls)

    @property
    def chance(self) -> float:  # type: ignore[override]
        """All symbols are equally likely."""
        return 1 / self.n_symbols

    @property
    def shortcuts(self) -> dict[str, float]:  # type: ignore[override]
        """One symbol is known, and the others are guessed."""
        return {"knows the last symbol alone": self.chance + (1 - self.chance) / self.length}

    @property
    def n_items(self) -> int:
        """List, delay and recall."""
        return 2 * self.length + self.delay

    @property
    def intervals(self) -> dict[str, tuple[int, int]]:
        """List, delay and recall."""
        start = self.length + self.delay
        spans = {"list": (0, self.length), "delay": (self.length, start)}
        there = {name: span for name, span in spans.items() if span[0] < span[1]}
        return {**there, "recall": (start, self.n_items)}

    @property
    def symbols(self) -> tuple[str, ...]:
        """Numbered, and the sign to go."""
        return (*self.output_names, "go")

    @property
    def output_names(self) -> tuple[str, ...]:
        """Numbered."""
        return tuple(f"symbol_{i}" for i in range(self.n_symbols))


class AssociativeRecall(AbstractSymbolTask):
    """Recall of the value that went with a key (Ba et al. 2016).

    Pairs of a key and a value, one after the other, a mark, and one of the keys again: the answer
    is its value. The keys of a list differ; values may come twice.

    Parameters
    ----------
    n_pairs
        Pairs of a list; default 4, as in the example of Ba et al.
    n_keys, n_values
        Number of keys and of values; defaults 26 and 10, letters and digits, as of Ba et al.
    item
        Time that a symbol lasts [ms]; default: one step.
    level
        Input of the symbol that is shown.
    noise_std
        Input noise, as the standard deviation it causes in a unit of time constant ``noise_tau``
        (:mod:`neurodyn.tasks.base`). Default: None, which draws none.
    noise_tau
        Time constant that ``noise_std`` refers to [ms].
    dt
        Step [ms]; the paper counts steps.

    Raises
    ------
    ValueError
        On no pairs, fewer keys than pairs or fewer than two values.

    References
    ----------
    Ba et al., NeurIPS 2016; Graves et al., arXiv:1410.5401.

    Examples
    --------
    >>> task = AssociativeRecall()
    >>> task.n_steps, task.n_inputs, task.n_outputs
    (11, 37, 10)
    """

    n_pairs: int = eqx.field(static=True)
    n_keys: int = eqx.field(static=True)
    n_values: int = eqx.field(static=True)
    reference: ClassVar[tuple[str, ...]] = ("ba2016", "graves2014")

    def __init__(
        self,
        *,
        n_pairs: Any = 4,
        n_keys: Any = 26,
        n_values: Any = 10,
        item: float | int | None = None,
        level: Any = 1.0,
        noise_std: Any = None,
        noise_tau: Any = 100.0,
        dt: float | int = 1.0,
    ):
        self._set_design(Pace.build(dt, item), level, noise_std, noise_tau)
        self.n_pairs = whole("n_pairs", n_pairs)
        self.n_keys = whole("n_keys", n_keys, self.n_pairs)
        self.n_values = whole("n_values", n_values, 2)

    def items(self, key: PRNGKeyArray, given: Mapping[str, Any]) -> Items:
        """The pairs, the marks and a key."""
        n = self.n_pairs
        k_keys, k_values, k_asked = jax.random.split(key, 3)
        keys = different(k_keys, self.n_keys, self.level.dtype)[:n]
        values = jax.random.randint(k_values, (n,), 0, self.n_values, jnp.int32)
        asked = jax.random.randint(k_asked, (), 0, n, jnp.int32)
        if "asked" in given:
            asked = jnp.asarray(given["asked"]).astype(jnp.int32)
        pairs = jnp.stack([keys, self.n_keys + values], axis=1).reshape(-1)
        mark = jnp.full(2, self.n_keys + self.n_values, jnp.int32)
        shown = jnp.concatenate([pairs, mark, keys[asked][None]])
        last = jnp.arange(self.n_items, dtype=jnp.int32) == self.n_items - 1
        return Items(shown, jnp.where(last, values[asked], 0), last, {"asked": asked})

    @property
    def chance(self) -> float:  # type: ignore[override]
        """All values are equally likely."""
        return 1 / self.n_values

    @property
    def shortcuts(self) -> dict[str, float]:  # type: ignore[override]
        """One value is known, and the others are guessed."""
        return {"knows the last pair alone": self.chance + (1 - self.chance) / self.n_pairs}

    @property
    def n_items(self) -> int:
        """Pairs, two marks and a key."""
        return 2 * self.n_pairs + 3

    @property
    def intervals(self) -> dict[str, tuple[int, int]]:
        """List, mark and question."""
        end = 2 * self.n_pairs
        return {"list": (0, end), "mark": (end, end + 2), "question": (end + 2, end + 3)}

    @property
    def symbols(self) -> tuple[str, ...]:
        """Keys, values and the mark."""
        keys = tuple(f"key_{i}" for i in range(self.n_keys))
        return (*keys, *self.output_names, "mark")

    @property
    def output_names(self) -> tuple[str, ...]:
        """Values."""
        return tuple(f"value_{i}" for i in range(self.n_values))

    def condition_table(self) -> dict[str, Array]:
        """The pair that is asked for, from 0."""
        return {"asked": jnp.arange(self.n_pairs, dtype=jnp.int32)}

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of the pairs."""
        return {"asked": {i: f"pair_{i}" for i in range(self.n_pairs)}}


def different(key: PRNGKeyArray, n: int, dtype: Any) -> Array:
    """The numbers below n in a random order."""
    return jnp.argsort(jax.random.uniform(key, (n,), dtype)).astype(jnp.int32)
