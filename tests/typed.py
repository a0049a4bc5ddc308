"""Lines that a user of other libraries types in the first hour: `python -m tests.typed`.

In a process of its own, since other tests check types at run time, and users meet these errors
without that. It prints what does not run or is not refused as it should be.
"""

import re
import tempfile
import types
from pathlib import Path

import numpy as np

import neurodyn as nd
from neurodyn import analysis, models, params, tasks, training
from neurodyn.models import spiking

TASK = tasks.PerceptualDecision(dt=20.0)


def rate_net(**options):
    return models.CTRNN(3, 4, 3, key=0, **options)


def cells(**options):
    return spiking.Network(spiking.LIF(4), bias=20.0, **options)


def driven():
    return spiking.Network(spiking.LIF(4), inputs={"I": spiking.CurrentInput(1)})


def coupled():
    rec = spiking.Projection("E", "E", "exp", W=0.1)
    return spiking.Network(
        {"E": spiking.LIF(4)},
        synapses={"exp": spiking.Exponential(5.0)},
        projections={"rec": rec},
        key=0,
    )


class Quantity(np.ndarray):
    """A number with a unit, as Brian2, quantities and astropy have them: 20 ms is 0.02."""

    dim = "s"


def ms(x):
    return np.asarray(1e-3 * x).view(Quantity)


pint_ms = types.SimpleNamespace(magnitude=20.0, units="ms")


def run(model, *args, **options):
    return nd.simulate(model, *args, **{"key": 0, "progress": False} | options)


NUMPY = np.int64
#: Name -> a line as typed, and the plain way to write it; both give the same.
SAME = {
    "step as a whole number": (
        lambda: tasks.PerceptualDecision(dt=20).n_steps,
        lambda: TASK.n_steps,
    ),
    "sizes from NumPy": (
        lambda: models.CTRNN(NUMPY(3), np.int32(4), np.uint8(3), key=NUMPY(0)).W,
        lambda: rate_net().W,
    ),
    "sizes from NumPy in a PV-RNN": (
        lambda: models.PVRNN(NUMPY(2), np.array([4, 3]), [1, 1], [2, 8.0], key=0).W,
        lambda: models.PVRNN(2, (4, 3), (1, 1), (2.0, 8.0), key=0).W,
    ),
    "batches from NumPy": (
        lambda: TASK.batch(NUMPY(0), NUMPY(4)).inputs,
        lambda: TASK.batch(0, 4).inputs,
    ),
    "trials from NumPy": (
        lambda: run(rate_net(), TASK, n_trials=NUMPY(2))["rate"].values,
        lambda: run(rate_net(), TASK, n_trials=2)["rate"].values,
    ),
    "steps from NumPy": (
        lambda: run(cells(), dt=1, n_steps=NUMPY(20), save=("v",))["v"].values,
        lambda: run(cells(), dt=1.0, n_steps=20, save=("v",))["v"].values,
    ),
    "time constants in a list": (
        lambda: rate_net(tau=[50, 60, 70, 80]).tau.value(),
        lambda: rate_net(tau=np.array([50.0, 60.0, 70.0, 80.0])).tau.value(),
    ),
    "input in lists": (
        lambda: run(driven(), [[1], [0], [2]], dt=0.1, save=("v",))["v"].values,
        lambda: run(driven(), np.float32([[1], [0], [2]]), dt=0.1, save=("v",))["v"].values,
    ),
    "input of whole numbers": (
        lambda: run(rate_net(), np.ones((5, 2, 3), int), dt=1.0)["rate"].values,
        lambda: run(rate_net(), np.ones((5, 2, 3), np.float32), dt=1.0)["rate"].values,
    ),
    "decoding a run": (
        lambda: analysis.decode(run(rate_net(), TASK, n_trials=20), "coherence").r2,
        lambda: analysis.decode(run(rate_net(), TASK, n_trials=20)["rate"], "coherence").r2,
    ),
    "a recording in lists": (
        lambda: tasks.Windows(np.arange(60.0).reshape(30, 2).tolist(), 5).validation().targets,
        lambda: tasks.Windows(np.arange(60.0).reshape(30, 2), 5).validation().targets,
    ),
}


