"""Exact event-driven products of spikes with weights: only neurons that spiked cost anything."""

import functools
import os

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Float, Shaped, UInt32

from neurodyn.kernels import events_list, events_numba, events_xla

__all__ = ["delayed_spike_product", "pack_spikes", "sparse_spike_product", "spike_product"]

_BACKENDS = ("auto", "xla", "numba")


def spike_product(spikes, W, *, backend: str = "auto") -> Float[Array, " post"]:
    """Sum the rows of ``W`` of the neurons that spiked: ``spikes @ W``.

    Parameters
    ----------
    spikes : (pre,)
        Spikes of one step of one trial, 0 or 1. Other numbers scale their row (a release
        probability, several spikes in a step).
    W : (pre, post)
        ``W[i, j]`` goes from neuron i to neuron j.
    backend : {"auto", "xla", "numba"}
        "numba" needs the extra `fast` and runs on CPUs only; "auto" (default) takes it where it
        can, unless the environment variable ``NEURODYN_EVENTS`` says "xla".

    Returns
    -------
    (post,)

    Raises
    ------
    ValueError
        If a shape or ``backend`` is not allowed.
    TypeError
        If the arrays are not both float32 or both float64.
    ModuleNotFoundError
        If ``backend="numba"`` and numba is not installed.

    Notes
    -----
    On CPUs, rows are added to zero one after the other in ascending order of neurons, in every
    backend, alone or under `vmap`: the result is the same to the last bit. No spike is
    ever dropped, however many there are. Other devices multiply matrices.

    Under `vmap`, trials that share ``W`` run as one batch; trials with weights of their own run
    one after the other. Differentiable once, in both modes, with respect to both arguments: the
    derivative with respect to the spikes is that of the dense product, for surrogate gradients.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from neurodyn.kernels import spike_product
    >>> W = jnp.array([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]])
    >>> print(spike_product(jnp.array([1.0, 0.0, 1.0]), W))
    [101. 202.]
    """
    spikes, W = jnp.asarray(spikes), jnp.asarray(W)
    _check_dtypes(spikes=spikes, W=W)
    if spikes.ndim != 1 or W.ndim != 2 or W.shape[0] != spikes.shape[0]:
        raise ValueError(
            f"spikes must have dims (pre,) and W (pre, post), got {spikes.shape} and {W.shape}; "
            "run trials with jax.vmap."
        )
    if 0 in W.shape:
        return jnp.zeros(W.shape[1], W.dtype)
    return _dense(_chosen(backend))(spikes[None], W)[0]


def sparse_spike_product(
    spikes, indptr, indices, values, n_post: int, *, backend: str = "auto"
) -> Float[Array, " post"]:
    """Sum the synapses of the neurons that spiked, by postsynaptic neuron.

    Parameters
    ----------
    spikes : (pre,)
        Spikes of one step of one trial, 0 or 1; other numbers scale their synapses.
    indptr : (pre + 1,), int32
        The synapses of neuron i are ``indptr[i]:indptr[i + 1]`` (compressed sparse rows).
    indices : (synapse,), int32
        Postsynaptic neurons, in ``0..n_post - 1``; values outside are not checked here.
    values : (synapse,)
        Weights.
    n_post : int
        Number of postsynaptic neurons.
    backend : {"auto", "xla", "numba"}
        As in `spike_product`.

    Returns
    -------
    (post,)

    Raises
    ------
    ValueError
        If a shape or ``backend`` is not allowed.
    TypeError
        If ``spikes`` and ``values`` are not both float32 or both float64, or the others not int32.
    ModuleNotFoundError
        If ``backend="numba"`` and numba is not installed.

    Notes
    -----
    As `spike_product`, and equal to it to the last bit on the dense form of the same weights (where
    no pair of neurons has two synapses): each target adds its synapses in ascending order of
    presynaptic neurons. Time and memory grow with the synapses of neurons that spike.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from neurodyn.kernels import sparse_spike_product
    >>> indptr, indices = jnp.array([0, 2, 3], jnp.int32), jnp.array([0, 2, 1], jnp.int32)
    >>> values = jnp.array([1.0, 2.0, 3.0])
    >>> print(sparse_spike_product(jnp.array([1.0, 0.0]), indptr, indices, values, 3))
    [1. 0. 2.]
    """
    spikes, indptr, indices, values = map(jnp.asarray, (spikes, indptr, indices, values))
    _check_dtypes(spikes=spikes, values=values)
    _check_rows(spikes, indptr=indptr, indices=indices, values=values)
    onto = jnp.zeros((1, 1, n_post), values.dtype)
    if spikes.shape[0] == 0 or n_post == 0:
        return onto[0, 0]
    scatter = _sparse(_chosen(backend), False)
    return scatter(onto, spikes[None], values, indptr, indices)[0, 0]


