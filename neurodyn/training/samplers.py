"""Which trials make up the batch of a step."""

import abc
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray

from neurodyn.common.checks import whole
from neurodyn.task import AbstractDataTask, AbstractTask, Trial

Order = Int[Array, " item"] | None


class AbstractSampler(eqx.Module):
    """Draws the batch of a step, and carries the order of the items from step to step."""

    def init(self, task: AbstractTask) -> Order:
        """Order before the first step; None (default) without one."""
        del task
        return None

    @abc.abstractmethod
    def draw(
        self,
        task: AbstractTask,
        order: Order,
        step: Int[Array, ""],
        *,
        key: PRNGKeyArray,
        order_key: PRNGKeyArray,
    ) -> tuple[Trial, Order]:
        """The batch of this step; ``key`` belongs to the step, ``order_key`` to the run."""


class Random(AbstractSampler):
    """Fresh trials at every step, by ``task.batch``."""

    batch_size: int = eqx.field(static=True)

    def draw(self, task, order, step, *, key, order_key):
        return task.batch(key, self.batch_size), order


class Shuffle(AbstractSampler):
    """The items of a data task in a new random order every epoch.

    The last batch of an epoch is filled up with the first items of the same order, so every item is
    seen in every epoch and none twice in a batch.
    """

    batch_size: int = eqx.field(static=True)

    def init(self, task):
        return jnp.arange(task.n_items, dtype=jnp.int32)

    def draw(self, task, order, step, *, key, order_key):
        n, size = task.n_items, self.batch_size
        per_epoch = -(-n // size)
        epoch, batch = step // per_epoch, step % per_epoch

        def reshuffled():
            return jax.random.permutation(
                jax.random.fold_in(order_key, epoch), jnp.arange(n, dtype=jnp.int32)
            )

        order = jax.lax.cond(batch == 0, reshuffled, lambda: order)
        places = (batch * size + jnp.arange(size, dtype=jnp.int32)) % n
        return _items(task, order[places]), order


class Full(AbstractSampler):
    """All items of a data task at every step."""

    def draw(self, task, order, step, *, key, order_key):
        return _items(task, jnp.arange(task.n_items, dtype=jnp.int32)), order


def make_sampler(name: Any, task: AbstractTask, batch_size: Any) -> AbstractSampler:
    """Make the sampler of that name, or say why there is none for this task."""
    if name not in ("random", "shuffle", "full"):
        raise ValueError(f"`sampler` is 'random', 'shuffle' or 'full', got {name!r}.")
    batch_size = whole("batch_size", batch_size)
    if name == "random":
        return Random(batch_size)
    if not isinstance(task, AbstractDataTask):
        raise ValueError(
            f"sampler={name!r} goes through a fixed set of items, but {type(task).__name__} draws "
            "its trials: use sampler='random'."
        )
    if name == "full":
        return Full()
    if batch_size > task.n_items:
        raise ValueError(
            f"batch_size={batch_size} is more than the {task.n_items} items of "
            f"{type(task).__name__}: pass a smaller one, or sampler='full'."
        )
    return Shuffle(batch_size)


def _items(task: AbstractDataTask, numbers: Int[Array, " trial"]) -> Trial:
    """Those items as a batch; its `length` covers the longest."""

    def one(i):
        trial = task.item(i)
        return replace(trial, length=None), trial.length

    trials, lengths = jax.vmap(one)(numbers)
    return replace(trials, length=None if lengths is None else jnp.max(lengths))
