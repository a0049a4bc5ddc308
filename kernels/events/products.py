"""Products of spikes with weights: exact, and only neurons that spiked cost time."""

import jax.numpy as jnp
from jaxtyping import Array, Float, Shaped, UInt32

from neurodyn.kernels.backends import check_dtypes
from neurodyn.kernels.events import listed
from neurodyn.kernels.events.arguments import check_rows, choose
from neurodyn.kernels.events.rules import dense, sparse


def spike_product(spikes, W, onto=None, *, backend: str = "auto") -> Float[Array, " post"]:
    """Add up the rows of ``W`` of the neurons that spiked: ``spikes @ W``.

    Parameters
    ----------
    spikes : (pre,)
        Spikes of one step of one trial, 0 or 1. Other numbers scale their row (a release
        probability, several spikes in a step).
    W : (pre, post)
        ``W[i, j]`` goes from neuron i to neuron j.
    onto : (post,), optional
        Array that the rows are added to. Default: zeros.
    backend : {"auto", "xla", "compiled"}
        Implementation. "compiled" needs the extra `fast` and runs on CPUs only. "auto" (default)
        takes it where it can be used, unless the environment variable ``NEURODYN_KERNELS`` is
        "xla".

    Returns
    -------
    (post,)

    Raises
    ------
    ValueError
        If a shape or ``backend`` is not allowed.
    TypeError
        If the arrays are not all float32 or all float64.
    ModuleNotFoundError
        If ``backend="compiled"`` and the compiled function cannot be used; the message says why.

    Notes
    -----
    On CPUs, rows are added to `onto` one after the other in ascending order of neurons, in every
    backend, alone or under `vmap`. With spikes of 0 and 1 the backends therefore agree to the last
    bit. With other numbers they agree to rounding, because XLA may round a product and its sum at
    once. No spike is ever dropped. Other devices multiply matrices.

    Under `vmap`, trials that share ``W`` run as one batch, and trials with their own weights run
    one after the other. Differentiable once, in both modes, with respect to all arguments. The
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
    check_dtypes(spikes=spikes, W=W)
    if spikes.ndim != 1 or W.ndim != 2 or W.shape[0] != spikes.shape[0]:
        raise ValueError(
            f"spikes must have dims (pre,) and W (pre, post), got shapes {spikes.shape} and "
            f"{W.shape}; run trials with jax.vmap."
        )
    if onto is not None:
        onto = jnp.asarray(onto)
        check_dtypes(spikes=spikes, onto=onto)
        if onto.shape != W.shape[1:]:
            raise ValueError(
                f"onto must have dims (post,), here {W.shape[1:]} as in W, got shape {onto.shape}."
            )
    if 0 in W.shape:
        return jnp.zeros(W.shape[1], W.dtype) if onto is None else onto
    backend = choose(backend, "add_rows" if onto is None else "add_rows_onto", W.dtype)
    return dense(backend)(spikes[None], W, None if onto is None else onto[None])[0]


def sparse_spike_product(
    spikes, indptr, indices, values, n_post: int, *, backend: str = "auto"
) -> Float[Array, " post"]:
    """Add up the synapses of the neurons that spiked, for each postsynaptic neuron.

    Parameters
    ----------
    spikes : (pre,)
        Spikes of one step of one trial, 0 or 1; other numbers scale their synapses.
    indptr : (pre + 1,), int32
        The synapses of neuron i are ``indptr[i]:indptr[i + 1]`` (compressed sparse rows).
    indices : (synapse,), int32
        Postsynaptic neurons, in ``0..n_post - 1`` (not checked).
    values : (synapse,)
        Weights.
    n_post : int
        Number of postsynaptic neurons.
    backend : {"auto", "xla", "compiled"}
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
        If ``backend="compiled"`` and the compiled function cannot be used; the message says why.

    Notes
    -----
    Each target adds its synapses in ascending order of presynaptic neurons, so that the result is
    equal to that of `spike_product` on the dense form of the same weights to the last bit (if no
    pair of neurons has two synapses). Time grows with the number of synapses of the neurons that
    spike. The notes of `spike_product` on `vmap` and derivatives apply here, too.

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
    check_dtypes(spikes=spikes, values=values)
    check_rows(spikes, indptr=indptr, indices=indices, values=values)
    onto = jnp.zeros((1, 1, n_post), values.dtype)
    if spikes.shape[0] == 0 or n_post == 0:
        return onto[0, 0]
    scatter = sparse(choose(backend, "add_synapses", values.dtype), False)
    return scatter(onto, spikes[None], values, indptr, indices)[0, 0]


def delayed_spike_product(
    ring, head, spikes, indptr, indices, values, delays, *, backend: str = "auto"
) -> Float[Array, "slot post"]:
    """Add the synapses of the neurons that spiked to the slots of a ring in which they arrive.

    In each step, a network with delays calls this function, reads slot ``head``, and increases
    ``head`` by 1.

    Parameters
    ----------
    ring : (slot, post)
        Sums that are under way. The first step starts from zeros.
    head : integer scalar
        Slot that arrives in this step, modulo the number of slots.
    spikes : (pre,)
        Spikes of one step of one trial, 0 or 1; other numbers scale their synapses.
    indptr, indices, values
        Synapses, as in `sparse_spike_product`.
    delays : (synapse,), int32
        Delay of each synapse in steps, in ``0..n_slots - 1`` (not checked).
    backend : {"auto", "xla", "compiled"}
        As in `spike_product`.

    Returns
    -------
    (slot, post)
        The ring after two changes: slot ``head - 1``, which arrived in the previous step, is
        emptied, and then ``values`` are added to slots ``(head + delays) % n_slots``.

    Raises
    ------
    ValueError
        If a shape or ``backend`` is not allowed.
    TypeError
        If a dtype is not allowed.
    ModuleNotFoundError
        If ``backend="compiled"`` and the compiled function cannot be used; the message says why.

    Notes
    -----
    A slot is emptied one step after it was read, because a loop can then change the ring in place.
    Emptying it directly after reading would copy the whole ring at every step.

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
    check_dtypes(ring=ring, spikes=spikes, values=values)
    check_rows(spikes, indptr=indptr, indices=indices, values=values, delays=delays)
    if ring.ndim != 2 or ring.shape[0] == 0:
        raise ValueError(
            f"ring must have dims (slot, post) with at least one slot, got shape {ring.shape}."
        )
    if head.shape != () or not jnp.issubdtype(head.dtype, jnp.integer):
        raise TypeError(f"head must be an integer scalar, got {head.dtype}{list(head.shape)}.")
    if spikes.shape[0] == 0 or ring.shape[1] == 0:
        return ring.at[(head - 1) % ring.shape[0]].set(0)
    scatter = sparse(choose(backend, "add_delayed", values.dtype), True)
    head = head.astype(jnp.int32)[None]
    return scatter(ring[None], spikes[None], values, indptr, indices, head, delays)[0]


def pack_spikes(spikes: Shaped[Array, "*batch unit"]) -> UInt32[Array, "*batch word"]:
    """Pack spikes into bits, 32 to a word; every entry that is not zero counts as a spike.

    Parameters
    ----------
    spikes : (..., unit)
        Spikes of one step: numbers or bools.

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
    return listed.pack(jnp.asarray(spikes))
