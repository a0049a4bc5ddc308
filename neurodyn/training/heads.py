"""Curricula over the heads of a task: harder questions to more, or other, heads of one network."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from neurodyn.common.checks import check_whole, number
from neurodyn.task import AbstractTask
from neurodyn.training.curriculum import AbstractCurriculum


@runtime_checkable
class HasHeads(Protocol):
    """A task whose outputs are heads that answer the same question for different N.

    Attributes
    ----------
    ns
        N of each head, ascending; heads at rest come last and have N = 0.
    n_outputs
        Number of outputs, the same for each head; those of head 0 come first.
    """

    ns: Int[Array, " head"]
    n_outputs: int

    def with_ns(self, ns: Sequence[int]) -> AbstractTask:
        """The task for these N, with buffers that are large enough for them.

        The shapes of all arrays stay; sizes of buffers are static.
        """


class Heads(AbstractCurriculum):
    """Goes on to larger N each time the heads in use have solved theirs.

    It advances when the mean accuracy over the heads in use and the accuracy of the largest N both
    exceed the threshold. Then it drops the smallest N, appends larger ones, and assigns all N to
    the heads by position: the N that stay move to lower heads, as published. With ``drop > add``,
    heads at the end come to rest. The weights of heads at rest do not change, nor does the state of
    their optimiser. Training ends when there are no more heads, or beyond ``n_last``.

    :meth:`single`, :meth:`cumulative`, :meth:`sliding` and :meth:`constant` make the published
    curricula; their ``options`` are ``threshold``, ``n_last``, ``metrics`` and ``readout``.

    Parameters
    ----------
    add, drop
        How many N are appended and dropped at each stage; ``add=0``: training ends with the first.
    threshold
        Accuracy to exceed, between 0 and 1. Default 0.98.
    n_last
        The largest N to train; default: as far as the heads go.
    metrics
        Names of the accuracy over all heads in use and of that of the largest N, as in
        ``Fit.history``.
    readout
        Names of the parameters of the model that have the outputs on their last axis.

    References
    ----------
    Khajehabdollahi, Zeraati et al., "Emergent mechanisms for long timescales depend on training
    curriculum and affect performance in memory tasks", ICLR 2024.

    Examples
    --------
    >>> from neurodyn.tasks import NParity
    >>> from neurodyn.training import Heads
    >>> task = NParity([2, 3, 4], n_heads=3)
    >>> accuracy = jnp.array(0.99)
    >>> passed = {"validation_correct": accuracy, "validation_correct_largest": accuracy}
    >>> harder, done = Heads.sliding(3, 2).advance(task, passed)
    >>> print(harder.ns, done)
    [4 5 6] False
    """

    add: int = eqx.field(static=True)
    drop: int = eqx.field(static=True)
    threshold: Float[Array, ""]
    n_last: Int[Array, ""] | None
    metrics: tuple[str, str] = eqx.field(static=True)
    readout: tuple[str, ...] = eqx.field(static=True)

    def __init__(
        self,
        add: int,
        drop: int,
        *,
        threshold: float | int = 0.98,
        n_last: int | None = None,
        metrics: Sequence[str] = ("validation_correct", "validation_correct_largest"),
        readout: tuple[str, ...] = ("W_out", "b_out"),
    ):
        check_whole(0, add=add, drop=drop)
        if n_last is not None:
            check_whole(1, n_last=n_last)
        self.threshold = number("threshold", threshold, low=0)
        if not self.threshold < 1:
            raise ValueError(
                f"`threshold` is an accuracy to exceed, below 1, got {threshold!r}. "
                "Write 0.98 for 98 %."
            )
        if isinstance(metrics, str) or len(metrics) != 2:
            raise ValueError(
                "`metrics` must name two accuracies, over all heads in use and of the largest N, "
                f"got {metrics!r}."
            )
        self.add, self.drop = int(add), int(drop)
        self.n_last = None if n_last is None else jnp.asarray(n_last, jnp.int32)
        self.metrics, self.readout = (metrics[0], metrics[1]), tuple(readout)

    @classmethod
    def single(cls, **options: Any) -> "Heads":
        """One N at a time at the one head 0: N, then N + 1 alone, which forgets the N before."""
        return cls(1, 1, **options)

    @classmethod
    def cumulative(cls, add: int = 1, **options: Any) -> "Heads":
        """All N so far: a new head for each larger N, while the heads before go on.

        Parameters
        ----------
        add
            New heads at a time.
        **options
            As for :class:`Heads`.
        """
        return cls(add, 0, **options)

    @classmethod
    def sliding(cls, n_heads: int, n_forget: int, **options: Any) -> "Heads":
        """A window of N: drop the ``n_forget`` smallest, append as many larger ones.

        Parameters
        ----------
        n_heads
            Heads in the window; the task starts with as many N.
        n_forget
            Number of N that are dropped at a time, at least 1.
        **options
            As for :class:`Heads`.

        Raises
        ------
        ValueError
            If ``n_forget`` is not between 1 and ``n_heads``.
        """
        if not 1 <= n_forget <= n_heads:
            raise ValueError(
                f"Heads.sliding: `n_forget` must lie between 1 and n_heads={n_heads}, got "
                f"{n_forget}."
            )
        return cls(n_forget, n_forget, **options)

    @classmethod
    def constant(cls, **options: Any) -> "Heads":
        """No curriculum: the N that the task starts with, until they are solved."""
        return cls(0, 0, **options)

    def check(self, task):
        if not isinstance(task, HasHeads):
            raise TypeError(
                f"This curriculum is over the heads of a task, but {type(task).__name__} has none: "
                "it needs `ns`, `n_outputs` and `with_ns`, see neurodyn.training.HasHeads."
            )
        ns = np.asarray(task.ns)
        used = ns[ns > 0]
        if len(used) == 0 or (ns[: len(used)] != used).any() or (np.diff(used) < 1).any():
            raise ValueError(
                "The N of heads must rise from head 0 on, with heads at rest (0) behind them, got "
                f"{ns.tolist()}."
            )
        if self.drop > len(used):
            raise ValueError(
                f"This curriculum drops {self.drop} values of N at a time, but the task starts "
                f"with {used.tolist()}: start with at least {self.drop}."
            )
        if len(used) - self.drop + self.add < 1 and self.add:
            raise ValueError(f"This curriculum would leave {type(task).__name__} without heads.")
        if task.n_outputs % len(ns):
            raise ValueError(
                f"{type(task).__name__} has {task.n_outputs} outputs, which {len(ns)} heads cannot "
                "share evenly."
            )
        if self.n_last is not None and int(self.n_last) < used[-1]:
            raise ValueError(
                f"`n_last` is {int(self.n_last)}, but the task starts with N={used[-1]}."
            )

    def passed(self, metrics: dict[str, Any]) -> Any:
        """Whether these are good enough to go on: both accuracies exceed the threshold."""
        for name in self.metrics:
            if name not in metrics:
                raise ValueError(
                    f"This curriculum goes by {' and '.join(self.metrics)}, but the evaluation has "
                    f"{', '.join(sorted(metrics))}."
                )
        mean, largest = (jnp.asarray(metrics[name]) for name in self.metrics)
        threshold = self.threshold.astype(mean.dtype)
        return (mean > threshold) & (largest > threshold)

    def advance(self, task, metrics):
        passed = self.passed(metrics)
        ns, n_heads = task.ns, task.ns.shape[0]
        kept = jnp.sum(ns > 0) - self.drop
        largest = jnp.max(ns)
        place = jnp.arange(n_heads, dtype=ns.dtype)
        shifted = ns[jnp.minimum(place + self.drop, n_heads - 1)]
        more = largest + 1 + place - kept.astype(ns.dtype)
        rest = jnp.where(place < kept + self.add, more, jnp.zeros_like(ns))
        harder = jnp.where(place < kept, shifted, rest)
        over = jnp.asarray(self.add == 0) | (kept + self.add > n_heads)
        if self.n_last is not None:
            over = over | (largest + self.add > self.n_last)
        harder = jnp.where(passed & ~over, harder, ns)
        return eqx.tree_at(lambda t: t.ns, task, harder), passed & over

    def resize(self, task):
        ns = np.asarray(task.ns)
        return task.with_ns(ns[ns > 0].tolist())

    def active(self, params, task):
        if task.ns.shape[0] == 1:
            return None
        paths = jax.tree_util.tree_flatten_with_path(params)[0]
        if not any(self._reads_out(path) for path, _ in paths):
            raise ValueError(
                f"The model has no parameter called {' or '.join(self.readout)}, so heads at rest "
                "cannot be held: name the parameters with outputs on their last axis in `readout`."
            )
        used = jnp.repeat(task.ns > 0, task.n_outputs // task.ns.shape[0])

        def mask(path, x):
            if not self._reads_out(path):
                return jnp.asarray(True)
            if x.shape[-1] != used.shape[0]:
                raise ValueError(
                    f"`readout`: {jax.tree_util.keystr(path)} has shape {x.shape}, but the task "
                    f"has {used.shape[0]} outputs; name the parameters with outputs last."
                )
            return used.reshape((1,) * (x.ndim - 1) + used.shape)

        return jax.tree_util.tree_map_with_path(mask, params)

    def _reads_out(self, path: tuple) -> bool:
        return any(getattr(entry, "name", None) in self.readout for entry in path)

    def stage(self, task):
        used = task.ns > 0
        least = jnp.min(jnp.where(used, task.ns, jnp.max(task.ns)))
        return {"n_min": least, "n_max": jnp.max(task.ns), "n_heads": jnp.sum(used)}