def delayed_spike_product(
    ring, head, spikes, indptr, indices, values, delays, *, backend: str = "auto"
) -> Float[Array, "slot post"]:
    """Add the synapses of the neurons that spiked to the slots of a ring where they will arrive.

    One step of a network with delays is: call this, read slot ``head``, increase ``head``.

    Parameters
    ----------
    ring : (slot, post)
        What is under way. The first step starts from zeros.
    head : integer scalar
        The slot that arrives in this step, counted around the ring.
    spikes : (pre,)
        Spikes of one step of one trial, 0 or 1; other numbers scale their synapses.
    indptr, indices, values
        Synapses, as in `sparse_spike_product`.
    delays : (synapse,), int32
        Delay of each synapse in steps, in ``0..n_slots - 1``; values outside are not checked here.
    backend : {"auto", "xla", "numba"}
        As in `spike_product`.

    Returns
    -------
    (slot, post)
        The ring, with slot ``head - 1``, which arrived in the step before, emptied, and then with
        ``values`` added at slot ``(head + delays) % n_slots``.

    Raises
    ------
    ValueError
        If a shape or ``backend`` is not allowed.
    TypeError
        If a dtype is not allowed.
    ModuleNotFoundError
        If ``backend="numba"`` and numba is not installed.

    Notes
    -----
    A loop keeps the ring in place: reading a slot costs nothing, where emptying it after it was
    read would copy the whole ring at every step.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from neurodyn.kernels import delayed_spike_product
    >>> indptr, indices = jnp.array([0, 2], jnp.int32), jnp.array([0, 1], jnp.int32)
    >>> delays = jnp.array([1, 2], jnp.int32)
    >>> ring = delayed_spike_product(
    ...     jnp.zeros((3, 2)), 2, jnp.ones(1), indptr, indices, jnp.array([5.0, 7.0]), delays
    ... )
    >>> print(ring)
    [[5. 0.]
     [0. 7.]
     [0. 0.]]
    """
    ring, head, spikes, values = map(jnp.asarray, (ring, head, spikes, values))
    indptr, indices, delays = map(jnp.asarray, (indptr, indices, delays))
    _check_dtypes(ring=ring, spikes=spikes, values=values)
    _check_rows(spikes, indptr=indptr, indices=indices, values=values, delays=delays)
    if ring.ndim != 2 or ring.shape[0] == 0:
        raise ValueError(
            f"ring must have dims (slot, post) with a slot at least, got {ring.shape}."
        )
    if head.shape != () or not jnp.issubdtype(head.dtype, jnp.integer):
        raise TypeError(f"head must be an integer scalar, got {head.dtype}{list(head.shape)}.")
    if spikes.shape[0] == 0 or ring.shape[1] == 0:
        return ring
    scatter = _sparse(_chosen(backend), True)
    head = head.astype(jnp.int32)[None]
    return scatter(ring[None], spikes[None], values, indptr, indices, head, delays)[0]


def pack_spikes(
    spikes: Shaped[Array, "*batch unit"], *, backend: str = "auto"
) -> UInt32[Array, "*batch word"]:
    """Pack which entries are not zero, 32 to a word.

    Parameters
    ----------
    spikes : (..., unit)
        Spikes of one step: numbers or bools.

    backend : {"auto", "xla", "numba"}
        As in `spike_product`; "numba" packs floats, whatever else is packed by XLA.

    Returns
    -------
    words : (..., word), uint32
        Bit ``i % 32`` of word ``i // 32`` belongs to unit i; bits beyond the last unit are 0.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from neurodyn.kernels import pack_spikes
    >>> print(pack_spikes(jnp.array([1.0, 0.0, 1.0])))
    [5]
    """
    spikes = jnp.asarray(spikes)
    if _chosen(backend) == "xla" or spikes.dtype not in (jnp.float32, jnp.float64):
        return events_list.pack_spikes(spikes)
    n_units = spikes.shape[-1]
    if spikes.size == 0:
        return events_list.pack_spikes(spikes)
    return _pack(spikes.reshape(-1, n_units)).reshape(*spikes.shape[:-1], -1)


