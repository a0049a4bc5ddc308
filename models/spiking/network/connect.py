"""Connectivity: laws that give the connected pairs of units.

Patterns are drawn with NumPy when a network is built, in time and memory proportional to the
synapses they make. A new pattern is a class that implements :class:`AbstractConnectivity`.
"""

import abc
from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import numpy as np
from jaxtyping import Int

from neurodyn.common.checks import whole
from neurodyn.common.reprs import brief

Indices = Int[np.ndarray, " synapse"]


class AbstractConnectivity(eqx.Module):
    """A law that draws which units are connected.

    Attributes
    ----------
    random
        Whether it draws random numbers.
    """

    random: eqx.AbstractClassVar[bool]

    __repr__ = brief

    @abc.abstractmethod
    def pairs(
        self, n_pre: int, n_post: int, offset: int | None, rng: np.random.Generator
    ) -> tuple[Indices, Indices]:
        """Presynaptic and postsynaptic unit of every synapse.

        Parameters
        ----------
        n_pre, n_post
            Number of units on both sides.
        offset
            Presynaptic unit i is postsynaptic unit ``i + offset``; None if the two
            sides have no unit in common.
        rng
            Source of random numbers.
        """


@runtime_checkable
class HasRoom(Protocol):
    """A law whose draws differ in their number of synapses."""

    def room(self, n_pre: int, n_post: int) -> int:
        """A number of synapses that draws rarely exceed, the same for all draws."""
        ...


class AllToAll(AbstractConnectivity):
    """Every unit to every unit.

    Parameters
    ----------
    self_connections
        Whether a unit connects to itself.
    """

    self_connections: bool = True
    random = False

    def pairs(self, n_pre, n_post, offset, rng):
        del rng
        pre, post = np.divmod(np.arange(n_pre * n_post, dtype=np.int64), n_post)
        return without_self(pre, post, offset, self.self_connections)


class OneToOne(AbstractConnectivity):
    """Unit i to unit i of the other side."""

    random = False

    def pairs(self, n_pre, n_post, offset, rng):
        del offset, rng
        if n_pre != n_post:
            raise ValueError(f"OneToOne needs as many units on both sides, got {n_pre}, {n_post}.")
        return np.arange(n_pre), np.arange(n_pre)


class FixedProbability(AbstractConnectivity):
    """Each pair with the same probability, independently.

    Parameters
    ----------
    p
        Probability.
    self_connections
        Whether a unit may connect to itself.
    """

    p: float
    self_connections: bool = True
    random = True

    def __check_init__(self):
        if not 0 < self.p <= 1:
            raise ValueError(f"FixedProbability: `p` lies in (0, 1], got {self.p}.")

    def pairs(self, n_pre, n_post, offset, rng):
        # Gaps between connected pairs have a geometric distribution: only the gaps are drawn.
        total, room = n_pre * n_post, self.room(n_pre, n_post)
        taken, last = [], -1
        while last < total:
            flat = last + np.cumsum(rng.geometric(self.p, room))
            taken.append(flat)
            last = int(flat[-1])
        flat = np.concatenate(taken)
        pre, post = np.divmod(flat[flat < total], n_post)
        return without_self(pre, post, offset, self.self_connections)

    def room(self, n_pre, n_post):
        expected = n_pre * n_post * self.p
        return int(expected + 6 * np.sqrt(expected) + 16)


class FixedInDegree(AbstractConnectivity):
    """Each unit receives from the same number of units, all different.

    Parameters
    ----------
    k
        Number of senders of each unit.
    self_connections
        Whether a unit may connect to itself.
    """

    k: int
    self_connections: bool = True
    random = True

    def pairs(self, n_pre, n_post, offset, rng):
        shift = None if offset is None else -offset
        return _degrees(self, n_post, n_pre, shift, rng, "receives from")[::-1]

    def room(self, n_pre, n_post):
        return n_post * self.k


class FixedOutDegree(AbstractConnectivity):
    """Each unit sends to the same number of units, all different.

    Parameters
    ----------
    k
        Number of targets of each unit.
    self_connections
        Whether a unit may connect to itself.
    """

    k: int
    self_connections: bool = True
    random = True

    def pairs(self, n_pre, n_post, offset, rng):
        return _degrees(self, n_pre, n_post, offset, rng, "sends to")

    def room(self, n_pre, n_post):
        return n_pre * self.k


class Pairs(AbstractConnectivity):
    """Given pairs of units.

    Parameters
    ----------
    pre, post
        Presynaptic and postsynaptic unit of each synapse, counted from 0 on each side.

    Raises
    ------
    ValueError
        If they differ in length, name a unit that is not there, or a pair twice.
    """

    pre: np.ndarray
    post: np.ndarray
    random = False

    def pairs(self, n_pre, n_post, offset, rng):
        del offset, rng
        pre, post = np.asarray(self.pre), np.asarray(self.post)
        if (
            pre.shape != post.shape
            or pre.ndim != 1
            or not {pre.dtype.kind, post.dtype.kind} <= {*"iu"}
        ):
            raise ValueError(
                "Pairs: `pre` and `post` must be whole numbers, one each for every synapse, got "
                f"{pre.dtype}{pre.shape} and {post.dtype}{post.shape}."
            )
        for name, units, n in (("pre", pre, n_pre), ("post", post, n_post)):
            if units.size and not (units.min() >= 0 and units.max() < n):
                raise ValueError(
                    f"Pairs: `{name}` holds units {units.min()} to {units.max()} of {n}."
                )
        numbers = pre.astype(np.int64) * n_post + post
        if not (numbers[1:] > numbers[:-1]).all():  # usually the pairs are already sorted
            numbers.sort()
        if (numbers[1:] == numbers[:-1]).any():
            raise ValueError("Pairs: a pair occurs twice; add up the weights of such synapses.")
        return pre, post


def without_self(pre: Any, post: Any, offset: int | None, keep: bool) -> tuple[Indices, Indices]:
    """The pairs without those of a unit with itself, unless these are kept."""
    if keep or offset is None:
        return pre, post
    other = pre + offset != post
    return pre[other], post[other]


def _degrees(
    law: Any, n: int, m: int, offset: int | None, rng: np.random.Generator, verb: str
) -> tuple[Indices, Indices]:
    """``k`` of m partners for each of n units."""
    k = whole("k", law.k, 1)
    alone = not law.self_connections and offset is not None
    if k > m - alone:
        raise ValueError(
            f"{type(law).__name__}: a unit {verb} {k} units, but there are only {m - alone}."
        )
    found = np.empty((n, k), np.int64)
    for i in range(n):
        me = i + offset if alone and offset is not None else -1
        if 0 <= me < m:
            drawn = rng.choice(m - 1, k, replace=False, shuffle=False)
            found[i] = drawn + (drawn >= me)
        else:
            found[i] = rng.choice(m, k, replace=False, shuffle=False)
    return np.repeat(np.arange(n), k), found.ravel()
