"""Networks that learn many rules, as published, until the worst rule reaches a criterion."""

from typing import Any

import equinox as eqx
import jax
import numpy as np
import optax

from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.running.seeds import shared_key
from neurodyn.experiments.yang2019.settings import Settings
from neurodyn.models import CTRNN
from neurodyn.tasks import Yang2019
from neurodyn.training import Fit, Snapshot, fit

#: The metric by which training ends and the model is chosen.
WORST = "validation_correct_min"
#: Scale of the first recurrent weights, a diagonal, by nonlinearity, as published.
_DIAGONAL = {"softplus": 0.5, "relu": 0.5, "tanh": 1.0, "retanh": 0.5}
#: Updates over which the step size grows to its value; not published. Without it, some networks
#: explode within their first hundred updates, after which their gradients are 0.
_WARM_UP = {"relu": 500}


def network(settings: Settings, task: Yang2019, activation: str, seed: int) -> CTRNN:
    """The published network before training."""
    return CTRNN(
        task.n_inputs,
        settings.n_units,
        task.n_outputs,
        tau=settings.tau,
        activation=activation,
        W=_DIAGONAL[activation] * np.eye(settings.n_units, dtype=np.float32),
        W_out=jax.nn.initializers.glorot_uniform(),
        noise_std=settings.noise_std,
        noise_at="drive",
        key=jax.random.fold_in(shared_key(0), seed),
    )


def train(settings: Settings, run: Run, task: Yang2019, activation: str, seed: int) -> Fit:
    """Train one network; see :func:`neurodyn.fit`."""
    rate = settings.learning_rate
    if activation in _WARM_UP:
        rate = optax.linear_schedule(0.0, rate, _WARM_UP[activation])
    # Each entry of the gradient is clipped by itself, as published.
    optimizer = optax.chain(optax.clip(1.0), optax.adam(rate))

    def reached(now: Snapshot) -> bool:
        return now.metrics[WORST] >= settings.criterion

    return fit(
        network(settings, task, activation, seed),
        task,
        steps=settings.steps,
        batch_size=settings.batch_size,
        optimizer=optimizer,
        evaluate_every=settings.evaluate_every,
        select=f"max:{WORST}",
        callbacks=reached,
        key=jax.random.fold_in(shared_key(1), seed),
        **run.training(f"{activation}_{seed}"),
    )


def silent(model: CTRNN) -> Any:
    """The network without noise."""
    return eqx.tree_at(lambda m: m.noise_std, model, None)
