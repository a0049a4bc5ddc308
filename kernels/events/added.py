"""Spikes of one population delivered through several sets of synapses at once."""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Float, Int32

from neurodyn.kernels.compiled import events as events_compiled
from neurodyn.kernels.events import listed as events_list
from neurodyn.kernels.events import plain as events_xla
from neurodyn.kernels.events.arguments import check_dtypes, check_rows, chosen
from neurodyn.kernels.events.rules import all_synapses, along, one_by_one, presynaptic

__all__ = ["Rows", "add_spikes"]


class Rows(NamedTuple):
    """Synapses of neighbouring neurons, row by row, and where they add to.

    Attributes
    ----------
    first : int
        The presynaptic neuron of the first row.
    onto : int
        Which of the arrays they add to.
    shift : int
        The entry of that array for index 0.
    indptr, indices, values
        Synapses, as in `sparse_spike_product`.
    longest : int, optional
        The number of synapses in the longest row, where that is known, which spares a test for
        each spike; not checked here.
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
        What is added to.
    spikes : (pre,)
        Spikes of one step of one trial, 0 or 1; whatever is not 0 counts as 1.
    rows : sequence of Rows
        Synapses; several may add to the same array.
    backend : {"auto", "xla", "compiled"}
        As in `spike_product`.

    Returns
    -------
    list of (post,)

    Raises
    ------
    ValueError, TypeError, ModuleNotFoundError
        As `sparse_spike_product`; ValueError, too, where `rows` reach beyond `spikes` or `onto`.

    Notes
    -----
    Spikes are looked for once, whatever the number of sets of synapses, and loops keep what is
    added to in place. On CPUs, each entry adds its synapses one after the other, in the order of
    `rows` and of presynaptic neurons, in every backend, alone or under `vmap`. The rest is as in
    `spike_product`; under `vmap`, `values` may be those of each trial, the structure may not.

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
                f"rows[{i}] are those of neurons {each.first} to {each.first + n_pre - 1}, but "
                f"there are {spikes.shape[0]}."
            )
        own = spikes[each.first : each.first + n_pre]
        check_rows(own, indptr=each.indptr, indices=each.indices, values=each.values)
        if not 0 <= each.onto < len(onto):
            raise ValueError(f"rows[{i}] add to array {each.onto} of {len(onto)}.")
        if not 0 <= each.shift <= onto[each.onto].size:
            raise ValueError(
                f"rows[{i}] begin at entry {each.shift} of array {each.onto}, which has "
                f"{onto[each.onto].size}."
            )
        check_dtypes(spikes=spikes, onto=onto[each.onto])
    rows = [each for each in rows if each.indices.size and onto[each.onto].size]
    used = sorted({each.onto for each in rows})
    if not used:
        return onto
    table = tuple((r.first, used.index(r.onto), r.shift, r.longest) for r in rows)
    structure = [(each.indptr, each.indices) for each in rows]
    values = [each.values for each in rows]
    add = _added(chosen(backend, "add_spikes", spikes.dtype), table)
    found = add([onto[i][None] for i in used], spikes[None], values, structure)
    for i, a in zip(used, found, strict=True):
        onto[i] = a[0]
    return onto


@functools.cache
def _added(backend: str, table: tuple[tuple[int, int, int, int | None], ...]):
    """A function of (onto, spikes, values, structure), all but the last two with trials."""
    events = {"xla": events_xla.add_spikes, "compiled": events_compiled.add_spikes}[backend]

    def add_events(onto, spikes, values, structure):
        rows = [(*own, v) for own, v in zip(structure, values, strict=True)]
        return list(events(onto, events_list.pack_spikes(spikes), spikes.shape[1], table, rows))

    def add_all(onto, spikes, values, structure):
        ones = (spikes != 0).astype(spikes.dtype)
        return [a + b for a, b in zip(onto, linear(onto, ones, values, structure), strict=True)]

    def linear(onto, spikes, values, structure):
        """What all synapses carry, whether their neuron spiked or not."""
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
            raise ValueError("All trials share one connectivity, but it differs between them.")
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