@custom_vmap
def _pack(spikes):
    return lax.platform_dependent(spikes, cpu=events_numba.pack, default=events_list.pack_spikes)


@_pack.def_vmap
def _(axis_size, in_batched, spikes):
    del axis_size, in_batched
    return _pack(spikes.reshape(-1, spikes.shape[-1])).reshape(*spikes.shape[:-1], -1), True


# --- one batch of trials, with its derivative ------------------------------------------------


@functools.cache
def _dense(backend: str):
    add_rows = {"xla": events_xla.add_rows, "numba": events_numba.add_rows}[backend]

    def multiply(spikes, W):
        return jnp.matmul(spikes, W, precision=lax.Precision.HIGHEST)

    @custom_vmap
    def rows(spikes, W):
        return lax.platform_dependent(spikes, W, cpu=add_rows, default=multiply)

    @rows.def_vmap
    def _(axis_size, in_batched, spikes, W):
        if not in_batched[1]:
            out = rows(spikes.reshape(-1, spikes.shape[-1]), W)
            return out.reshape(*spikes.shape[:-1], -1), True
        spikes = _along(axis_size, in_batched[0], spikes)
        if axis_size == 1:
            return rows(spikes[0], W[0])[None], True
        one_by_one = functools.partial(_one_by_one, rows)
        return lax.platform_dependent(spikes, W, cpu=one_by_one, default=multiply), True

    @jax.custom_jvp
    def product(spikes, W):
        return rows(spikes, W)

    @product.defjvp
    def _(primals, tangents):
        (spikes, W), (spikes_dot, W_dot) = primals, tangents
        return product(spikes, W), spikes_dot @ W + spikes @ W_dot

    return product


@functools.cache
def _sparse(backend: str, delayed: bool):
    """A function of (onto, spikes, values, indptr, indices[, head, delays])."""
    events = {"xla": events_xla.scatter_rows, "numba": events_numba.scatter_rows}[backend]

    def add_events(onto, spikes, values, indptr, indices, head=None, delays=None):
        return events(onto, head, spikes, indptr, indices, values, delays)

    def add_all(onto, spikes, values, indptr, indices, head=None, delays=None):
        onto = _without_last(onto, head) if delayed else onto
        return onto + _all_synapses(
            onto.shape, spikes, values, _presynaptic(indptr, indices), indices, head, delays
        )

    @custom_vmap
    def scatter(*args):
        return lax.platform_dependent(*args, cpu=add_events, default=add_all)

    @scatter.def_vmap
    def _(axis_size, in_batched, *args):
        own = [name for name, b in zip(_STRUCTURE, in_batched[3:], strict=False) if b]
        if {"indptr", "indices", "delays"} & set(own):
            raise ValueError(f"All trials share one connectivity, but {own} differ between them.")
        together = (0, 1, 5)  # onto, spikes, head
        args = [
            _along(axis_size, b, a) if i in together or (i == 2 and in_batched[2]) else a
            for i, (a, b) in enumerate(zip(args, in_batched, strict=True))
        ]
        if in_batched[2]:
            mapped = [i for i in (0, 1, 2, 5) if i < len(args)]

            def one(parts):
                whole = list(args)
                for i, part in zip(mapped, parts, strict=True):
                    whole[i] = part
                return scatter(*whole)

            parts = tuple(args[i] for i in mapped)
            if axis_size == 1:
                return one(tuple(part[0] for part in parts))[None], True
            return lax.map(one, parts), True
        shape = args[0].shape
        for i in (i for i in together if i < len(args)):
            args[i] = args[i].reshape(-1, *args[i].shape[2:])
        return scatter(*args).reshape(shape), True

    @jax.custom_jvp
    def product(*args):
        return scatter(*args)

    @product.defjvp
    def _(primals, tangents):
        onto, spikes, values, indptr, indices, *rest = primals
        onto_dot, spikes_dot, values_dot = tangents[:3]
        pre = _presynaptic(indptr, indices)
        if delayed:
            onto_dot = _without_last(onto_dot, rest[0])
        onto_dot = onto_dot + _all_synapses(onto.shape, spikes_dot, values, pre, indices, *rest)
        onto_dot = onto_dot + _all_synapses(onto.shape, spikes, values_dot, pre, indices, *rest)
        return product(*primals), onto_dot

    return product


