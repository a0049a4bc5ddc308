"""The compiled programs: chunks of training steps, evaluations, and the diagnosis of a bad step."""

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from neurodyn.common.arrays import as_array
from neurodyn.common.random import split
from neurodyn.engine.record import is_finite
from neurodyn.params import trainable
from neurodyn.training.curriculum import AbstractCurriculum
from neurodyn.training.gradients import AbstractGradient
from neurodyn.training.history import evaluated
from neurodyn.training.indexed import apply_gradients, init_optimizer
from neurodyn.training.objectives.objective import AbstractObjective
from neurodyn.training.samplers import AbstractSampler
from neurodyn.training.sharing import share_out
from neurodyn.training.shortening import in_fewest_steps

#: Most steps that one call of the compiled program makes (the size of its history buffers).
LONGEST = 1024


class Setup(eqx.Module):
    """The parts of a run that all members share.

    Attributes
    ----------
    task
        The static part of the task.
    evaluate
        A user's own evaluation, or None for the objective's.
    watch
        Name of the metric whose best evaluation is kept, and its sign (+1: larger is better); or
        None.
    patience
        Evaluations without a better value of it after which a member is done, and the steps between
        evaluations; or None.
    mesh
        Devices over which trials are shared out; or None.
    """

    objective: AbstractObjective
    gradient: AbstractGradient
    optimizer: optax.GradientTransformation
    sampler: AbstractSampler
    curriculum: AbstractCurriculum | None
    task: PyTree
    evaluate: Any
    watch: tuple[str, int] | None = eqx.field(static=True)
    patience: tuple[Int[Array, ""], Int[Array, ""]] | None
    mesh: Mesh | None = eqx.field(static=True, default=None)


class Constants(eqx.Module):
    """Constants of one member: the untrained leaves of its model, and its keys."""

    rest: PyTree
    step_key: PRNGKeyArray
    order_key: PRNGKeyArray
    evaluation_key: PRNGKeyArray


class Member(eqx.Module):
    """The state of one member in training: arrays only, all of them in checkpoints.

    Attributes
    ----------
    params, opt, aux, order
        Trained leaves; states of the optimiser, the objective and the sampler.
    task
        Arrays of the task, which a curriculum changes.
    best, best_value, best_step
        Parameters of the best evaluation so far, its signed metric and its step; or None.
    failed
        The step that went bad, -1 while none did. What is held is from before that step.
    done
        Whether the curriculum or the patience has ended.
    """

    params: PyTree
    opt: PyTree
    aux: PyTree
    order: PyTree
    task: PyTree
    best: PyTree
    best_value: Float[Array, "*seed"]
    best_step: Int[Array, "*seed"]
    failed: Int[Array, "*seed"]
    done: Bool[Array, "*seed"]


def start(setup: Setup, model: PyTree, task: Any, key: PRNGKeyArray) -> tuple[Constants, Member]:
    """A member before its first step; nothing of it is shared with the model it was made from."""
    aux_key, *keys = split(key, 4)
    params, rest = eqx.partition(model, trainable(model))
    aux = setup.objective.init(model, task, key=aux_key)
    if not all(eqx.is_array(x) for x in jax.tree.leaves(aux)):
        raise TypeError(f"{type(setup.objective).__name__}.init must return arrays only.")
    member = Member(
        params=params,
        opt=_optimizer_state(setup.optimizer, params),
        aux=aux,
        order=setup.sampler.init(task),
        task=eqx.filter(task, eqx.is_array),
        best=None if setup.watch is None else params,
        best_value=as_array(-jnp.inf, jnp.result_type(float)),
        best_step=as_array(-1, jnp.int32),
        failed=as_array(-1, jnp.int32),
        done=as_array(False, bool),
    )
    # The buffers of a member are given away at every call, so it gets its own.
    return Constants(rest, *keys), copied(member)


@jax.jit
def copied(tree: PyTree) -> PyTree:
    """Copies of all arrays, made by one program."""
    return jax.tree.map(lambda x: jnp.array(x, x.dtype, copy=True), tree)


_optimizer_state = eqx.filter_jit(init_optimizer)


def chunk(fixed: tuple, member: Member) -> tuple[Member, dict[str, Float[Array, " step"]]]:
    """Take ``n`` steps, the first of them number ``first``.

    Both numbers are traced: there is one program for chunks of any length, so that results do not
    depend on how training is cut into chunks.
    """
    setup, constants, first, n = fixed

    def body(carry):
        i, member, records = carry
        member, record = _step(setup, constants, member, first + i)
        records = {name: records[name].at[i].set(x) for name, x in record.items()}
        return i + 1, member, records

    _, record = eqx.filter_eval_shape(_step, setup, constants, member, first)
    records = {name: jnp.full(LONGEST, jnp.nan, x.dtype) for name, x in record.items()}
    carry = (jnp.zeros_like(n), member, records)
    _, member, records = jax.lax.while_loop(lambda carry: carry[0] < n, body, carry)
    return member, records


def _step(setup: Setup, constants: Constants, member: Member, number: Int[Array, ""]):
    new, loss, metrics, grads, _ = _advance(setup, constants, member, number)
    running = (member.failed < 0) & ~member.done
    good = jnp.isfinite(loss) & is_finite(new.params)
    held = jax.tree.map(lambda new, old: jnp.where(running & good, new, old), new, member)
    failed = jnp.where(running & ~good, number, member.failed)
    record = {"loss": loss, "grad_norm": _norm(grads)} | metrics
    record = {
        name: jnp.where(running, _scalar(name, x), jnp.full_like(_scalar(name, x), jnp.nan))
        for name, x in record.items()
    }
    return replace(held, failed=failed), record


