"""Networks of which several devices hold a part: neurons, and the synapses onto them.

Units are divided into blocks of equal size, one for each device. A device has the synapses onto its
own units, sorted by sending unit as in the whole network, so that each unit adds the same weights
in the same order wherever it lives.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from neurodyn.common.arrays import as_array
from neurodyn.common.reprs import brief
from neurodyn.kernels import Rows, add_spikes, delayed_spike_product, sparse_spike_product
from neurodyn.models.spiking.network.parts import on_each
from neurodyn.models.spiking.network.weights import Dense, both, present
from neurodyn.params import Fixed, Indexed, only
from neurodyn.params.base import changed, numbers_of, value_of
from neurodyn.system import AbstractSpiking


class Divided(eqx.Module):
    """Synapses by the device that has the units they reach; those of a device lie side by side.

    Attributes
    ----------
    values
        Weight of each synapse, which is not trained. Behind the last synapse of a device there is
        room, with weight 0.
    indices
        Postsynaptic unit of each synapse, counted from the first unit of its device.
    indptr
        The synapses of unit i on device d are ``indptr[d, i]:indptr[d, i + 1]`` of that device.
    rows, exists
        As of :class:`~neurodyn.models.spiking.network.CSR`.
    n_parts, block
        Number of devices, and of the units of each.
    first, n_post
        First unit that the projection reaches, and how many.
    longest
        An upper bound of the number of synapses of one unit on one device.
    matrix_before
        Whether the weights were a matrix, which is added before lists.
    """

    values: Float[Array, " synapse"] | Fixed
    indices: Int[Array, " synapse"]
    indptr: Int[Array, "part row"]
    rows: Int[Array, " synapse"] | None
    exists: Bool[Array, " synapse"] | None
    n_parts: int = eqx.field(static=True)
    block: int = eqx.field(static=True)
    first: int = eqx.field(static=True)
    n_post: int = eqx.field(static=True)
    longest: int = eqx.field(static=True)
    matrix_before: bool = eqx.field(static=True)

    __repr__ = brief

    @property
    def pre(self) -> Int[Array, " synapse"]:
        """Presynaptic unit of each synapse."""
        if self.rows is not None:
            return self.rows
        place = jnp.arange(self.indices.shape[0] // self.n_parts, dtype=jnp.int32)
        find = jax.vmap(lambda row: jnp.searchsorted(row, place, side="right"))
        last = self.indptr.shape[1] - 2
        return jnp.clip(find(self.indptr).astype(jnp.int32) - 1, 0, last).reshape(-1)

    @property
    def post(self) -> Int[Array, " synapse"]:
        """Postsynaptic unit of each synapse, counted from the first that the projection reaches."""
        width = self.indices.shape[0] // self.n_parts
        device = jnp.repeat(
            jnp.arange(self.n_parts, dtype=jnp.int32),
            width,
            total_repeat_length=width * self.n_parts,
        )
        return jnp.clip(device * self.block + self.indices - self.first, 0, self.n_post - 1)

    def product(self, events: Float[Array, " pre"]) -> Float[Array, " unit"]:
        """Summed weights of the events of one step for each unit of the network."""

        def own(events, indptr, indices, values):
            return sparse_spike_product(events, indptr[0], indices, values, self.block)

        arguments = events, self.indptr, self.indices, present(self)
        return on_each(own, arguments, (None, 0, 0, 0), 0, self.n_parts)

    def delayed(
        self, ring: Float[Array, "slot unit"], head: Any, events: Float[Array, " pre"], steps: Any
    ) -> Float[Array, "slot unit"]:
        """The ring of spikes under way with those of one step."""

        def own(ring, head, events, indptr, indices, values, steps):
            return delayed_spike_product(ring, head, events, indptr[0], indices, values, steps)

        arguments = ring, head, events, self.indptr, self.indices, present(self), steps
        return on_each(own, arguments, (1, None, None, 0, 0, 0, 0), 1, self.n_parts)

    def matrix(self) -> Float[Array, "pre post"]:
        """As a dense matrix."""
        values = present(self)
        shape = (self.indptr.shape[1] - 1, self.n_post)
        return jnp.zeros(shape, values.dtype).at[self.pre, self.post].add(values)

    def with_room(self) -> "Divided":
        """The same: it has room already."""
        return self

    def only(self, rows: Any, columns: Any) -> "Divided":
        """The weights between the kept units; the others are 0."""
        mask = rows[self.pre] & columns[self.post]
        values, exists = only(self.values, mask), both(self.exists, mask)
        return dataclasses.replace(self, values=values, exists=exists)


def add_divided(
    states: Sequence[Float[Array, " unit"]],
    spikes: Float[Array, " unit"],
    connections: Sequence[Any],
    onto: Sequence[int],
) -> list[Float[Array, " unit"]]:
    """The states of synapses after the spikes of one step, each device adding to its own units.

    Parameters
    ----------
    states
        States of the synapses.
    spikes
        Spikes of all units.
    connections
        Projections with divided weights.
    onto
        The state that each adds to.
    """
    ordered = sorted(range(len(onto)), key=lambda i: not connections[i].weights.matrix_before)
    about = [(connections[i].pre[0], onto[i], connections[i].weights.longest) for i in ordered]
    weights = [connections[i].weights for i in ordered]

    def own(states, spikes, synapses):
        rows = [
            Rows(first, place, 0, indptr[0], indices, values, longest)
            for (first, place, longest), (indptr, indices, values) in zip(
                about, synapses, strict=True
            )
        ]
        return add_spikes(states, spikes, rows)

    synapses = [(each.indptr, each.indices, present(each)) for each in weights]
    return on_each(own, (list(states), spikes, synapses), (0, None, 0), 0, weights[0].n_parts)


class AbstractDivisible(AbstractSpiking):
    """A network of which devices can hold a part each."""

    projections: eqx.AbstractVar[Mapping[str, Any]]
    n_units: eqx.AbstractVar[int]

    def divided(self, n: int) -> Any:
        """A copy with its synapses sorted by the device of their targets, for ``n`` devices.

        Matrices that reach all units stay as they are, and are split by columns.

        Raises
        ------
        ValueError
            If weights are not known, differ between trials, or are divided otherwise already.
        """
        parts = {
            name: _connection(f"Projection {name!r}", each, self.n_units, n)
            for name, each in self.projections.items()
        }
        return changed(self, projections=parts)

    def unit_axes(self) -> dict[str, int | None]:
        """Axis of divided synapses; other arrays are split by their length."""
        found: dict[str, int | None] = {}
        for name, each in self.projections.items():
            if not isinstance(each.weights, Divided):
                continue
            one_each = each.weights.indices.shape
            for part in ("weights", "delay", "rule"):
                if any(x.shape == one_each for x in jax.tree.leaves(getattr(each, part))):
                    found[f"projections.{name}.{part}"] = 0
        return found


def _connection(what: str, each: Any, n_units: int, n: int) -> Any:
    weights = each.weights
    if isinstance(weights, Divided):
        if weights.n_parts != n:
            raise ValueError(
                f"{what} was divided for {weights.n_parts} devices, and `mesh` has {n} along "
                "'unit': pass the network from which it was made."
            )
        return each
    if isinstance(weights, Dense) and each.post == (0, n_units):
        return each
    if isinstance(weights.values, Indexed) or numbers_of(weights.values) is None:
        raise ValueError(
            f"{what} has no single list of known weights (they differ between trials, or are "
            "traced), so that its synapses cannot be sorted by device: use a mesh with 'trial'."
        )
    old = np.shape(value_of(weights.values))
    weights, sort = _sorted(weights, each.post[0], n_units, n)

    def moved(x: Any) -> Any:
        return as_array(sort(np.asarray(x)), x.dtype) if np.shape(x) == old else x

    rule = each.rule if each.rule is None else jax.tree.map(moved, each.rule)
    delay = each.delay
    if delay is not None and value_of(delay).ndim:
        delay = Fixed(raw=moved(value_of(delay)))
    return dataclasses.replace(each, weights=weights, rule=rule, delay=delay)


def _sorted(weights: Any, first: int, n_units: int, n: int) -> tuple[Divided, Callable]:
    """Weights sorted by device, and a function that sorts other numbers of the same synapses."""
    values, dense = np.asarray(value_of(weights.values)), isinstance(weights, Dense)
    if dense:
        known = values != 0 if weights.exists is None else np.asarray(weights.exists)
        pre, post = np.nonzero(known)
        n_pre, n_post = values.shape
        taken = pre * n_post + post
    else:
        indptr = np.asarray(weights.indptr)
        n_pre, n_post = len(indptr) - 1, weights.n_post
        taken = np.arange(indptr[-1])  # without the room behind the last synapse
        pre, post = np.repeat(np.arange(n_pre), np.diff(indptr)), np.asarray(weights.indices)[taken]
    block = n_units // n
    device = (post + first) // block
    order = np.argsort(device, kind="stable")
    counts = np.bincount(device, minlength=n)
    # Rounded up by at most an eighth, so that most networks drawn again run the same program.
    most = int(counts.max(initial=1))
    step = max(16, 2 ** (most.bit_length() - 4))
    width = -(-most // step) * step
    begin = np.cumsum(counts) - counts
    place = device[order] * width + np.arange(order.size) - begin[device[order]]

    def sort(x: np.ndarray) -> np.ndarray:
        out = np.zeros(n * width, x.dtype)
        out[place] = x.reshape(-1)[taken[order]]
        return out

    def spread(x: np.ndarray, dtype: Any) -> Array:
        out = np.zeros(n * width, dtype)
        out[place] = x[order]
        return as_array(out, jnp.dtype(dtype))

    rows = np.bincount(device * n_pre + pre, minlength=n * n_pre).reshape(n, n_pre)
    indptr = np.zeros((n, n_pre + 1), np.int32)
    np.cumsum(rows, axis=1, out=indptr[:, 1:])
    plastic = weights.exists is not None
    exists = None
    if plastic:
        given = np.asarray(weights.exists).reshape(-1)[taken]
        exists = spread(given, bool)
    new = Divided(
        values=Fixed(raw=as_array(sort(values), values.dtype)),
        indices=spread((post + first) % block, np.int32),
        indptr=as_array(indptr, jnp.int32),
        rows=spread(pre, np.int32) if plastic else None,
        exists=exists,
        n_parts=n,
        block=block,
        first=first,
        n_post=n_post,
        longest=-(-int(rows.max(initial=0)) // 16) * 16,
        matrix_before=dense,
    )
    return new, sort
