"""Several models of one kind, told apart by their seed."""

import operator
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import PRNGKeyArray, PyTree

from neurodyn.common.checks import check_whole, whole
from neurodyn.common.random import fold_in
from neurodyn.common.reprs import brief


class Seeds(eqx.Module):
    """How many members to train, and how: what `fit(ensemble=...)` takes.

    Parameters
    ----------
    n
        Number of members.
    how
        ``"map"``
            Each member runs through the same compiled program, on a thread for each core. A member
            comes out bit for bit the same in an ensemble of any size, and the same as a `fit`
            without ensemble and with its key (on the same machine).
        ``"vmap"``
            All members in one batched program. Batched products are summed in another order: the
            gradient of a step agrees to about 1e-5, and trajectories of training then drift
            apart, so results depend on the size of the ensemble. On two CPU cores it takes about
            two thirds of the time of ``"map"`` at 16 units and less, as much at 32, and almost
            three times as much at 64 (``tests/benchmarks/training.py``).
        ``"auto"``
            ``"map"`` on CPUs, for its stronger claim; ``"vmap"`` on accelerators, which run one
            program at a time and would idle with small members.
    seeds
        The seed of each member, which trains with the key ``fold_in(key, seed)``: a member with the
        same seed is the same in every ensemble. Default: 0 to n - 1.
    """

    n: int = eqx.field(static=True)
    how: Literal["map", "vmap", "auto"] = eqx.field(static=True, default="auto")
    seeds: tuple[int, ...] | None = eqx.field(static=True, default=None)

    __repr__ = brief

    def __check_init__(self):
        check_whole(1, n=self.n)
        if self.seeds is not None:
            if len(self.seeds) != self.n:
                raise ValueError(f"Seeds: there are {self.n} members and {len(self.seeds)} seeds.")
            for seed in self.seeds:
                whole("seeds", seed, 0)
        if self.how not in ("map", "vmap", "auto"):
            raise ValueError(f"Seeds: `how` is 'map', 'vmap' or 'auto', got {self.how!r}.")

    def keys(self, key: PRNGKeyArray) -> list[PRNGKeyArray]:
        """The key of each member."""
        seeds = range(self.n) if self.seeds is None else self.seeds
        return [fold_in(key, seed) for seed in seeds]

    def resolved(self) -> str:
        """``"map"`` or ``"vmap"``, with ``"auto"`` decided for the backend in use."""
        if self.how != "auto":
            return self.how
        return "map" if jax.default_backend() == "cpu" else "vmap"

    def described(self) -> str:
        """In words that :meth:`read` takes, for a checkpoint."""
        own = "" if self.seeds is None else f" of seeds {', '.join(map(str, self.seeds))}"
        return f"{self.n} by {self.resolved()}{own}"

    @classmethod
    def read(cls, words: str) -> "Seeds":
        """The seeds that :meth:`described` wrote down."""
        about, _, seeds = words.partition(" of seeds ")
        n, how = about.split(" by ")
        way: Any = how
        return cls(int(n), way, tuple(map(int, seeds.split(", "))) if seeds else None)


class Ensemble(eqx.Module):
    """Trained models of one kind: has a length, can be indexed, sliced and iterated over.

    Parameters
    ----------
    members
        Models that differ in the values of their arrays only.

    Attributes
    ----------
    stacked
        One module whose arrays have a leading ``seed`` axis, for use with ``eqx.filter_vmap``.

    Raises
    ------
    ValueError
        If there are no members, or they differ in more than the values of arrays.
    """

    stacked: PyTree

    def __init__(self, members: Sequence[PyTree]):
        members = list(members)
        if not members:
            raise ValueError("Ensemble: there are no members.")
        like = _signature(members[0])
        for i, member in enumerate(members):
            if _signature(member) != like:
                raise ValueError(
                    f"Ensemble: members 0 ({type(members[0]).__name__}) and {i} "
                    f"({type(member).__name__}) differ in more than the values of their arrays."
                )
        self.stacked = stack(members)

    def __repr__(self) -> str:
        first = repr(self[0]).splitlines()[:4]
        return "\n".join([f"Ensemble: {len(self)} members, the first of them", *first])

    def __len__(self) -> int:
        return next(x for x in jax.tree.leaves(self.stacked) if eqx.is_array(x)).shape[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Ensemble([self[i] for i in range(*index.indices(len(self)))])
        i = operator.index(index)
        if not -len(self) <= i < len(self):
            raise IndexError(f"member {i} of an ensemble of {len(self)}")
        return unstack(self.stacked, i)

    def __iter__(self) -> Iterator[PyTree]:
        return (self[i] for i in range(len(self)))


def stack(trees: Sequence[PyTree]) -> PyTree:
    """Stack the arrays of equal trees along a new first axis."""
    return jax.tree.map(lambda *x: jnp.stack(x) if eqx.is_array(x[0]) else x[0], *trees)


def unstack(tree: PyTree, i: int) -> PyTree:
    """Entry i of what `stack` made."""
    return jax.tree.map(lambda x: x[i] if eqx.is_array(x) else x, tree)


def _signature(member: PyTree) -> Any:
    arrays, static = eqx.partition(member, eqx.is_array)
    shapes = [(x.shape, x.dtype) for x in jax.tree.leaves(arrays)]
    if not shapes:
        raise ValueError(f"Ensemble: a {type(member).__name__} without arrays has no members.")
    return jax.tree.structure(arrays), shapes, jax.tree.leaves(static)
