"""Runs chunk after chunk of a plan, checks the results and labels them."""

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import xarray as xr
from jax.sharding import Mesh

from neurodyn.engine import devices, placement
from neurodyn.engine.inputs import trials_for
from neurodyn.engine.plan import Plan as EnginePlan
from neurodyn.engine.prepare import prepared
from neurodyn.engine.record import Save, Trajectory, unpack_spikes, window_steps
from neurodyn.engine.run import execute
from neurodyn.engine.spread import execute_on
from neurodyn.params import with_values
from neurodyn.simulation.chunks import take
from neurodyn.simulation.labelling import label
from neurodyn.simulation.plan import Plan
from neurodyn.system import Drive


class SimulationError(RuntimeError):
    """A run produced NaN or infinite values."""


@dataclass(frozen=True)
class Runner:
    """Runs blocks of trials and labels their records.

    Attributes
    ----------
    model
        The model, which gives the labels.
    system
        The model as it runs: the same, or divided for the devices of the mesh.
    mesh
        Devices, in the order of the engine; None: one.
    """

    model: Any
    system: Any
    plan: Plan
    save: Save
    solver: Any
    interventions: tuple
    key: Any
    chunk: int
    chunk_steps: int
    mesh: Mesh | None = None

    @property
    def n_pieces(self) -> int:
        """How many pieces a run is cut into along time."""
        return math.ceil(self.plan.n_steps / self.chunk_steps)

    @property
    def blocks(self) -> range:
        """First trial of each chunk of trials."""
        return range(0, self.plan.n_trials, self.chunk)

    @property
    def n_calls(self) -> int:
        """How many compiled calls the run takes."""
        return len(self.blocks) * self.n_pieces

    def whole(self, advance: Callable) -> xr.Dataset:
        """The labelled result of all trials."""
        return self.labelled([self.block(first, advance) for first in self.blocks])

    def labelled(self, blocks: list[dict[str, np.ndarray]]) -> xr.Dataset:
        """The labelled result of the records of all chunks of trials."""
        return self.label({n: np.concatenate([each[n] for each in blocks]) for n in blocks[0]})

    def block(self, first: int, advance: Callable) -> dict[str, np.ndarray]:
        """The records of the chunk of trials from ``first`` on, trial-first, on the host."""
        return self.joined(list(self.pieces(first, advance)))

    def joined(self, pieces: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """The records of pieces along time as one."""
        out = {}
        for name in pieces[-1]:
            if name == "outputs" and self.save.outputs == "last":
                out[name] = pieces[-1][name]
            else:
                axis = 0 if name.startswith("spike_") else 1
                out[name] = np.concatenate([p[name] for p in pieces], axis=axis)
        return out

    def pieces(self, first: int, advance: Callable) -> Iterator[dict[str, np.ndarray]]:
        """The records of a chunk of trials, piece after piece along time."""
        state = None
        for start in self.starts:
            plan = self.prepared(first, start, state)
            if self.mesh is None:
                run = execute(plan)
            else:
                if not self._there:  # placed after the checks, which read its numbers
                    self._there.append(placement.placed(plan.system, self.mesh))
                run = execute_on(self.mesh, plan._replace(system=self._there[0]))
            state = run.final_state
            yield self.collect(on_host(run), first, start)
            advance()

    @functools.cached_property
    def _there(self) -> list[Any]:
        """The system on the devices of the mesh, once it is there."""
        return []

    @property
    def starts(self) -> range:
        """First step of each piece along time."""
        return range(0, self.plan.n_steps, self.chunk_steps)

    def prepared(self, first: int, start: int, state: Any) -> EnginePlan:
        """The checked run of the chunk of trials from ``first`` on, in the piece from a step on."""
        plan, here = self.plan, self._here(first)
        end = min(start + self.chunk_steps, plan.n_steps)
        trials = trials_for(self.model, plan.given)
        return prepared(
            self.system,
            self._inputs(here, start, end),
            dt=plan.dt,
            solver=self.solver,
            state=state,
            key=self.key,
            save=self.save,
            interventions=self.interventions,
            trial=None if trials is None else take(trials, here, here + self.chunk),
            length=None if plan.trials is None else plan.trials.length,
            n_steps=end - start,
            n_trials=self.chunk,
            first_trial=here,
            start=start,
            checkpoint=False,
        )

    def _here(self, first: int) -> int:
        # The last chunk reaches back, so that it runs the same program on as many trials.
        return min(first, self.plan.n_trials - self.chunk)

    def _inputs(self, here: int, start: int, end: int) -> Any:
        inputs = self.plan.inputs
        if not isinstance(inputs, Drive):
            return inputs
        return jax.tree.map(lambda a: np.asarray(a)[start:end, here : here + self.chunk], inputs)

    def collect(self, run: Trajectory, first: int, start: int) -> dict[str, np.ndarray]:
        """The records of the chunk of trials from ``first`` on, in the piece from a step on."""
        here = self._here(first)
        skip = first - here
        self._check(run, here)

        def host(a):
            return np.swapaxes(np.asarray(a)[:valid, skip:], 0, 1)

        trials = self.plan.trials
        valid = None if trials is None or trials.length is None else int(trials.length)

        out = {name: host(a) for name, a in run.variables.items()}
        if run.outputs is not None:
            out["outputs"] = host(run.outputs)
        if run.spikes is not None:
            recorded = self._recorded_units(run.final_state)
            steps, trials, units = unpack_spikes(np.asarray(run.spikes)[:, skip:], len(recorded))
            out["spike_trial"] = trials + here + skip
            out["spike_unit"] = recorded[units]
            first = start + window_steps(self.save, self.plan.dt, self.plan.n_steps)[0]
            out["spike_time"] = self.plan.t0 + (first + steps + 1) * self.plan.dt
        return out

    def _recorded_units(self, states: Any) -> np.ndarray:
        """Numbers of the units whose spikes are recorded."""
        if self.save.units is not None:
            return np.asarray(self.save.units)
        one = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape[1:], a.dtype), states)
        crossing = eqx.filter_eval_shape(lambda s: with_values(self.model).crossing(s), one)
        return np.arange(crossing.shape[0])

    def _check(self, run, here: int) -> None:
        # On the host: the results go there anyway, and nothing is compiled for their shapes.
        finite = np.asarray(run.stats["finite"])
        recorded = [*run.variables.values(), *([] if run.outputs is None else [run.outputs])]
        recorded = [np.asarray(a) for a in recorded]
        for a in recorded:
            if jnp.issubdtype(a.dtype, jnp.inexact):
                finite = finite & np.isfinite(a).all(axis=(0, *range(2, a.ndim)))
        if finite.all():
            return
        bad = int(np.flatnonzero(~finite)[0])
        when = "by the end of the run"
        for a in recorded:
            values = a[:, bad]
            times = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(1))
            if len(times) and len(values) == len(run.ts):
                when = f"at t = {self.plan.t0 + float(run.ts[times[0]]):g} ms"
                break
        raise SimulationError(
            f"{type(self.model).__name__} gave NaN or infinite values in trial {here + bad} {when}"
            f"{_first_unit(run.final_state.x, bad)} "
            f"({(~finite).sum()} of {len(finite)} trials of this chunk). Try a shorter dt "
            f"(now {self.plan.dt:g} ms), or look for exploding weights."
        )

    def label(self, arrays: dict[str, np.ndarray], start: int = 0) -> xr.Dataset:
        """The records from step ``start`` on, labelled."""
        return label(self.model, self.plan, self.save, arrays, start)


def on_host(run: Trajectory) -> Trajectory:
    """The records of a run in the memory of this process; the state stays on the devices."""

    def records(run: Trajectory) -> tuple[Any, ...]:
        return run.variables, run.outputs, run.spikes, run.stats

    there = devices.fetched(records(run))
    return eqx.tree_at(records, run, there, is_leaf=lambda x: x is None)


def _first_unit(x: Any, trial: int) -> str:
    """Which entry of a final state is the first that is not finite, in words."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(x):
        values = devices.fetched(leaf)[trial]
        wrong = np.flatnonzero(~np.isfinite(values).all(axis=tuple(range(1, values.ndim))))
        if values.ndim and wrong.size:
            name = str(getattr(path[-1], "name", getattr(path[-1], "key", "state"))) if path else ""
            return f", first in unit {wrong[0]}" + (f" ({name})" if name else "")
    return ""
