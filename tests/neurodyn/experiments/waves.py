"""An experiment that trains a small network: `neurodyn --load FILE run waves`."""

import dataclasses
import os

import matplotlib.pyplot as plt
import numpy as np

import neurodyn as nd
from neurodyn import experiments, models, tasks, training
from neurodyn.common import hosts


@dataclasses.dataclass(frozen=True)
class Settings(experiments.SeededSettings):
    """Settings.

    Attributes
    ----------
    steps
        Updates.
    """

    steps: experiments.Count = 30


def run(settings, run):
    """Train one network on waves."""
    if "TELL" in os.environ:  # who took part
        print(f"process {hosts.is_first()} with {run.mesh and dict(run.mesh.shape)}", flush=True)
    phase = np.random.default_rng(0).uniform(0, 6, (16, 1, 1))
    trained = nd.fit(
        models.ALRNN(0, 8, 1, n_relu=2, key=settings.seed),
        tasks.Sequences(0.7 * np.sin(phase + np.arange(12)[None, :, None])),
        objective=training.GeneralisedTeacherForcing(),
        sampler="full",
        steps=settings.steps,
        evaluate=False,
        key=1,
        **run.training(),
    )
    return experiments.result({"/model": trained.history}, settings)


def figures(tree):
    """The learning curve."""
    figure, ax = plt.subplots()
    tree["model"]["loss"].plot(ax=ax)
    return {"loss": figure}


def summary(tree):
    """The last loss."""
    return {"loss": f"{float(tree['model']['loss'][-1]):.6f}"}


WAVES = experiments.Experiment(
    name="waves",
    title="Does a small network learn waves?",
    presets={"quick": Settings()},
    run=run,
    figures=figures,
    summary=summary,
)
if __name__ == "waves":
    nd.register(WAVES)
