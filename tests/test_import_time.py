"""`import neurodyn` costs little more than the libraries that it stands on, and building a model
compiles next to nothing."""

import subprocess
import sys

import pytest

FOUNDATION = "import jax, equinox, diffrax"
HEAVY = (
    *("IPython", "brian2", "dask", "llvmlite", "matplotlib", "neo", "numba", "pandas", "pynwb"),
    *("pytest", "scipy.optimize", "scipy.stats", "sklearn", "sympy", "torch", "typer", "xarray"),
    "zarr",
)


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_import_adds_under_half_a_second():
    """In CPU time, after the foundation in the same process, so that other load does not count."""
    timed = (
        f"{FOUNDATION}\nimport time\nstart = time.process_time()\n"
        "import neurodyn\nprint(time.process_time() - start)"
    )
    seconds = []
    while len(seconds) < 5 and min(seconds, default=1.0) >= 0.5:
        seconds.append(float(run(timed)))
    assert min(seconds) < 0.5, f"import neurodyn adds {seconds} s"


def test_heavy_libraries_wait_for_first_use():
    """Also after `dir(neurodyn)`, which shows all of `__all__` without loading what is lazy."""
    code = (
        "import sys, neurodyn\n"
        f"loaded = lambda: [name for name in {HEAVY!r} if name in sys.modules]\n"
        "print('import loads', loaded())\n"
        "assert set(neurodyn.__all__) <= set(dir(neurodyn))\n"
        "print('dir loads', loaded())"
    )
    assert run(code).splitlines() == ["import loads []", "dir loads []"]


# Prints how many programs were compiled since the last time, and what was imported meanwhile.
COUNTED = """
import sys
import jax, numpy as np
import neurodyn as nd

compiled = []
def listen(event, duration, **about):
    if event == "/jax/core/compile/backend_compile_duration":
        compiled.append(event)
jax.monitoring.register_event_duration_secs_listener(listen)

def report():
    print(len(compiled), *(name for name in HEAVY if name in sys.modules), sep=",")
    compiled.clear()
"""


def counts(code: str) -> list[tuple[int, list[str]]]:
    """Number of programs and heavy libraries at each `report()` of some code."""
    lines = run(COUNTED.replace("HEAVY", repr(HEAVY)) + code).splitlines()
    return [(int(n), heavy) for n, *heavy in (line.split(",") for line in lines)]


@pytest.mark.parametrize(("kernels", "trials"), [("xla", 0), ("auto", 3)])
def test_a_spiking_network_is_one_program(kernels, trials, monkeypatch):
    """The weights are given, because every small program at build time would cost some 20 ms.

    A compiled kernel is tried once, in up to three programs of a few operations.
    """
    monkeypatch.setenv("NEURODYN_KERNELS", kernels)
    code = """
from neurodyn.models import spiking
W = np.full((5, 5), 0.5)
network = spiking.Network(
    {"E": spiking.Izhikevich2003(4, "RS"), "I": spiking.Izhikevich2003(1, "FS")},
    synapses={"s": spiking.Exponential(5.0), "i": spiking.Delta()},
    projections={
        "all": spiking.Projection("all", "all", "s", W=nd.params.Fixed(W)),
        "E": spiking.Projection("E", "all", "i", W=nd.params.Fixed(W[:4]), format="csr"),
    },
    bias={"E": 5.0, "I": 2.0},
)
report()
for seed in (0, 1):
    nd.integrate(network, dt=0.5, n_steps=20, key=seed, save=nd.Save(spikes="packed"))
    report()
"""
    built, first, second = counts(code)
    assert built == (0, [])
    assert 1 <= first[0] <= 1 + trials
    assert set(first[1]) <= {"llvmlite"}, "only compiled spike products may be loaded"
    assert second[0] == 0


def test_a_rate_network_is_built_from_few_programs():
    """Drawing the initial weights is what remains, and one program trains."""
    code = """
from neurodyn import models, tasks
task = tasks.FlipFlop(dt=20.0)
model = models.CTRNN(task.n_inputs, 6, task.n_outputs, key=0)
report()
nd.fit(model, task, steps=1, batch_size=2, evaluate=False, key=0)
report()
"""
    built, trained = counts(code)
    assert built[0] <= 6
    assert trained[0] <= 7  # two of them the trial of the kernel that draws noise
    assert not {"matplotlib", "numba", "scipy.optimize", "scipy.stats"} & set(trained[1])


def test_a_first_run_of_a_task_is_five_programs_at_most():
    """Trials, the run and its scores; a second one of the same sizes compiles nothing."""
    code = """
from neurodyn import models, tasks
task = tasks.PerceptualDecision(dt=20.0)
for seed in (0, 1):
    model = models.CTRNN(task.n_inputs, 6, task.n_outputs, key=seed)
    report()
    nd.simulate(model, task, n_trials=3, key=seed)
    report()
nd.simulate(model, task.batch(0, 3), key=0)
report()
"""
    built, first, again, second, drawn = (number for number, _ in counts(code))
    assert built <= 6
    assert first <= 7  # two of them the trial of the kernel that draws noise
    assert (again, second, drawn) == (0, 0, 0)
