"""What `nd.estimate` expects against what is measured, for the cases of the other benchmarks.

Both sides are of one process and one core, and are taken in turn. The measured side counts the
time of the processor, which other programs do not lengthen. The aim is a factor of 2.
"""

import time
from collections.abc import Callable

import numpy as np

import neurodyn as nd
from neurodyn import models, tasks, training
from neurodyn.training.members import Members
from neurodyn.training.plan import make_plan
from neurodyn.training.step import chunk, start
from tests.benchmarks import dsr, multitask, pvrnn
from tests.benchmarks.harness import Row
from tests.benchmarks.peers import library, workloads

CORES = 1
FACTOR = 2.0
_ROUNDS = 5
_FIT = {"objective": None, "gradient": None, "optimizer": None, "batch_size": None, "sampler": None}
_REST = {"evaluate_every": None, "select": None, "patience": None, "curriculum": None}


def run() -> list[Row]:
    """A row for each case: estimated, measured."""
    return [row for case in (_rate, _dsr, _pvrnn, _multitask, _spiking) for row in case()]


def _row(name: str, estimated: float, measured: float) -> Row:
    ratio = estimated / measured
    within = 1 / FACTOR <= ratio <= FACTOR
    return Row(
        name,
        "measured",
        1e3 * estimated,
        1e3 * measured,
        threads=CORES,
        note=f"estimate / measured {ratio:.2f}, {'within' if within else 'beyond'} {FACTOR:g}",
    )


def stepped(model, task, n: int, **options) -> Callable[[], float]:
    """A function that makes some steps of training and returns seconds of one of them."""
    plan = make_plan(
        model, task, steps=n, evaluate=False, ensemble=None, key=0, **_REST, **(_FIT | options)
    )
    run = Members(plan.setup, [start(plan.setup, plan.models[0], plan.task, plan.keys[0])])
    (program,) = run.compile((chunk, 2))
    program(0, 1)

    def seconds() -> float:
        begin = time.process_time()
        program(0, n)
        return (time.process_time() - begin) / n

    return seconds


def best(seconds: Callable[[], float]) -> float:
    """The best of several."""
    return min(seconds() for _ in range(_ROUNDS))


def _training(name: str, model, task, n: int, **options) -> Row:
    measured = best(stepped(model, task, n, **options))
    estimated = nd.estimate(model, task, parts="training", **options).seconds()
    return _row(f"{name}, a step of training", estimated, measured)


def _rate() -> list[Row]:
    task = tasks.PerceptualDecision(dt=10.0)
    return [
        _training(
            f"rate network of {n} units",
            models.CTRNN(task.n_inputs, n, task.n_outputs, key=0),
            task,
            20,
        )
        for n in (64, 256)
    ]


def _dsr() -> list[Row]:
    data = np.random.default_rng(0).normal(size=(2000, dsr.OBSERVED))
    model = models.ALRNN(0, dsr.UNITS, dsr.OBSERVED, n_relu=dsr.RECTIFIED, key=0)
    options = {
        "objective": training.SparseTeacherForcing(dsr.EVERY),
        "optimizer": training.radam(1e-3, 1e-5, epochs=2000),
        "batch_size": dsr.BATCH,
    }
    return [
        _training(
            f"AL-RNN{words}", model, tasks.Windows(data, dsr.STEPS, noise_std=noise), 50, **options
        )
        for words, noise in (("", 0.0), (" with noise", 0.05))
    ]


def _pvrnn() -> list[Row]:
    rows = []
    for size in pvrnn._SIZES:
        task = tasks.Sequences(pvrnn._data(size))
        model = models.PVRNN(
            task.n_outputs,
            pvrnn._UNITS,
            pvrnn._LATENTS,
            pvrnn._TAU,
            sequences=size[:2],
            w=pvrnn._W,
            key=0,
        )
        options = {
            "objective": training.ELBO(over_trials="sum"),
            "optimizer": pvrnn._ADAM,
            "sampler": "full",
        }
        name = "PV-RNN, {} sequences of {} steps, {} outputs".format(*size)
        rows.append(_training(name, model, task, 20, **options))
    return rows


def _multitask() -> list[Row]:
    task = tasks.Yang2019()
    options = {"batch_size": multitask.BATCH, "optimizer": multitask.optimizer()}
    model = multitask.network(task, multitask.NOISE)
    return [_training("all rules of Yang et al. 2019", model, task, 20, **options)]


def _spiking() -> list[Row]:
    rows = []
    for workload in (workloads.w1(), workloads.w2()):
        network = library.network(workload)
        for dt in (0.5, 0.1):
            n_steps = round(workloads.DURATION / dt)
            options = {"dt": dt, "n_steps": n_steps, "save": ()}

            def seconds(network=network, options=options) -> float:
                begin = time.process_time()
                nd.simulate(network, key=0, progress=False, **options)
                return time.process_time() - begin

            spikes = nd.simulate(network, key=0, progress=False, **options).sizes["spike"]
            rate = spikes / workload.n / (workloads.DURATION / 1000)
            measured = best(seconds)
            estimated = nd.estimate(network, parts="run", spike_rate=rate, **options).seconds()
            rows.append(
                _row(f"{workload.name}, dt {dt} ms, 1 s, {rate:.0f} Hz", estimated, measured)
            )
    return rows