_STRUCTURE = ("indptr", "indices", "head", "delays")


def _along(axis_size: int, batched: bool, a):
    """The argument with the mapped axis in front, whether it has one of its own or not."""
    return a if batched else jnp.broadcast_to(a[None], (axis_size, *a.shape))


def _one_by_one(function, *args):
    return lax.map(lambda parts: function(*parts), args)


def _presynaptic(indptr, indices):
    """The presynaptic neuron of every synapse."""
    synapse = jnp.arange(indices.shape[0], dtype=indptr.dtype)
    return jnp.searchsorted(indptr, synapse, side="right").astype(jnp.int32) - 1


def _without_last(ring, head):
    """The ring without what arrived in the step before, in a form that can be transposed."""
    slot = jnp.arange(ring.shape[1], dtype=head.dtype)
    last = (head + (ring.shape[1] - 1)) % ring.shape[1]
    gone = (slot[None] == last[:, None])[..., None]
    return jnp.where(gone, jnp.zeros((), ring.dtype), ring)


def _all_synapses(shape, spikes, values, pre, indices, head=None, delays=None):
    """What all synapses carry, whether their neuron spiked or not."""
    n_trials, n_slots, n_post = shape
    carried = spikes[:, pre] * values[None]
    if delays is None:
        target = jnp.broadcast_to(indices[None], carried.shape)
    else:
        target = ((head[:, None] + delays[None]) % n_slots) * n_post + indices[None]
    trial = jnp.arange(n_trials)[:, None]
    flat = jnp.zeros((n_trials, n_slots * n_post), carried.dtype)
    return flat.at[trial, target].add(carried, mode="drop").reshape(shape)


# --- arguments -------------------------------------------------------------------------------


def _chosen(backend: str) -> str:
    if backend not in _BACKENDS:
        raise ValueError(f"backend must be one of {_BACKENDS}, got {backend!r}.")
    if backend == "auto":
        wanted = os.environ.get("NEURODYN_EVENTS", "auto")
        if wanted not in _BACKENDS:
            raise ValueError(f"NEURODYN_EVENTS must be one of {_BACKENDS}, got {wanted!r}.")
        backend = wanted
    if backend == "auto":
        return "numba" if events_numba.available() else "xla"
    if backend == "numba":
        events_numba.require()
    return backend


def _check_dtypes(**arrays) -> None:
    dtypes = {name: array.dtype for name, array in arrays.items()}
    if len(set(dtypes.values())) > 1 or dtypes["spikes"] not in (jnp.float32, jnp.float64):
        listed = ", ".join(f"{name} {dtype}" for name, dtype in dtypes.items())
        raise TypeError(
            f"The arrays must all be float32 or all float64, got {listed}. Convert with .astype."
        )


def _check_rows(spikes, *, indptr, indices, values, **more) -> None:
    if spikes.ndim != 1:
        raise ValueError(
            f"spikes must have dims (pre,), got {spikes.shape}; run trials with jax.vmap."
        )
    if indptr.shape != (spikes.shape[0] + 1,):
        raise ValueError(
            f"indptr must hold one more number than the {spikes.shape[0]} presynaptic neurons, "
            f"got shape {indptr.shape}."
        )
    for name, array in {"indices": indices, "values": values, **more}.items():
        if array.ndim != 1 or array.shape != indices.shape:
            raise ValueError(
                "indices, values and delays hold one number for each synapse, got shapes "
                f"{indices.shape} for indices and {array.shape} for {name}."
            )
    for name, array in {"indptr": indptr, "indices": indices, **more}.items():
        if array.dtype != jnp.int32:
            raise TypeError(f"{name} must be int32, got {array.dtype}.")
