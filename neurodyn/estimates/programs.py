"""The programs that `fit` and `simulate` compile, compiled from shapes: no array is made."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from neurodyn.estimates import counting, hlo
from neurodyn.estimates.counting import Loops
from neurodyn.estimates.work import Work
from neurodyn.training.shortening import step_counts
from neurodyn.training.step import Setup, chunk, start

#: Batches that are drawn to see how long their trials are.
_BATCHES = 64


class Memory(NamedTuple):
    """Bytes of a program: arguments, results (those in place of arguments left out), temporary."""

    arguments: int
    results: int
    temporary: int

    @property
    def total(self) -> int:
        """All of them together."""
        return self.arguments + self.results + self.temporary


class Counted(NamedTuple):
    """What one call of a program (one step of a training program) does and needs."""

    work: Work
    memory: Memory


def shapes(tree: Any) -> Any:
    """The tree with the shape and type of each array in place of the array."""

    def one(x):
        return jax.ShapeDtypeStruct(jnp.shape(x), x.dtype) if eqx.is_array(x) else x

    return jax.tree.map(one, tree)


def counted(function: Callable, args: tuple, loops: Loops, *, given_away: Any = ()) -> Counted:
    """Compile a function for arguments of these shapes, and count what it does.

    Parameters
    ----------
    given_away
        Numbers of the arguments whose memory the results may take.
    """
    args = shapes(args)
    dynamic, static = eqx.partition(args, lambda x: isinstance(x, jax.ShapeDtypeStruct))

    def pure(*dynamic):
        return eqx.filter(function(*eqx.combine(dynamic, static)), eqx.is_array)

    compiled = jax.jit(pure, donate_argnums=given_away).lower(*dynamic).compile()
    stats = compiled.memory_analysis()
    memory = Memory(
        stats.argument_size_in_bytes,
        stats.output_size_in_bytes - stats.alias_size_in_bytes,
        stats.temp_size_in_bytes,
    )
    work = counting.count(hlo.parse(compiled.as_text()), loops)
    return Counted(work, memory)


def training_step(
    setup: Setup, model: Any, task: Any, key: Any, members: int | None, spikes: float
) -> Counted:
    """What a step of training does, of one member or of a batch of them in one program.

    Parameters
    ----------
    model
        A model of shapes, or of arrays.
    members
        Members in one program; None: the program of a single one.
    """
    constants, member = eqx.filter_eval_shape(
        lambda model, key: start(setup, model, task, key), shapes(model), key
    )
    loops = _loops(setup, task, spikes)
    number = jax.ShapeDtypeStruct((), jnp.int32)
    program: Callable = chunk
    if members is not None:
        constants, member = _stacked((constants, member), members)
        axes = ((None, eqx.if_array(0), None, None), eqx.if_array(0))
        program = eqx.filter_vmap(chunk, in_axes=axes)
    return counted(program, ((setup, constants, number, number), member), loops, given_away=(1,))


def _stacked(tree: Any, n: int) -> Any:
    def one(x):
        known = isinstance(x, jax.ShapeDtypeStruct)
        return jax.ShapeDtypeStruct((n, *x.shape), x.dtype) if known else x

    return jax.tree.map(one, tree)


def _loops(setup: Setup, task: Any, spikes: float) -> Loops:
    """How often loops run in training: the lengths of the task's own batches."""

    def draw(key):
        order = setup.sampler.init(task)
        zero = jnp.zeros((), jnp.int32)
        return setup.sampler.draw(task, order, zero, key=key, order_key=key)[0]

    like = eqx.filter_eval_shape(draw, jax.random.key(0))
    if like.length is None:
        return Loops(outer=1, spikes=spikes)
    keys = jax.random.split(jax.random.key(0), _BATCHES)
    # The lengths alone are asked for, so the trials themselves are never made.
    found = np.asarray(jax.jit(lambda keys: jax.lax.map(lambda k: draw(k).length, keys))(keys))
    sizes = step_counts(like.inputs.shape[1])
    if like.item is not None or len(sizes) < 2:
        return Loops(outer=1, length=float(found.mean()), spikes=spikes)
    branch = np.searchsorted(sizes, found)
    shares = np.bincount(branch, minlength=len(sizes)) / len(found)
    lengths = [
        float(found[branch == i].mean()) if (branch == i).any() else float(n)
        for i, n in enumerate(sizes)
    ]
    return Loops(1, float(found.mean()), tuple(shares), tuple(lengths), spikes)