def _advance(setup: Setup, constants: Constants, member: Member, number: Int[Array, ""]):
    """One step without any guard."""
    batch_key, objective_key = jax.random.split(jax.random.fold_in(constants.step_key, number))
    model = eqx.combine(member.params, constants.rest)
    task = eqx.combine(member.task, setup.task)
    trials, order = setup.sampler.draw(
        task, member.order, number, key=batch_key, order_key=constants.order_key
    )
    trials = share_out(setup.mesh, trials)
    gradient = setup.gradient(setup.objective)
    loss, metrics, aux, grads = in_fewest_steps(
        lambda trials: gradient(model, task, trials, member.aux, key=objective_key), trials
    )
    active = None if setup.curriculum is None else setup.curriculum.active(member.params, task)
    params, opt = apply_gradients(setup.optimizer, grads, member.opt, member.params, trials, active)
    new = replace(member, params=params, opt=opt, aux=_like(aux, member.aux), order=order)
    return new, loss, metrics, grads, trials


def evaluate(fixed: tuple, member: Member) -> tuple[Member, dict[str, Array]]:
    """Evaluate a member after ``number`` steps, keep it if it is the best, move the curriculum."""
    setup, constants, number = fixed
    model = eqx.combine(member.params, constants.rest)
    task = eqx.combine(member.task, setup.task)
    key = constants.evaluation_key
    if getattr(setup.evaluate, "fresh", False):
        key = jax.random.fold_in(key, number)
    if setup.evaluate is None:
        trials = share_out(setup.mesh, task.validation())
        metrics = setup.objective.evaluate(model, task, trials, member.aux, key=key)
    else:
        metrics = setup.evaluate(model, task, key=key)
    metrics = _evaluated(metrics)
    record = dict(metrics)
    if setup.watch is not None:
        member = _keep_best(setup.watch, member, metrics, number)
    if setup.curriculum is not None:
        record |= _evaluated(setup.curriculum.stage(task))
        task, done = setup.curriculum.advance(task, metrics)
        arrays = _like(eqx.filter(task, eqx.is_array), member.task)
        done = member.done | done
        arrays = jax.tree.map(
            lambda new, old: jnp.where(member.done, old, new), arrays, member.task
        )
        member = replace(member, task=arrays, done=done)
    if setup.patience is not None:
        patience, every = setup.patience
        # Evaluations since the best, or the start where there was none.
        since = number // every - jnp.maximum(member.best_step, 0) // every
        done = member.done | (since >= patience)
        member = replace(member, done=done)
    return member, record


def _keep_best(watch, member, metrics, number):
    name, sign = watch
    if name not in metrics:
        raise ValueError(
            f"`select` and `patience` go by a metric of the evaluation, which has no {name!r}; it "
            f"has {', '.join(sorted(metrics))}."
        )
    value = (sign * metrics[name]).astype(member.best_value.dtype)
    better = (value > member.best_value) & ~member.done
    best = jax.tree.map(lambda new, old: jnp.where(better, new, old), member.params, member.best)
    best_value = jnp.where(better, value, member.best_value)
    best_step = jnp.where(better, number, member.best_step)
    return replace(member, best=best, best_value=best_value, best_step=best_step)


def diagnose(fixed: tuple, member: Member):
    """Take the bad step again: loss, gradients, new parameters and the batch."""
    setup, constants = fixed
    new, loss, _, grads, trials = _advance(setup, constants, member, member.failed)
    return loss, grads, new.params, trials


def _evaluated(metrics: dict[str, Any]) -> dict[str, Float[Array, ""]]:
    """Numbers of an evaluation, by the names that they have everywhere else."""
    for name in metrics:
        if name != evaluated(name) and evaluated(name) in metrics:
            raise ValueError(
                f"the evaluation returns {name!r} and {evaluated(name)!r}, which are one name in "
                "the history: give one of them another name."
            )
    return {evaluated(name): _scalar(name, x) for name, x in metrics.items()}


def _scalar(name: str, x: Any) -> Float[Array, ""]:
    x = jnp.asarray(x)
    if x.ndim:
        raise ValueError(f"the metric {name!r} has shape {x.shape}; metrics are single numbers.")
    floating = jnp.issubdtype(x.dtype, jnp.floating)
    return x.astype(x.dtype if floating else jnp.result_type(float))


def _like(new: PyTree, old: PyTree) -> PyTree:
    """Check that a carried state keeps its structure, shapes and dtypes."""
    structure: Any = jax.tree.structure(new)
    if structure != jax.tree.structure(old):
        raise ValueError(
            "what an objective or a curriculum carries along must keep its structure: it was\n"
            f"{eqx.tree_pformat(old)}\nand became\n{eqx.tree_pformat(new)}"
        )
    for a, b in zip(jax.tree.leaves(new), jax.tree.leaves(old), strict=True):
        if a.shape != b.shape or a.dtype != b.dtype:
            raise ValueError(
                f"what an objective or a curriculum carries along must keep its shapes: {b.dtype}"
                f"{b.shape} became {a.dtype}{a.shape}."
            )
    return new


def _norm(tree: PyTree) -> Float[Array, ""]:
    return jnp.sqrt(sum(jnp.sum(jnp.square(jnp.abs(x))) for x in jax.tree.leaves(tree)))