#: Name -> a line as typed, and a pattern of the error.
REFUSED = {
    # numbers with units of their own would lose them, and 20 ms be 0.02
    "time constant with a unit": (lambda: rate_net(tau=ms(20)), "carries a unit.*20.0 for 20"),
    "neuron with a unit": (lambda: spiking.LIF(4, tau=ms(20)), "carries a unit"),
    "bounds with units": (lambda: rate_net(tau=params.Bounded(ms(20), ms(500), ms(50))), "carries"),
    "step with a unit": (lambda: run(cells(), dt=ms(0.1), n_steps=9), "`dt` carries a unit"),
    "step of a task with a unit": (lambda: tasks.PerceptualDecision(dt=ms(20)), "`dt` carries"),
    "epoch with a unit": (lambda: tasks.PerceptualDecision(stimulus=ms(800)), "`stimulus` carries"),
    "step of pint": (lambda: run(cells(), dt=pint_ms, n_steps=9), "`dt` carries a unit"),
    "input with a unit": (lambda: run(driven(), ms(np.ones((5, 1))), dt=1.0), "`inputs` carries"),
    # seconds
    "epoch in seconds": (lambda: tasks.PerceptualDecision(stimulus=0.8), "got 0.8 ms"),
    "time constant in seconds": (lambda: run(rate_net(tau=0.1), TASK), "shortest is 0.1 ms"),
    "bins in seconds": (
        lambda: nd.spikes.bin(nd.datasets.load("decision_example"), bin_width=0.02),
        "`bin_width` is in ms",
    ),
    # another order, or another thing
    "task before model": (lambda: run(TASK, rate_net()), r"simulate\(model, task\)"),
    "fit with the task first": (
        lambda: nd.fit(TASK, rate_net(), steps=1, key=0),
        r"the model comes first, fit\(model, task\)",
    ),
    "class of a task": (lambda: run(rate_net(), tasks.PerceptualDecision), "Decision\\(\\)"),
    "name of a task": (lambda: run(rate_net(), "FlipFlop"), r"tasks\.FlipFlop\(\)"),
    "class of a model": (
        lambda: nd.fit(models.CTRNN, TASK, steps=1, key=0),
        r"lambda key: CTRNN\(\.\.\., key=key\)",
    ),
    "maker without a key": (
        lambda: nd.fit(lambda: rate_net(), TASK, steps=1, key=0),
        "lambda key:",
    ),
    "arrays in place of a task": (
        lambda: nd.fit(rate_net(), (np.ones((9, 5, 3)), np.ones((9, 5, 3))), steps=1, key=0),
        r"tasks\.Sequences and tasks\.Windows",
    ),
    "trials in place of a task": (
        lambda: nd.fit(rate_net(), TASK.batch(0, 4), steps=1, key=0),
        "pass the task that drew",
    ),
    "trials in place of sequences": (lambda: tasks.Sequences(TASK.batch(0, 4)), "its `targets`"),
    "class of an objective": (
        lambda: nd.fit(rate_net(), TASK, steps=1, objective=training.Supervised, key=0),
        "the class Supervised itself",
    ),
    "variational model without its objective": (
        lambda: nd.fit(
            models.PVRNN(2, (4,), (1,), 2.0, sequences=(3, 9), key=0),
            tasks.Sequences(np.ones((3, 9, 2))),
            steps=1,
            key=0,
        ),
        r"training\.ELBO\(\)",
    ),
    "neurons without a network": (lambda: run(spiking.LIF(4)), r"spiking\.Network\(neurons"),
    "input for a network without": (
        lambda: run(cells(), np.ones((9, 1)), dt=1.0),
        "has 0 inputs.*build it with inputs",
    ),
    "input without its axis": (lambda: run(driven(), np.ones(9), dt=1.0), r"inputs\[:, None\]"),
    "steps that are no whole number": (lambda: run(cells(), dt=1.0, n_steps=9.0), "`n_steps`"),
    "trials that are no whole number": (lambda: run(rate_net(), TASK, n_trials=2.0), "`n_trials`"),
    "summary of a model": (lambda: analysis.timescale_summary(rate_net()), "network_timescale"),
    # from Brian2
    "populations as numbers": (lambda: spiking.Network({"E": 80}), r"spiking\.LIF\(80\)"),
    "populations in a list": (lambda: spiking.Network([spiking.LIF(4)]), '{"E": spiking.LIF'),
    "input without a name": (lambda: cells(inputs=spiking.CurrentInput(1)), '{"step": spiking'),
    "synapse without a name": (lambda: cells(synapses=spiking.Exponential(5.0)), '{"ampa": spik'),
    "projections in a list": (lambda: cells(projections=[1]), '{"rec": spiking.Projection'),
    "connection by a number": (
        lambda: spiking.Projection("E", "E", "ampa", W=0.1, connect=0.1),
        r"spiking\.FixedProbability\(0\.1\)",
    ),
    "sign in words": (lambda: spiking.Population(spiking.LIF(4), ei="I"), "-1 \\(inhibitory\\)"),
    "running it": (lambda: cells().run(100), r"nd\.simulate\(model, dt=dt"),
    # from PyTorch
    "parameters": (lambda: rate_net().parameters(), r"nd\.params\.trainable\(model\)"),
    "state": (lambda: rate_net().state_dict(), r"nd\.save\(path, model\)"),
    "mode": (lambda: rate_net().eval(), "no mode to set"),
    "size": (lambda: rate_net().hidden_size, "called n_units"),
    # figures
    "two labels for one colour": (
        lambda: nd.plot.psth(nd.trials.average(run(rate_net(), TASK), "choice"), by=["choice"]),
        "one label sets the colour",
    ),
    "figure of a task": (lambda: nd.plot.trial(TASK), r"It takes: Result of task\.trials"),
    "weights of a network": (lambda: nd.plot.weights(coupled()), r"projections\['rec'\]"),
    # names that are elsewhere
    "model of the package": (lambda: nd.CTRNN, "it is in neurodyn.models"),
    "another name": (lambda: nd.train, "training"),
}


