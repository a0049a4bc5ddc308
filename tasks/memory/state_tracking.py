"""State tracking: the running product of elements of a group."""

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray

from neurodyn.common.checks import whole
from neurodyn.tasks.memory.groups import checked_table, named_group
from neurodyn.tasks.memory.symbols import AbstractSymbolTask, Items, Pace


class StateTracking(AbstractSymbolTask):
    """The word problem of a group: the product of all elements so far (Merrill et al. 2024).

    Each symbol is an element, drawn uniformly, and the right answer is the product of all until
    then: running parity for ``"Z2"``, sums modulo 60 for ``"Z60"``, and for ``"A5"`` and ``"S5"``
    what a sequence of shuffles does to five things, which linear recurrences of fixed depth cannot
    follow, because these groups are not solvable. All prefixes are scored. Networks are trained on
    short sequences and tested on longer ones (:meth:`longer`), because memorising does not get
    there.

    Parameters
    ----------
    group
        ``"Zn"``, ``"An"`` or ``"Sn"`` with a number n, or a table of codes whose entry ``[a, b]``
        is first ``a``, then ``b``, and whose element 0 is the identity.
    length
        Elements of a sequence. The papers train on various lengths; 32 is ours.
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
        On a group that is none, or no symbols.

    References
    ----------
    Merrill, Petty & Sabharwal, ICML 2024; Liu et al., ICLR 2023.

    Examples
    --------
    >>> task = StateTracking("A5")
    >>> task.n_inputs, task.chance == 1 / 60, task.longer(256).n_steps
    (60, True, 256)
    """

    table: Int[Array, "element element"]
    n_items: int = eqx.field(static=True)
    elements: tuple[str, ...] = eqx.field(static=True)
    group: str | None = eqx.field(static=True)
    reference: ClassVar[tuple[str, ...]] = ("merrill2024", "liu2023")

    def __init__(
        self,
        group: Any = "S5",
        *,
        length: Any = 32,
        item: float | int | None = None,
        level: Any = 1.0,
        noise_std: Any = None,
        noise_tau: Any = 100.0,
        dt: float | int = 1.0,
    ):
        self._set_design(Pace.build(dt, item), level, noise_std, noise_tau)
        self.n_items = whole("length", length)
        self.group = group if isinstance(group, str) else None
        table, self.elements = _table(group)
        self.table = jnp.asarray(table)

    def items(self, key: PRNGKeyArray, given: Mapping[str, Any]) -> Items:
        """Elements and their products."""
        shown = jax.random.randint(key, (self.n_items,), 0, len(self.elements), jnp.int32)
        product = jax.lax.associative_scan(lambda a, b: self.table[a, b], shown)
        everywhere = jnp.ones(self.n_items, bool)
        return Items(shown, product, everywhere, {"product": product[-1]})

    def longer(self, length: int) -> "StateTracking":
        """The same task with sequences of another length."""
        return StateTracking(
            self.table if self.group is None else self.group,
            length=length,
            item=self.pace.item * self.dt,
            level=self.level,
            noise_std=self.noise_std,
            noise_tau=self.noise_tau,
            dt=self.dt,
        )

    @property
    def symbols(self) -> tuple[str, ...]:
        """One for each element."""
        return tuple(f"element_{name}" for name in self.elements)

    @property
    def output_names(self) -> tuple[str, ...]:
        """One for each product."""
        return tuple(f"product_{name}" for name in self.elements)

    @property
    def chance(self) -> float:  # type: ignore[override]
        """All products are equally likely."""
        return 1 / len(self.elements)

    @property
    def shortcuts(self) -> dict[str, float]:  # type: ignore[override]
        """The first product is the first element itself."""
        return {"repeats the last element": (1 - self.chance) / self.n_items + self.chance}

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of the elements."""
        return {"product": dict(enumerate(self.elements))}


def _table(given: Any) -> tuple[Any, tuple[str, ...]]:
    if isinstance(given, str):
        return named_group(given)
    table = checked_table(given)
    return table, tuple(map(str, range(len(table))))
