"""Training on meshes, compared with one device: `python -m tests.neurodyn.training.on_mesh WHAT`.

Prints one line of JSON for each training that was compared.
"""

import json
import os
import sys
from pathlib import Path

import jax
import numpy as np
import optax

from neurodyn import fit, models, tasks, training
from neurodyn.common import hosts
from tests.systems import Filter

jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")
#: Made once, so that programs are compiled once.
ADAM = optax.chain(optax.clip_by_global_norm(1.0), optax.adam(1e-2))
N, T = 16, 12


def waves():
    """Sequences to predict."""
    phase = np.random.default_rng(0).uniform(0, 6, (N, 1, 1))
    return tasks.Sequences(0.7 * np.sin(phase + np.arange(T)[None, :, None]))


def ctrnn(n_units=8):
    """A rate network with noise, so that draws are compared too."""
    network = models.CTRNN(1, n_units, 1, tau=50.0, noise_std=0.1, key=0)
    return network, Filter(dt=10.0), {"batch_size": 8}


def alrnn():
    """A map of the PLRNN family with adaptive forcing, whose strength is a state of training."""
    forcing = training.GeneralisedTeacherForcing()
    options = {"objective": forcing, "batch_size": 8, "sampler": "shuffle"}
    return models.ALRNN(0, 8, 1, n_relu=2, key=0), waves(), options


def pvrnn():
    """A variational network with vectors for each sequence, of which a batch has a part."""
    network = models.PVRNN(1, (4, 4), (2, 1), (2.0, 6.0), sequences=(N, T), key=0)
    options = {"objective": training.ELBO(), "batch_size": 8, "sampler": "shuffle"}
    return network, waves(), options


def spiking():
    """A spiking network with surrogate gradients."""
    return models.spiking.recurrent_network(1, 8, 1, key=0), Filter(dt=1.0), {"batch_size": 8}


CASES = {"ctrnn": ctrnn, "alrnn": alrnn, "pvrnn": pvrnn, "spiking": spiking}


def train(case, mesh=None, **options):
    """Fifty steps of a case."""
    model, task, own = case()
    options = {"steps": 50, "evaluate": False, "optimizer": ADAM, "key": 3, **own, **options}
    return fit(model, task, mesh=mesh, progress=False, **options)


def apart(a, b):
    """The largest difference between the parameters and the histories of two trainings."""
    losses = [np.abs(a.history[name] - b.history[name]).max() for name in a.history]
    return float(np.max([distance(a.model, b.model), *losses]))


def distance(a, b):
    """The largest difference between the parameters of two models."""
    pairs = zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True)
    apart = [np.abs(np.asarray(x) - np.asarray(y)).max() for x, y in pairs if hasattr(x, "shape")]
    return float(np.max(apart))


def tell(name, **numbers):
    """One line about a training."""
    print(json.dumps({"name": name, "process": jax.process_index(), **numbers}), flush=True)


def mesh_of(**axes):
    """A mesh of the first devices."""
    n = int(np.prod(list(axes.values())))
    return jax.make_mesh(tuple(axes.values()), tuple(axes), devices=jax.devices()[:n])


def every_model():
    """Trials over all devices, for all models; and the same run twice."""
    mesh = mesh_of(trial=len(jax.devices()))
    for name, case in CASES.items():
        on_mesh = train(case, mesh)
        tell(name, apart=apart(train(case), on_mesh), moved=distance(case()[0], on_mesh.model))
    tell("again", apart=apart(on_mesh, train(case, mesh)))


def every_mesh(names):
    """Members and units over devices too; validation; kernels of the machine."""
    evaluated = {"evaluate": None, "evaluate_every": 25}
    for name in names.split(","):
        case = CASES[name]
        alone = train(case, **evaluated)
        for axes in ({"trial": 4, "unit": 2}, {"unit": 8}, {"trial": 8}):
            mesh = mesh_of(**axes)
            first, second = (train(case, mesh, **evaluated) for _ in range(2))
            tell(f"{name} {axes}", apart=apart(alone, first), again=apart(first, second))
        alone = train(case, ensemble=4)
        for axes in ({"seed": 4}, {"seed": 2, "trial": 4}):
            tell(f"{name} {axes}", apart=apart(alone, train(case, mesh_of(**axes), ensemble=4)))

    def large():
        return *ctrnn(16)[:2], {"batch_size": 64}

    tell("kernels", apart=apart(train(large), train(large, mesh_of(trial=8))))


def checkpoints(folder):
    """A run that goes on with other devices."""
    whole = train(ctrnn, ensemble=2)
    path = Path(folder, "run.ckpt")
    options = {"ensemble": 2, "checkpoint": path, "checkpoint_every": 10}
    train(ctrnn, mesh_of(seed=2, trial=4), steps=20, **options)
    train(ctrnn, mesh_of(unit=2), steps=35, resume=True, **options)
    tell("checkpoints", apart=apart(whole, train(ctrnn, resume=True, **options)))


def two_hosts(folder, names):
    """What two processes do together."""
    mesh, first = mesh_of(trial=2), jax.process_index() == 0
    path, seen = Path(folder, "run.ckpt"), []
    options = {"evaluate": None, "evaluate_every": 25}

    def stop(now):
        """Only the first process decides."""
        seen.append(now.step)
        return first

    for name in names.split(","):
        case = CASES[name]
        alone = train(case, **options)
        train(case, mesh, checkpoint=path, callbacks=stop, **options)
        resumed = train(case, mesh, checkpoint=path, resume=True, **options)
        written = path.exists()
        hosts.check_same("the file", str(written), "It must be there for both.")
        tell(name, apart=apart(alone, resumed), seen=seen, written=written)
        hosts.by_first(path.unlink)
        seen.clear()
    for refused in ({"key": jax.process_index()}, {"checkpoint": path if first else None}):
        try:
            train(case, mesh, **refused)
        except ValueError as error:
            tell("refused", error=str(error))


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    if "PROCESS" in os.environ:
        address, process = os.environ["PROCESS"].split(",")
        jax.distributed.initialize(address, 2, int(process))
    globals()[what](*arguments)
