"""How well networks learn, on the fixed validation sets: the numbers that the docs quote.

python -m tests.reference.learning [name ...]

Names: flip_flop, perceptual_decision, context_decision; default all. Every number is one per
network, and prints as mean (lowest to highest).
"""

import sys
from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import optax

import neurodyn as nd
from neurodyn import datasets, models, params, tasks
from neurodyn.experiments import EXPERIMENTS, Run, configure
from neurodyn.experiments.shared.decision import train
from neurodyn.task import AbstractTask

#: Noise inside the networks while they are evaluated.
EVALUATION_KEY = 99


class Learnt(NamedTuple):
    """Scores of an ensemble on the validation set of its task.

    Attributes
    ----------
    scores
        By name, one value per network.
    about
        What was trained, in words.
    """

    scores: dict[str, np.ndarray]
    about: str


def flip_flop(*, steps: int = 1000, n_networks: int = 5, n_units: int = 64, key: int = 0) -> Learnt:
    """Three bits; beside the validation set also trials three times as long as the trained ones."""
    task = tasks.FlipFlop(dt=20.0, n_bits=3)
    schedule = optax.cosine_decay_schedule(1e-2, steps)
    trained = nd.fit(
        lambda k: models.CTRNN(3, n_units, 3, tau=params.Bounded(20.0, 500.0, init=50.0), key=k),
        task,
        steps=steps,
        optimizer=optax.chain(optax.clip_by_global_norm(1.0), optax.adam(schedule)),
        ensemble=n_networks,
        evaluate=False,
        progress=False,
        key=key,
    )
    longer = tasks.FlipFlop(dt=20.0, n_bits=3, duration=6000.0)
    shown, long = (validate(trained.model, t) for t in (task, longer))
    scores = {
        "mse": shown["mse"].mean(-1),
        "bits right": shown["correct"].mean(-1),
        "mse, trials of 6 s": long["mse"].mean(-1),
    }
    return Learnt(scores, f"{n_networks} CTRNNs of {n_units} units, {steps} steps of 64 trials")


def perceptual_decision(**changes) -> Learnt:
    """Networks of the quick preset of the experiment, on the coherences of its recording."""
    settings = configure(EXPERIMENTS["perceptual_decision"], "quick", changes)
    coherence = np.unique(datasets.load(settings.recording)["coherence"].values)
    task = tasks.PerceptualDecision(dt=settings.dt, coherence=coherence, stimulus=settings.stimulus)
    correct = validate(train(settings, Run(progress=False), task).model, task)["correct"]
    size = np.abs(np.asarray(task.validation().conditions["coherence"]))
    levels = np.unique(size)[::-1]
    scores = {f"correct at {100 * x:.3g} %": correct[:, size == x].mean(-1) for x in levels}
    return Learnt(scores, _networks(settings))


def context_decision(**changes) -> Learnt:
    """Networks of the quick preset of the experiment, on the published coherences."""
    settings = configure(EXPERIMENTS["context_decision"], "quick", changes)
    task = tasks.ContextDecision(dt=settings.dt)
    correct = validate(train(settings, Run(progress=False), task).model, task)["correct"]
    context = np.asarray(task.validation().conditions["context"])
    scores = {
        f"correct, {name} context": correct[:, context == code].mean(-1)
        for code, name in task.labels()["context"].items()
    }
    return Learnt(scores, _networks(settings))


def validate(ensemble: nd.Ensemble, task: AbstractTask) -> dict[str, np.ndarray]:
    """Scores of every network on every trial of the validation set, ``(seed, trial)``."""
    trials = task.validation()
    run = nd.simulate(ensemble, trials, dt=task.dt, save=(), key=EVALUATION_KEY, progress=False)
    members = [task.score(jnp.asarray(outputs), trials) for outputs in run["outputs"].values]
    return {name: np.stack([np.asarray(m[name]) for m in members]) for name in members[0]}


def _networks(settings) -> str:
    return (
        f"{settings.n_networks} CTRNNs of {settings.n_units} units, {settings.steps} steps of "
        f"{settings.batch_size} trials"
    )


LEARN: dict[str, Callable[..., Learnt]] = {
    f.__name__: f for f in (flip_flop, perceptual_decision, context_decision)
}


def main(names: list[str]) -> int:
    """Train and print; exit status 2 for a name that is not known."""
    unknown = set(names) - set(LEARN)
    if unknown:
        print(f"There is no {', '.join(unknown)}; there are {', '.join(LEARN)}.", file=sys.stderr)
        return 2
    for name in names or LEARN:
        learnt = LEARN[name]()
        print(f"{name}: {learnt.about}", flush=True)
        for score, values in learnt.scores.items():
            spread = f"{values.mean():.4f} ({values.min():.4f} to {values.max():.4f})"
            print(f"  {score:26} {spread}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
