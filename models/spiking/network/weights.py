"""Weights of a projection: a dense matrix, or the synapses that exist, row by row."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from neurodyn.common.arrays import as_array
from neurodyn.common.reprs import brief
from neurodyn.kernels import delayed_spike_product, sparse_spike_product, spike_product
from neurodyn.models.spiking.network.parts import by_columns
from neurodyn.params import AbstractElementwise, AbstractParameter, Dale, Fixed, only
from neurodyn.params.base import changed, value_of
from neurodyn.params.laws import is_concrete


class Dense(eqx.Module):
    """A matrix of weights.

    Attributes
    ----------
    values
        ``(pre, post)``.
    exists
        Pairs with a synapse, stored for a learning rule; None: all pairs with a weight other than
        0.
    """

    values: Float[Array, "pre post"] | AbstractParameter
    exists: Bool[Array, "pre post"] | None = None

    __repr__ = brief

    @property
    def pre(self) -> Int[Array, "pre one"]:
        """Presynaptic unit of each entry, to be broadcast against `values`."""
        return jnp.arange(value_of(self.values).shape[0], dtype=jnp.int32)[:, None]

    @property
    def post(self) -> Int[Array, "one post"]:
        """Postsynaptic unit of each entry, to be broadcast against `values`."""
        return jnp.arange(value_of(self.values).shape[1], dtype=jnp.int32)[None, :]

    def product(
        self, events: Float[Array, " pre"], onto: Float[Array, " post"] | None = None
    ) -> Float[Array, " post"]:
        """Weights of the events of one step, each times its size, added to `onto` or to zero."""
        return by_columns(spike_product, events, present(self), onto)

    def matrix(self) -> Float[Array, "pre post"]:
        """The matrix."""
        return present(self)

    def only(self, rows: Any, columns: Any) -> "Dense":
        """The weights between the kept units; the others are 0."""
        mask = rows[:, None] & columns[None, :]
        return Dense(only(self.values, mask), both(self.exists, mask))


#: Above this number of synapses, copying them for each run would take longer than compiling.
_MANY = 2**18


class CSR(eqx.Module):
    """The synapses that exist, sorted by presynaptic unit (compressed sparse rows).

    Attributes
    ----------
    values
        Weight of each synapse.
    indices
        Postsynaptic unit of each synapse.
    indptr
        The synapses of unit i are ``indptr[i]:indptr[i + 1]``.
    n_post
        Number of postsynaptic units.
    rows
        Presynaptic unit of each synapse, stored if a learning rule needs it in every step.
    exists
        Synapses that were not cut, stored for a learning rule; None: all.
    longest
        An upper bound of the number of synapses of one unit, where it is known.
    room
        Number of synapses that the arrays of a run have room for. It is the same for all draws of
        one law, so that a network drawn again runs the same program. None: no additional room.
    """

    values: Float[Array, " synapse"] | AbstractParameter
    indices: Int[Array, " synapse"]
    indptr: Int[Array, " row"]
    n_post: int = eqx.field(static=True)
    rows: Int[Array, " synapse"] | None = None
    exists: Bool[Array, " synapse"] | None = None
    longest: int | None = eqx.field(static=True, default=None)
    room: int | None = eqx.field(static=True, default=None)

    __repr__ = brief

    @property
    def pre(self) -> Int[Array, " synapse"]:
        """Presynaptic unit of each synapse."""
        if self.rows is not None:
            return self.rows
        synapse = jnp.arange(self.indices.shape[0], dtype=jnp.int32)
        return jnp.searchsorted(self.indptr, synapse, side="right").astype(jnp.int32) - 1

    @property
    def post(self) -> Int[Array, " synapse"]:
        """Postsynaptic unit of each synapse."""
        return self.indices

    def product(self, events: Float[Array, " pre"]) -> Float[Array, " post"]:
        """Summed weights of the events of one step, each times its size."""
        return sparse_spike_product(events, self.indptr, self.indices, present(self), self.n_post)

    def delayed(
        self, ring: Float[Array, "slot post"], head: Any, events: Float[Array, " pre"], steps: Any
    ) -> Float[Array, "slot post"]:
        """The ring of spikes under way with those of one step, which arrive after so many steps."""
        values = value_of(self.values)
        return delayed_spike_product(ring, head, events, self.indptr, self.indices, values, steps)

    def matrix(self) -> Float[Array, "pre post"]:
        """As a dense matrix."""
        values = present(self)
        shape = (self.indptr.shape[0] - 1, self.n_post)
        return jnp.zeros(shape, values.dtype).at[self.pre, self.indices].add(values)

    def with_room(self) -> "CSR":
        """With synapses of weight 0 behind the last row, up to the number there is room for.

        Weights that are traced, plastic, or computed from other parameters are not changed.
        """
        n = self.indices.shape[0]
        extra = 0 if self.room is None else self.room - n
        bounded = isinstance(self.values, AbstractElementwise) and not isinstance(
            self.values, Fixed
        )
        plain = bounded or isinstance(self.values, (jax.Array, Fixed, Dale))
        stored: Any = getattr(self.values, "raw", None) if bounded else self.values
        raw = jax.tree.leaves((stored, self.indices))
        own = all(leaf.shape == (n,) for leaf in raw)
        small = n <= _MANY and extra > 0
        if not small or not plain or not own or not is_concrete(*raw) or self.rows is not None:
            return self

        # with NumPy, because JAX would compile a program for each number of synapses
        def longer(x):
            return as_array(np.pad(np.asarray(x), (0, extra)), x.dtype)

        values, indices = jax.tree.map(longer, (stored, self.indices))
        if bounded:  # 0 may lie outside of the bounds
            numbers = np.array(changed(self.values, raw=values).value())
            numbers[n:] = 0
            values = as_array(numbers, numbers.dtype)
        return dataclasses.replace(self, values=values, indices=indices, room=None)

    def only(self, rows: Any, columns: Any) -> "CSR":
        """The weights between the kept units; the others are 0."""
        mask = rows[self.pre] & columns[self.indices]
        values, exists = only(self.values, mask), both(self.exists, mask)
        return dataclasses.replace(self, values=values, exists=exists)


Weights = Dense | CSR


def measured(weights: Weights) -> Weights:
    """Sparse weights with the length of their longest row; others unchanged."""
    if isinstance(weights, Dense):
        return weights
    longest = int(np.diff(np.asarray(weights.indptr)).max(initial=0))
    # Rounded up to the steps of loops over rows, so that networks drawn again mostly agree.
    longest = -(-longest // 16) * 16
    return dataclasses.replace(weights, longest=longest)


def present(weights: Any) -> Array:
    """The weights of synapses that exist, and 0 elsewhere."""
    values = value_of(weights.values)
    if weights.exists is None:
        return values
    return jnp.where(weights.exists, values, jnp.zeros((), values.dtype))


def both(exists: Array | None, mask: Array) -> Array | None:
    """Synapses that exist and are in the mask; None where existence is not stored."""
    return None if exists is None else exists & mask
