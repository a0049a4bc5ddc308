"""Sessions: trials in blocks with tests between them, in one long simulation."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from neurodyn.engine.drive import Drive
from neurodyn.engine.integrate import integrate
from neurodyn.experiments.running.experiment import Run
from neurodyn.experiments.running.resume import Resumed
from neurodyn.models.spiking import Network, WhatWhen
from neurodyn.params import with_values
from neurodyn.task import Trial
from neurodyn.tasks import PredictionObject
from neurodyn.tasks.timing.pattern import clock_signal

#: Trials of a block that a test with the cue alone follows.
TESTED = (1, 2, 5, 10, 20, 30, 50, 75, 100)
#: Time of the state after the cue: from its end to the earliest event of all blocks [ms].
COLLECTED = (50.0, 200.0)


class Plan(NamedTuple):
    """Trials of sessions that run side by side.

    Attributes
    ----------
    trials
        Trials ``(session, trial, ...)`` in their order, with the tests.
    tested
        Whether a trial is a test.
    number
        Number of the trial in its block; of a test, that of the trial before it.
    block
        Block of each trial.
    n_blocks
        Number of blocks.
    switches
        First step of each later block.
    learned_time
        Time of a trial that least squares use [ms].
    """

    trials: Trial
    tested: np.ndarray
    number: np.ndarray
    block: np.ndarray
    n_blocks: int
    switches: np.ndarray
    learned_time: float


def plan(
    task: PredictionObject,
    sessions: Sequence[Sequence[Mapping[str, Any]]],
    n_trials: int,
    *,
    key: Any,
) -> Plan:
    """Draw sessions with equal numbers of blocks, and tests after some trials of each block."""
    n_blocks, numbers = len(sessions[0]), np.arange(1, n_trials + 1)
    number = np.repeat(numbers, 1 + np.isin(numbers, TESTED))  # each test after its trial
    tested = np.tile(np.diff(number, prepend=0) == 0, n_blocks)
    block = np.repeat(np.arange(n_blocks), len(number))
    per_block, number = len(number), np.tile(number, n_blocks)
    drawn = [
        _one(task, blocks, n_trials, block, number, tested, jax.random.fold_in(key, i))
        for i, blocks in enumerate(sessions)
    ]
    trials = jax.tree.map(lambda *a: jnp.stack(a), *drawn)
    switches = np.arange(1, n_blocks) * per_block * task.n_steps
    learned = task.n_steps * task.dt + task.t0
    return Plan(trials, tested, number, block, n_blocks, switches, learned)


def _one(task, blocks, n_trials, block, number, tested, key) -> Trial:
    learned = task.session(key, blocks, n_trials=n_trials)
    which = block * n_trials + number - 1  # a test has the statistics of the trial before it
    names = ("probability", "latency_a", "latency_b", "event")
    columns = {name: np.asarray(learned.conditions[name])[which] for name in names}
    columns["shown"] = 1 - tested
    return task.batch(key, len(which), **columns)


def run_session(
    system: WhatWhen | Network, made: Plan, settings: Any, run: Run, name: str, *, key: Any
) -> tuple[np.ndarray, Any]:
    """Simulate block by block; outputs ``(trial, session, time, output)`` and the final state."""
    n_sessions, _, task_steps, _ = made.trials.inputs.shape
    per_block, local = len(made.tested) // made.n_blocks, isinstance(system, WhatWhen)

    def like():
        one = with_values(system).initial_state(dt=settings.dt, key=jax.random.key(0))
        return jax.tree.map(lambda a: jnp.stack([a] * n_sessions), one)

    done = Resumed(run, name, settings)
    results, state = done.load(jax.eval_shape(like))
    outputs = list(results.get("outputs", ()))
    for block in range(len(outputs), made.n_blocks):
        part = slice(block * per_block, (block + 1) * per_block)
        trials = jax.tree.map(lambda a, part=part: a[:, part], made.trials)
        ran = integrate(
            system,
            drive_of(local, trials, made.tested[part], settings),
            dt=settings.dt,
            state=state,
            start=block * per_block * task_steps,
            key=key,
        )
        state = ran.final_state
        seen = np.asarray(ran.outputs, np.float32)
        outputs.append(np.moveaxis(seen.reshape(per_block, task_steps, n_sessions, 2), 2, 1))
        done.save({"outputs": np.stack(outputs)}, state)
    return np.concatenate(outputs), state


def drive_of(local: bool, trials: Trial, tested: np.ndarray, settings: Any) -> Drive:
    """Consecutive trials as inputs, targets and gates ``(time, session, ...)``."""
    n_steps, dtype = trials.inputs.shape[2], trials.inputs.dtype

    def flat(a: Array) -> Array:
        return jnp.moveaxis(a.reshape(a.shape[0], -1, a.shape[-1]), 0, 1)

    shown = jnp.asarray(~tested, dtype)[None, :, None, None]
    t = PredictionObject(settings.dt).t0 + settings.dt * np.arange(1, n_steps + 1)
    inputs = flat(jnp.concatenate([trials.inputs, _pulses(trials, t, settings)], -1))
    if not local:
        after = jnp.asarray(t > 0, dtype)[None, None, :, None]
        gate = jnp.broadcast_to(shown * after, (*trials.inputs.shape[:3], 1))
        return Drive(inputs, flat(trials.targets), flat(gate))
    collect = jnp.asarray((t > COLLECTED[0]) & (t <= COLLECTED[1]), dtype)
    last = jnp.zeros(n_steps, dtype).at[-1].set(1)
    shape = (*trials.inputs.shape[:3], 1)
    gates = [
        jnp.broadcast_to(collect[None, None, :, None], shape),
        jnp.broadcast_to(last[None, None, :, None] * shown, shape),
        jnp.broadcast_to(last[None, None, :, None], shape),
    ]
    outcome = jax.nn.one_hot(trials.conditions["event"], 2, dtype=dtype)
    outcome = jnp.broadcast_to(outcome[:, :, None, :], trials.targets.shape)
    return Drive(
        inputs,
        {"what": flat(outcome), "when": flat(trials.targets)},
        {"what": flat(jnp.concatenate(gates, -1)), "when": flat(trials.mask * shown)},
    )


def _pulses(trials: Trial, t: np.ndarray, settings: Any) -> Array:
    """Pulses of the clock that the cue starts, in every trial."""
    dtype = trials.inputs.dtype
    starts = jnp.asarray(t - settings.dt, dtype)
    n = settings.n_pulses
    pulses = clock_signal(starts, jnp.asarray(t[-1], dtype), max(n, 1))[:, :n]
    pulses = pulses * jnp.asarray(starts >= 0, dtype)[:, None]
    return jnp.broadcast_to(pulses, (*trials.inputs.shape[:2], *pulses.shape))
