"""Training on the loss of the task itself."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.common.masked import masked_mean
from neurodyn.engine.abilities import check_step
from neurodyn.engine.inputs import predicted, trials_for
from neurodyn.engine.integrate import Save, Trajectory, integrate
from neurodyn.params import trainable, with_values
from neurodyn.params.base import is_parameter
from neurodyn.system import AbstractSystem
from neurodyn.task import Trial
from neurodyn.training.objectives.objective import AbstractObjective, check_sizes, scalar


class Supervised(AbstractObjective):
    """The task's own loss, averaged over trials, plus optional penalties.

    Parameters
    ----------
    solver
        A diffrax solver; default ``Euler()``, which takes the fast kernels where a model has them.
    rate_penalty
        Weight of the mean squared ``variable``, averaged over trials, time and units.
    weight_penalty
        Weight of the mean squared entry of each trained weight matrix, summed over matrices.
    variable
        Variable that ``rate_penalty`` acts on, a name in ``model.variables()``.

    References
    ----------
    Song, Yang & Wang, "Training excitatory-inhibitory recurrent neural networks for cognitive
    tasks", PLoS Comput. Biol. 2016 (both penalties).
    """

    solver: diffrax.AbstractSolver
    rate_penalty: Float[Array, ""] | None
    weight_penalty: Float[Array, ""] | None
    variable: str = eqx.field(static=True)

    def __init__(
        self,
        *,
        solver: diffrax.AbstractSolver | None = None,
        rate_penalty: float | int | None = None,
        weight_penalty: float | int | None = None,
        variable: str = "rate",
    ):
        self.solver = diffrax.Euler() if solver is None else solver
        given = {"rate_penalty": rate_penalty, "weight_penalty": weight_penalty}
        self.rate_penalty, self.weight_penalty = (
            None if x is None else scalar(x, f"{name} must be a number >= 0, or None")
            for name, x in given.items()
        )
        self.variable = variable

    def check(self, model, task):
        if not task.n_inputs and model.n_inputs == model.n_outputs == task.n_outputs:
            raise ValueError(
                f"{type(task).__name__} has no inputs, and this {type(model).__name__} reads as "
                "much as it puts out: pass objective=training.NextStep() to train it to predict "
                "the next step of what it reads, or training.ELBO() if it is variational."
            )
        fix = ": build the model with task.n_inputs and task.n_outputs."
        check_sizes(model, task, "n_inputs", "n_outputs", fix=fix)
        check_step(model, task.dt)
        if self.rate_penalty is not None and self.variable not in model.variables():
            raise ValueError(
                f"rate_penalty acts on the variable {self.variable!r}, which "
                f"{type(model).__name__} does not have; it has {sorted(model.variables())}. "
                "Pass variable=..."
            )

    def __call__(self, model, task, trials, aux, *, key):
        variables = () if self.rate_penalty is None else (self.variable,)
        run = _run(model, task, trials, self.solver, variables, key)
        trials = predicted(model, trials)
        task_loss = jnp.mean(task.loss(_trial_first(run.outputs), trials))
        loss, metrics = task_loss, {}
        if self.rate_penalty is not None:
            metrics["rate"] = _mean_square(run.variables[self.variable], trials)
            loss = loss + self.rate_penalty * metrics["rate"]
        if self.weight_penalty is not None:
            metrics["weight"] = _weight_size(model)
            loss = loss + self.weight_penalty * metrics["weight"]
        if metrics:
            metrics["task_loss"] = task_loss
        return loss, metrics, aux

    def evaluate(self, model, task, trials, aux, *, key):
        run = _run(model, task, trials, self.solver, (), key)
        trials, outputs = predicted(model, trials), _trial_first(run.outputs)
        means = task.summary(task.score(outputs, trials), trials)
        metrics = {name: value.astype(outputs.dtype) for name, value in means.items()}
        return {"loss": jnp.mean(task.loss(outputs, trials))} | metrics


def _run(model, task, trials, solver, variables, key) -> Trajectory:
    run = predicted(model, trials)
    return integrate(
        model,
        _trial_first(run.inputs),
        dt=task.dt,
        solver=solver,
        key=key,
        save=Save(variables=variables, outputs=task.scored),
        trial=trials_for(model, trials),
        length=run.length,
    )


def _trial_first(x: Array) -> Array:
    """From (time, trial, ...) to (trial, time, ...), or back."""
    return jnp.swapaxes(x, 0, 1)


def _mean_square(x: Float[Array, "time trial ..."], trials: Trial) -> Float[Array, ""]:
    """Mean over the samples that belong to their trial."""
    length = trials.length if trials.n_valid is None else trials.n_valid
    if length is None:
        return jnp.mean(jnp.square(x))
    per_step = jnp.mean(jnp.square(x), axis=tuple(range(2, x.ndim)))
    steps = jnp.arange(x.shape[0])[:, None]
    counts = jnp.broadcast_to(steps, per_step.shape) < jnp.broadcast_to(length, per_step.shape)
    return masked_mean(per_step, counts.astype(x.dtype))


def _weight_size(model: AbstractSystem) -> Float[Array, ""]:
    leaves = jax.tree.leaves(model, is_leaf=is_parameter)
    trained = [with_values(x) for x in leaves if any(jax.tree.leaves(trainable(x)))]
    matrices = [x for x in trained if eqx.is_inexact_array(x) and x.ndim == 2]
    if not matrices:
        raise ValueError(f"weight_penalty: {type(model).__name__} has no trained weight matrix.")
    return jnp.stack([jnp.mean(jnp.square(x)) for x in matrices]).sum()
