"""Runs on eight virtual devices against the same runs on one; `test_mesh.py` starts this file."""

import sys
import tempfile
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr

import neurodyn as nd
from neurodyn import models, params, tasks
from neurodyn.models import spiking
from neurodyn.models.spiking import plasticity

#: Runs on several devices may differ from those on one by this.
BAR = 1e-5


def mesh(**axes: int) -> jax.sharding.Mesh:
    """A mesh with these axes, of all processes."""
    devices = sorted(jax.devices(), key=lambda d: (d.id % len(jax.local_devices()), d.id))
    grid = np.array(devices[: int(np.prod(list(axes.values())))])
    return jax.sharding.Mesh(grid.reshape(list(axes.values())), tuple(axes))


def difference(found, expected) -> float:
    """The largest difference between two labelled runs, of which all labels are equal."""
    assert found.sizes == expected.sizes, (found.sizes, expected.sizes)
    assert found.attrs == expected.attrs
    assert set(found.variables) == set(expected.variables)
    largest = 0.0
    for name, variable in expected.variables.items():
        assert found[name].dims == variable.dims, name
        assert found[name].attrs == variable.attrs, name
        if variable.dtype.kind == "f" and name != "time":
            gap = np.abs(found[name].values - variable.values)
            largest = max(largest, np.nanmax(gap, initial=0.0))
        else:
            np.testing.assert_array_equal(found[name], variable, err_msg=name)
    return largest


def same(model, source, meshes, *, bar: float = BAR, **options) -> None:
    """Check the runs on some meshes against the run on one device."""
    expected = nd.simulate(model, source, **options)
    for axes in meshes:
        found = nd.simulate(model, source, mesh=mesh(**axes), **options)
        gap = difference(found, expected)
        print(type(model).__name__, axes, gap)
        assert gap <= bar, (axes, gap)


def compiled(run) -> int:
    """How many programs a call compiles."""
    found = []
    count = lambda name, *_, **__: found.append(name)  # noqa: E731
    jax.monitoring.register_event_duration_secs_listener(count)
    run()
    jax.monitoring.unregister_event_duration_listener(count)
    return sum(name.endswith("backend_compile_duration") for name in found)


# --- models ----------------------------------------------------------------------------------


def izhikevich(**projections):
    """Excitatory and inhibitory neurons with noise and these projections."""
    return spiking.Network(
        {
            "E": spiking.Population(spiking.Izhikevich2003(48, "RS"), ei=1),
            "I": spiking.Population(spiking.Izhikevich2003(16, "FS"), ei=-1),
        },
        synapses={"ampa": spiking.Exponential(5.0), "gaba": spiking.Exponential(8.0)},
        projections=projections,
        bias=4.0,
        current_noise_std=5.0,
        scheme="izh2003",
        key=0,
    )


def every_kind():
    """A network with a projection of every kind that is divided."""
    law, some = params.Normal(2.0, 1.0), spiking.FixedProbability(0.2)
    pairs = plasticity.PairSTDP(w_max=5.0)
    return izhikevich(
        at_once=spiking.Projection("E", "all", "ampa", W=law, connect=some),
        matrix=spiking.Projection("I", "all", "gaba", W=-1.0),
        part=spiking.Projection("E", "I", "ampa", W=0.3),
        late=spiking.Projection(
            "I", "E", "gaba", W=-1.0, connect=some, delay=params.Uniform(0.5, 4.0)
        ),
        plastic=spiking.Projection(
            "E", "E", "ampa", W=params.Uniform(0.0, 2.0), connect=some, rule=pairs, delay=1.0
        ),
    )


class Ring(nd.AbstractMap):
    """A model of a user: two variables for each unit, in one array."""

    n_inputs: int = eqx.field(static=True, default=0)
    n_outputs: int = eqx.field(static=True, default=1)
    gains: Any = None

    def __check_init__(self):
        assert self.gains.shape[1:] == (2,)

    def unit_axes(self):
        return {"gains": 0}

    def initial_state(self, *, dt, trial=None, key=None):
        return nd.State(jax.random.normal(key, self.gains.shape))

    def update(self, state, u, *, key):
        x = jnp.tanh(self.gains * jnp.roll(state.x, 1, axis=0) + 0.5 * state.x)
        return nd.State(x + 0.1 * jax.random.normal(key, x.shape))

    def readout(self, state):
        return state.x.sum(0)[:1]

    def observe(self, state):
        return {"place": state.x[:, 0]}

    def variables(self):
        return {"place": nd.Variable(("unit",), "1", "place", "hidden")}

    def unit_coords(self):
        return {}


# --- what is checked -------------------------------------------------------------------------


def small() -> None:
    """A rate network along trials and units, and a spiking network along units."""
    task = tasks.PerceptualDecision()
    model = models.CTRNN(task.n_inputs, 16, task.n_outputs, noise_std=0.1, key=0)
    same(model, task, [{"unit": 4, "trial": 2}], n_trials=8, key=3)
    run = {"dt": 0.5, "n_steps": 60, "n_trials": 2, "key": 1, "save": ("v",)}
    same(every_kind(), None, [{"unit": 8}], bar=0.0, **run)


ALL = [
    {"trial": 8},
    {"unit": 8},
    {"trial": 2, "unit": 4},
]


