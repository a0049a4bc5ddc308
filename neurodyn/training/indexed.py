"""Optimiser steps in which every row of an indexed parameter is a parameter of its own.

An :class:`~neurodyn.params.Indexed` has a row for each sequence or subject, and a batch
uses some of them. A plain optimiser would move the others too (by momentum), and would count steps
that they did not take. So each row has its own optimiser state, step count included; the rows in
the batch are gathered, updated and scattered back, and nothing else is touched.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int, PyTree

from neurodyn.params.base import changed
from neurodyn.params.use import indexed_parameters, is_indexed
from neurodyn.task import Trial


def init_optimizer(optimizer: optax.GradientTransformation, params: PyTree) -> dict[str, PyTree]:
    """Initialise the optimiser: once for shared parameters, once for each row of indexed ones."""
    with _their_promotion():
        return {
            "shared": optimizer.init(_shared(params)),
            "rows": [jax.vmap(optimizer.init)(x.values) for x in indexed_parameters(params)],
        }


def apply_gradients(
    optimizer: optax.GradientTransformation,
    grads: PyTree,
    state: dict[str, PyTree],
    params: PyTree,
    trials: Trial,
    active: PyTree | None = None,
) -> tuple[PyTree, dict[str, PyTree]]:
    """One optimiser step.

    Parameters
    ----------
    optimizer
        An optax optimiser. What it computes over all parameters (a global norm) it computes over
        the shared ones together and over each row alone.
    grads, params
        Trees of the trained leaves.
    state
        As of :func:`init_optimizer`.
    trials
        The batch; it says which rows it used.
    active
        Tree of masks over ``params``, see :meth:`AbstractCurriculum.active`.
    """
    with _their_promotion():
        shared, shared_state = _step(optimizer, _shared(grads), state["shared"], _shared(params))
        if active is not None:
            shared, shared_state = _keep_inactive(
                optimizer,
                _shared(active),
                (shared, shared_state),
                (_shared(params), state["shared"]),
            )
        rows, row_states = [], []
        for parameter, grad, row_state in zip(
            indexed_parameters(params), indexed_parameters(grads), state["rows"], strict=True
        ):
            new, new_state = _step_rows(
                optimizer, parameter, grad.values, row_state, parameter.index(trials)
            )
            rows.append(new)
            row_states.append(new_state)
    return _join(params, shared, rows), {"shared": shared_state, "rows": row_states}


def _step(optimizer, grads, state, params):
    updates, state = optimizer.update(grads, state, params)
    return optax.apply_updates(params, updates), state


def _step_rows(optimizer, parameter, grads, state, index: Int[Array, " trial"]):
    values = parameter.values
    n = values.shape[0]
    step = jax.vmap(lambda g, s, p: _step(optimizer, g, s, p))
    if index.shape[0] >= n:
        # The batch may hold every row: moving all and taking back the others is less work.
        used = jnp.zeros(n, bool).at[index].set(True)

        def keep(new: Array, old: Array) -> Array:
            mask = used.reshape(n, *(1,) * (old.ndim - 1))
            return jnp.where(mask, new.astype(old.dtype), old)

        new, new_state = step(grads, state, values)
        return keep(new, values), jax.tree.map(keep, new_state, state)
    # Rows that several trials share appear once; places left over point behind the last row, where
    # reading is harmless and writing is dropped.
    rows = jnp.unique(index, size=index.shape[0], fill_value=n)

    def gather(x: Array) -> Array:
        return x.at[rows].get(mode="clip")

    def scatter(x: Array, new: Array) -> Array:
        return x.at[rows].set(new.astype(x.dtype), mode="drop")

    here = jax.tree.map(gather, state)
    new, here = step(gather(grads), here, gather(values))
    return scatter(values, new), jax.tree.map(scatter, state, here)


def _keep_inactive(optimizer, active, new, old):
    def keep(mask, new, old):
        return jnp.where(mask, new, old)

    masks = optax.tree_utils.tree_map_params(
        optimizer, lambda _, mask: mask, new[1], active, transform_non_params=lambda _: True
    )
    return jax.tree.map(keep, active, new[0], old[0]), jax.tree.map(keep, masks, new[1], old[1])


def _shared(tree: PyTree) -> PyTree:
    """Leave indexed parameters out."""
    return jax.tree.map(lambda x: None if is_indexed(x) else x, tree, is_leaf=is_indexed)


def _join(params: PyTree, shared: PyTree, rows: list[Array]) -> PyTree:
    """Put parameters and rows back where `_shared` and `indexed_parameters` took them from."""
    structure = jax.tree.structure(params, is_leaf=is_indexed)
    rest, own = iter(jax.tree.leaves(shared)), iter(rows)
    leaves = [
        changed(x, values=next(own)) if is_indexed(x) else next(rest)
        for x in jax.tree.leaves(params, is_leaf=is_indexed)
    ]
    return jax.tree.unflatten(structure, leaves)


@contextmanager
def _their_promotion() -> Iterator[None]:
    """Optax mixes dtypes and ranks freely, also where JAX is set to refuse that."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield
