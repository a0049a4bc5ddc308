"""Drawing a batch of trials, compiled, against a time budget.

Cognitive tasks: 64 trials of 100 steps in a millisecond. Streams of bits: a batch of 256 in 2 % of
a training step of the published network (500 units), which takes about 10, 22 and 45 ms at
N = 2, 5 and 10 on two cores.
"""

from collections.abc import Callable

import equinox as eqx
import jax

from neurodyn import tasks
from tests.benchmarks.harness import Row, alternate

CORES = 1
BATCH, STEPS, DT = 64, 100, 20.0
BITS_BATCH = 256
STEP_MS = {2: 10.5, 5: 22.0, 10: 45.0}


def run() -> list[Row]:
    """Every task, inside compiled code and by a plain call."""
    rows = [_row(task, BATCH, 1.0, "1 ms", T=task.n_steps) for task in _hundred_steps()]
    for make in (tasks.NParity, tasks.NDMS):
        for n, step in STEP_MS.items():
            task = make(list(range(2, n + 1)))
            rows.append(_row(task, BITS_BATCH, 0.02 * step, "2 % of a training step", N=n))
    # All twenty rules: 209 steps, 85 inputs and 33 outputs.
    for noise, budget in ((0, 1.0), (0.01, 2.0)):
        task = tasks.Yang2019(noise_std=noise)
        name = f"{budget:g} ms, with{'' if noise else 'out'} noise"
        rows.append(_row(task, BATCH, budget, name, T=task.n_steps))
    rows += [_row(task, BATCH, 2.0, "2 ms, with noise", T=task.n_steps) for task in _catalogue()]
    for noise, budget in ((None, 1.0), (0.01, 2.0)):
        name = f"{budget:g} ms, with{'' if noise else 'out'} noise"
        made = _with_or_without(noise)
        rows += [_row(task, BATCH, budget, name, T=task.n_steps) for task in made]
    task = tasks.PerceptualDecision(dt=DT, stimulus=1600.0)
    (plain,) = alternate(lambda: jax.block_until_ready(task.batch(0, BATCH)))
    sizes = {"B": BATCH, "T": STEPS}
    rows.append(
        Row("PerceptualDecision.batch, plain call", "1 ms", plain.best, 1.0, bar=1.0, sizes=sizes)
    )
    return rows


def _catalogue():
    """Tasks that are written as terms, as published, with noise."""
    for make in (
        tasks.DelayedComparison,
        tasks.GoNoGo,
        tasks.IntervalDiscrimination,
        tasks.MultisensoryIntegration,
        tasks.PoissonClicks,
        tasks.ProbabilisticReasoning,
        tasks.DelayedMatchToCategory,
        tasks.DelayedPairedAssociation,
        tasks.DualDelayedMatch,
        tasks.MatchWithDistractors,
    ):
        yield make(dt=DT)


def _with_or_without(noise: float | None):
    """Tasks that draw no noise where they are told so, as published."""
    for make in (
        tasks.AngleIntegration,
        tasks.PathIntegration,
        tasks.StateTracking,
        tasks.CueSetGo,
        tasks.OneTwoThreeGo,
        tasks.MeasureWaitGo,
        tasks.SequenceMemory,
        tasks.SerialRecall,
        tasks.AssociativeRecall,
        tasks.NBack,
        tasks.Sternberg,
        tasks.XOR,
        tasks.HalfAdder,
    ):
        yield make(noise_std=noise)


def _hundred_steps():
    """Tasks whose trials last 100 steps of 20 ms."""
    yield tasks.PerceptualDecision(dt=DT, stimulus=1600.0)
    yield tasks.ContextDecision(dt=DT, stimulus=1100.0)
    yield tasks.DelayMatchToSample(dt=DT, delay=200.0, decision=500.0)
    yield tasks.FlipFlop(dt=DT, duration=2000.0)
    yield tasks.CenterOut(dt=DT, delay=700.0)
    yield tasks.ReadySetGo(dt=DT)  # 108 steps as published


def compiled(task, n: int) -> Callable[[], object]:
    """A call of one program that draws a batch."""
    arrays, static = eqx.partition(task, eqx.is_array)
    draw = jax.jit(lambda arrays, key: eqx.combine(arrays, static).batch(key, n))
    key = jax.random.key(0)
    return lambda: jax.block_until_ready(draw(arrays, key))


def _row(task, n: int, budget: float, budget_name: str, **sizes: int) -> Row:
    (timing,) = alternate(compiled(task, n))
    return Row(
        type(task).__name__,
        budget_name,
        timing.best,
        budget,
        bar=1.0,
        sizes={"B": n, **sizes},
        threads=CORES,
    )