def rates() -> None:
    """Rate, piecewise-linear and variational networks on all axes; ensembles; streams."""
    task = tasks.PerceptualDecision()
    sizes = task.n_inputs, 16, task.n_outputs
    run = {"n_trials": 16, "key": 3}
    noisy = [models.CTRNN(*sizes, noise_std=0.1, key=seed) for seed in range(4)]
    for model in (
        noisy[0],
        models.CTRNN(*sizes, form="current", W=params.Dale(0.75), key=0),
        models.GRU(*sizes, key=0),
        models.EchoState(*sizes, key=0),
        models.ALRNN(*sizes, n_relu=8, key=0),
    ):
        same(model, task, ALL, **run)
    same(noisy[0], task, [{"trial": 4, "unit": 2}], chunk=8, **run)
    generated = {"n_steps": 40, "n_trials": 8, "key": 2}
    same(models.PVRNN(2, (16, 8), (2, 2), (2.0, 8.0), key=0), None, ALL, **generated)
    gains = jnp.linspace(0.5, 1.5, 32).reshape(16, 2)
    same(Ring(gains=gains), None, ALL, **generated)
    ensemble = nd.Ensemble(noisy)
    together = [{"seed": 4}, {"seed": 2, "trial": 4}, {"seed": 2, "trial": 2, "unit": 2}]
    same(ensemble, task, [*together, {"trial": 8}], **run)
    same(ensemble, task, [{"unit": 2, "seed": 2, "trial": 2}], chunk=8, **run)
    whole = nd.simulate(noisy[0], None, dt=20.0, n_steps=40, n_trials=8, key=1)
    with tempfile.TemporaryDirectory() as folder:
        grid = mesh(trial=2, unit=4)
        for i, cut in enumerate(({"chunk": 4}, {"chunk_steps": 8})):
            options = {"n_steps": 40, "n_trials": 8, "key": 1, "to": f"{folder}/{i}.zarr"}
            stored = nd.simulate(noisy[0], None, dt=20.0, mesh=grid, **options, **cut)
            assert difference(stored.load(), whole) <= BAR


def spikes() -> None:
    """The same spikes on every mesh, with every kind of projection."""
    run = {"dt": 0.5, "n_steps": 400, "n_trials": 8, "key": 1}
    same(every_kind(), None, [{"unit": 8}, {"unit": 4, "trial": 2}], bar=0.0, **run)
    # XLA may round the currents that are recorded otherwise for another number of trials.
    same(every_kind(), None, [{"trial": 8}], bar=1e-4, **run)
    matrix = izhikevich(
        all=spiking.Projection("all", "all", "ampa", W=params.Normal(0.0, 1.0)),
        learned=spiking.Projection("all", "all", "gaba", W=0.1, rule=plasticity.PairSTDP()),
    )
    same(matrix, None, [{"unit": 8}, {"unit": 4, "trial": 2}], bar=0.0, **run)
    lesion = nd.Lesion([3, 60], start=20.0)
    same(every_kind(), None, [{"unit": 8}], bar=0.0, interventions=[lesion], **run)


def again() -> None:
    """The same bits twice, nothing compiled for another seed, weights that stay in parts."""
    grid = mesh(trial=2, unit=4)
    law = params.Normal(0.0, 0.1)
    parts = models.CTRNN(1, 64, 1, W=nd.placement.InParts(law, grid), noise_std=0.1, key=0)
    assert {part.data.shape for part in parts.W.addressable_shards} == {(64, 16)}
    whole = models.CTRNN(1, 64, 1, W=law, noise_std=0.1, key=0)
    np.testing.assert_allclose(parts.W, whole.W, atol=1e-7)
    for model, dt in ((parts, 10.0), (nd.placement.place(every_kind(), grid), 0.5)):

        def run(key, model=model, dt=dt):
            return nd.simulate(model, None, dt=dt, n_steps=50, n_trials=4, key=key, mesh=grid)

        first = run(1)
        xr.testing.assert_identical(first, run(1))
        assert compiled(lambda run=run: run(2)) == 0


def hosts() -> None:
    """Two processes with four devices each, of which both get the whole result."""
    assert len(jax.devices()) == 2 * len(jax.local_devices()) == 8
    task = tasks.PerceptualDecision()
    sizes = task.n_inputs, 16, task.n_outputs
    members = [models.CTRNN(*sizes, noise_std=0.1, key=seed) for seed in range(2)]
    options = {"n_trials": 16, "key": 3}
    same(members[0], task, [{"trial": 8}, {"unit": 4, "trial": 2}], chunk=8, **options)
    same(nd.Ensemble(members), task, [{"seed": 2, "trial": 2, "unit": 2}], **options)
    run = {"dt": 0.5, "n_steps": 60, "n_trials": 2, "key": 1}
    same(every_kind(), None, [{"unit": 8}], bar=0.0, **run)
    folder = sys.argv[3]
    options = {"dt": 20.0, "n_steps": 40, "n_trials": 8, "key": 1}
    whole = nd.simulate(members[0], None, **options)
    grid = mesh(trial=2, unit=4)
    stored = nd.simulate(members[0], None, mesh=grid, to=f"{folder}/run.zarr", chunk=4, **options)
    assert difference(stored.load(), whole) <= BAR
    taken = False
    try:
        nd.simulate(members[0], None, mesh=grid, to=f"{folder}/run.zarr", **options)
    except (FileExistsError, RuntimeError) as error:
        taken = "run.zarr exists" in str(error)
    assert taken


PARTS = {"small": [small], "full": [rates, spikes, again], "hosts": [hosts]}

if __name__ == "__main__":
    jax.config.update("jax_numpy_rank_promotion", "raise")
    jax.config.update("jax_numpy_dtype_promotion", "strict")
    if sys.argv[1] == "hosts":
        jax.distributed.initialize(f"localhost:{sys.argv[4]}", 2, int(sys.argv[2]))
    for part in PARTS[sys.argv[1]]:
        part()