def of_a_fit(folder):
    """Wrong uses of the result of `fit`, after a right one."""
    fit = nd.fit(rate_net(), TASK, steps=np.int64(1), batch_size=np.int64(4), key=0)
    nd.plot.history(fit)
    return {
        "simulate a fit": (lambda: run(fit, TASK), r"pass its model, fit\.model"),
        "fit a fit": (lambda: nd.fit(fit, TASK, steps=1, key=0), r"pass its model, fit\.model"),
        "save a fit": (lambda: nd.save(folder / "a.nd", fit), r"save its model, fit\.model"),
    }


def wrong(typed, message):
    """The fault of an error message, or None."""
    try:
        typed()
    except (ValueError, TypeError, AttributeError) as error:
        said = str(error)
        fine = re.search(message, said, re.DOTALL) and "Tracer" not in said
        return None if fine else said
    return "it ran"


def main():
    """Try everything."""
    for name, (typed, plain) in SAME.items():
        try:
            np.testing.assert_array_equal(typed(), plain())
        except Exception as error:
            print(f"{name}: {type(error).__name__}: {error}")
    with tempfile.TemporaryDirectory() as folder:
        for name, (typed, message) in (REFUSED | of_a_fit(Path(folder))).items():
            if said := wrong(typed, message):
                print(f"{name}: {said}, instead of {message!r}")


if __name__ == "__main__":
    main()
