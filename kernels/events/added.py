"""Spikes of one population, delivered through several sets of synapses at once."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Float, Int32

from neurodyn.kernels.backends import check_dtypes
from neurodyn.kernels.events import listed
from neurodyn.kernels.events.arguments import check_rows, choose
from neurodyn.kernels.events.rules import all_synapses, along, functions, one_by_one, presynaptic


class Rows(NamedTuple):
    """One set of synapses: those of consecutive neurons, row by row, and their target array.

    Attributes
    ----------
    first : int
        Presynaptic neuron of the first row.
    onto : int
        Index of the array that the synapses add to.
    shift : int
        Entry of that array that index 0 means.
    indptr, indices, values
        Synapses, as in `sparse_spike_product`.
    longest : int, optional
        Number of synapses in the longest row (not checked). If it is known, a test for each spike
        is saved. Default: not known.
    """

    first: int
    onto: int
    shift: int
    indptr: Int32[Array, " row_plus_1"]
    indices: Int32[Array, " synapse"]
    values: Float[Array, " synapse"]
    longest: int | None = None


def add_spikes(
    onto, spikes, rows: Sequence[Rows], *, backend: str = "auto"
) -> list[Float[Array, " _post"]]:
    """Add the synapses of the neurons that spiked to the states of their targets.

    Parameters
    ----------
    onto : sequence of (post,)
        States of the targets.
    spikes : (pre,)
        Spikes of one step of one trial, 0 or 1; every number other than 0 counts as 1.
    rows : sequence of Rows
        Sets of synapses; several sets may add to the same array.
    backend : {"auto", "xla", "compiled"}
        As in `spike_product`.

    Returns
    -------
    list of (post,)
        The states after the additions.

    Raises
    ------
    ValueError
        If a shape or ``backend`` is not allowed, or `rows` reach beyond `spikes` or `onto`.
    TypeError
        If floats are not all float32 or all float64, or ``indptr`` or ``indices`` not int32.
    ModuleNotFoundError
        If ``backend="compiled"`` and the compiled function cannot be used; the message says why.

    Notes
    -----
    The neurons that spiked are listed once for all sets of synapses, and a loop around this
    function changes the states in place. On CPUs, each entry adds its synapses one after the other,
    in the order of `rows` and of presynaptic neurons, in every backend, alone or under `vmap`.
    Under `vmap`, `values` may differ between trials, the structure may not. The notes of
    `spike_product` apply here, too.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from neurodyn.kernels import Rows, add_spikes
    >>> indptr, indices = jnp.array([0, 2], jnp.int32), jnp.array([0, 1], jnp.int32)
    >>> rows = Rows(1, 0, 1, indptr, indices, jnp.array([5.0, 7.0]))  # neuron 1 to targets 1, 2
    >>> (out,) = add_spikes([jnp.ones(3)], jnp.array([0.0, 1.0]), [rows])
    >>> print(out)
    [1. 6. 8.]
    """
    onto, spikes = [jnp.asarray(a) for a in onto], jnp.asarray(spikes)
    for i, each in enumerate(rows):
        check_dtypes(spikes=spikes, values=each.values)
        n_pre = each.indptr.shape[0] - 1
        if each.first < 0 or each.first + n_pre > spikes.shape[0]:
            raise ValueError(
                f"rows[{i}] belong to neurons {each.first} to {each.first + n_pre - 1}, but spikes "
                f"has {spikes.shape[0]} neurons."
            )
        own = spikes[each.first : each.first + n_pre]
        check_rows(own, indptr=each.indptr, indices=each.indices, values=each.values)
        if not 0 <= each.onto < len(onto):
            raise ValueError(
                f"rows[{i}] add to array {each.onto}, but onto has {len(onto)} arrays, counted "
                "from 0."
            )
        if not 0 <= each.shift <= onto[each.onto].size:
            raise ValueError(
                f"rows[{i}] begin at entry {each.shift} of array {each.onto}, which has "
                f"{onto[each.onto].size} entries."
            )
        check_dtypes(spikes=spikes, onto=onto[each.onto])
    rows = [each for each in rows if each.indices.size and onto[each.onto].size]
    used = sorted({each.onto for each in rows})
    if not used:
        return onto
    table = tuple((r.first, used.index(r.onto), r.shift, r.longest) for r in rows)
    structure = [(each.indptr, each.indices) for each in rows]
    values = [each.values for each in rows]
    add = _added(choose(backend, "add_spikes", spikes.dtype), table)
    found = add([onto[i][None] for i in used], spikes[None], values, structure)
    for i, a in zip(used, found, strict=True):
        onto[i] = a[0]
    return onto


@functools.cache
def _added(backend: str, table: tuple[tuple[int, int, int, int | None], ...]):
    """A function of (onto, spikes, values, structure); onto and spikes have a trial axis."""
    events = functions(backend).add_spikes

    def add_events(onto, spikes, values, structure):
        rows = [(*own, v) for own, v in zip(structure, values, strict=True)]
        return list(events(onto, listed.pack(spikes), spikes.shape[1], table, rows))

    def add_all(onto, spikes, values, structure):
        ones = (spikes != 0).astype(spikes.dtype)
        return [a + b for a, b in zip(onto, linear(onto, ones, values, structure), strict=True)]

    def linear(onto, spikes, values, structure):
        """Sum over all synapses, also those of silent neurons."""
        sums = [jnp.zeros_like(a) for a in onto]
        for (first, i, shift, _), own, v in zip(table, structure, values, strict=True):
            indptr, indices = own
            pre, shape = (
                presynaptic(indptr, indices) + first,
                (spikes.shape[0], 1, onto[i].shape[1]),
            )
            sums[i] = sums[i] + all_synapses(shape, spikes, v, pre, indices + shift)[:, 0]
        return sums

    @custom_vmap
    def add(*args):
        return lax.platform_dependent(*args, cpu=add_events, default=add_all)

    @add.def_vmap
    def _(axis_size, in_batched, *args):
        if any(jax.tree.leaves(in_batched[3])):
            raise ValueError(
                "Under vmap all trials must share one connectivity, but it differs between them."
            )
        onto, spikes, values = (
            jax.tree.map(functools.partial(along, axis_size), b, a)
            for a, b in zip(args[:3], in_batched[:3], strict=True)
        )
        if any(jax.tree.leaves(in_batched[2])):
            if axis_size == 1:
                first = jax.tree.map(lambda a: a[0], (onto, spikes, values))
                found = [a[None] for a in add(*first, args[3])]
            else:
                found = one_by_one(lambda *a: add(*a, args[3]), onto, spikes, values)
        else:
            shapes = [a.shape for a in onto]
            flat = jax.tree.map(lambda a: a.reshape(-1, a.shape[-1]), (onto, spikes))
            found = add(*flat, args[2], args[3])
            found = [a.reshape(shape) for a, shape in zip(found, shapes, strict=True)]
        return found, [True] * len(found)

    @jax.custom_jvp
    def added(onto, spikes, values, structure):
        return add(onto, spikes, values, structure)

    @added.defjvp
    def _(primals, tangents):
        onto, spikes, values, structure = primals
        onto_dot, spikes_dot, values_dot, _ = tangents
        dots = zip(
            onto_dot,
            linear(onto, spikes_dot, values, structure),
            linear(onto, spikes, values_dot, structure),
            strict=True,
        )
        return added(*primals), [a + b + c for a, b, c in dots]

    return added
