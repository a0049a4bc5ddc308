"""Predicting the next step of a sequence."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.common.masked import masked_mean_square
from neurodyn.engine.integrate import integrate
from neurodyn.training.objectives.objective import AbstractObjective, scalar


class NextStep(AbstractObjective):
    """Squared error of the next step of a sequence, all earlier ones given (teacher forcing).

    The sequences are the targets of the task: step t is the network's input, and its output is
    compared with step t + 1. With this any network becomes the usual predictor of time series.

    Parameters
    ----------
    noise
        Standard deviation of the noise on the inputs; default 0. Some noise keeps predictions that
        are fed back from drifting off, as the network learns to return.
    """

    noise: Float[Array, ""]

    def __init__(self, *, noise: float | int = 0.0):
        self.noise = scalar(noise, "`noise` must be a number >= 0")

    def check(self, model, task):
        check_reads_sequences(model, task)
        if task.n_steps < 2:
            raise ValueError(f"{type(task).__name__} has one step: there is no next one.")

    def __call__(self, model, task, trials, aux, *, key):
        noise_key, run_key = jax.random.split(key)
        noise = self.noise.astype(trials.targets.dtype)
        disturbed = noise * jax.random.normal(noise_key, trials.targets.shape, trials.targets.dtype)
        loss = _mse(model, trials, trials.targets + disturbed, task.dt, run_key)
        return loss, {}, aux

    def evaluate(self, model, task, trials, aux, *, key):
        mse = _mse(model, trials, trials.targets, task.dt, key)
        return {"loss": mse, "mse": mse}


def check_reads_sequences(model: Any, task: Any) -> None:
    """Refuse a model whose inputs and outputs are not the sequences of this task."""
    n = task.n_outputs
    if (model.n_inputs, model.n_outputs) != (n, n):
        raise ValueError(
            f"{type(model).__name__} has n_inputs={model.n_inputs} and n_outputs="
            f"{model.n_outputs}, but it has to read and predict the {n} outputs of "
            f"{type(task).__name__}: build it with {n} inputs and {n} outputs."
        )
    if task.scored != "every":
        raise ValueError(
            f"{type(task).__name__} has targets at the last step only: there is no sequence to "
            "predict."
        )


def _mse(model: eqx.Module, trials: Any, inputs: Array, dt: Any, key: Any) -> Float[Array, ""]:
    length = None if trials.length is None else trials.length - 1
    inputs = jnp.swapaxes(inputs, 0, 1)[:-1]
    outputs = integrate(model, inputs, dt=dt, key=key, length=length).outputs
    later = jnp.swapaxes(trials.targets, 0, 1)[1:]
    mask = jnp.swapaxes(trials.mask, 0, 1)[1:].astype(outputs.dtype)
    return masked_mean_square(outputs - later, mask)
