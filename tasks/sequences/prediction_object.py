"""Expect one of two events: which, when, and with what probability."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.checks import number, numbers, whole
from neurodyn.common.random import as_key
from neurodyn.task import Trial
from neurodyn.tasks.base import AbstractTrialTask, pick
from neurodyn.tasks.timeline import Timeline

DURATIONS = {"baseline": 100.0, "cue": 50.0, "interval": 650.0}
EVENT = 50.0

#: Height from which on an output has a time.
SEEN = 0.1


class PredictionObject(AbstractTrialTask):
    """The multi-event expectation task of Yamada & Chao (2026): a cue, then event A or event B.

    After the cue comes either event A, with some probability and at its latency, or else event B at
    its own. What is to be learned is the *prediction object*: after the cue alone the two outputs
    should trace bumps at the latencies, as high as the events are probable. Time 0 is cue onset.

    Inputs are the cue and the events, 1 while they last. In a trial with its event the target is a
    bump of height 1 at that event, in its channel, and the mask is an attention gate: 1 in the
    channel of the event that came, near its latency. In a trial with the cue alone (``shown=0``)
    the target is the expectation, and all of it counts.

    Parameters
    ----------
    dt
        Step [ms]; default 1, at which the paper updates its readout.
    probability
        Probabilities of event A, of which one is drawn per trial. Default 0 to 1 in steps of 0.1.
    latency_a, latency_b
        Latencies of the events after cue onset [ms]; default 200 and 400.
    width
        Standard deviation of the bumps [ms]; default 40.
    window
        Half of the width of the attention gate [ms]; default 250, so that what surrounds a bump is
        learned too: outside of the gate nothing tells an output to be silent.
    baseline, cue, interval
        Durations [ms] of the time before the cue, of the cue, and from its end to that of the
        trial. Defaults, to the nearest step: 100, 50 and 650.

    Raises
    ------
    ValueError
        On probabilities outside [0, 1], or latencies at which events do not fit into a trial.

    Notes
    -----
    The paradigm and the eleven levels are those of the paper. All durations, latencies and widths
    are ours, since we have not been able to read its methods.

    References
    ----------
    Yamada & Chao, Commun. Biol. 2026.

    Examples
    --------
    >>> task = PredictionObject()
    >>> session = task.session(0, [{"probability": 0.8}, {"probability": 0.2}], n_trials=100)
    >>> session.targets.shape
    (200, 800, 2)
    """

    probability: Float[Array, " level"]
    latency_a: Float[Array, ""]
    latency_b: Float[Array, ""]
    width: Float[Array, ""]
    window: Float[Array, ""]
    event: Float[Array, ""]
    timeline: Timeline = eqx.field(static=True)
    align_event: ClassVar[str] = "cue onset"
    reference: ClassVar[tuple[str, ...]] = ("yamada2026",)
    input_names: ClassVar[tuple[str, ...]] = ("cue", "event_a", "event_b")
    output_names: ClassVar[tuple[str, ...]] = ("expect_a", "expect_b")

    def __init__(
        self,
        dt: float | int = 1.0,
        *,
        probability: Any = None,
        latency_a: Any = 200.0,
        latency_b: Any = 400.0,
        width: Any = 40.0,
        window: Any = 250.0,
        baseline: float | int | None = None,
        cue: float | int | None = None,
        interval: float | int | None = None,
    ):
        durations = {"baseline": baseline, "cue": cue, "interval": interval}
        self.timeline = Timeline.build(dt, "cue", durations, DURATIONS)
        levels = np.linspace(0, 1, 11) if probability is None else probability
        self.probability = numbers("probability", levels, low=0, high=1)
        self.width = number("width", width, above=0)
        self.window = number("window", window, above=0)
        self.event = number("event", EVENT, above=0)
        low, high = self.limits()["latency_a"]
        self.latency_a = number("latency_a", latency_a, low=low, high=high)
        self.latency_b = number("latency_b", latency_b, low=low, high=high)

    def sample(self, key: PRNGKeyArray, **conditions: Any) -> Trial:
        """One trial.

        Can be given: ``probability``, ``latency_a`` and ``latency_b`` [ms], ``event`` (0: A, 1: B)
        and ``shown`` (0: the cue comes alone).
        """
        known = {n: value for n, value in conditions.items() if n in self.limits()}
        rest = {n: value for n, value in conditions.items() if n == "probability" or n not in known}
        k_pick, k_event = jax.random.split(as_key(key))
        probability = pick(self, k_pick, rest)["probability"]
        dtype = probability.dtype
        latency = [
            jnp.asarray(known.get(name, getattr(self, name))).astype(dtype)
            for name in ("latency_a", "latency_b")
        ]
        drawn = 1 - jax.random.bernoulli(k_event, probability).astype(jnp.int32)
        event = jnp.asarray(known.get("event", drawn)).astype(jnp.int32)
        shown = jnp.asarray(known.get("shown", 1)).astype(jnp.int32)

        occurred = jax.nn.one_hot(event, 2, dtype=dtype)
        bumps = self.bumps(jnp.stack(latency))
        chance = jnp.stack([probability, 1 - probability])
        visible = (shown > 0).astype(dtype)
        targets = bumps * (visible * occurred + (1 - visible) * chance)[None, :]
        mask = visible * self.gates(jnp.stack(latency)) * occurred[None, :] + (1 - visible)
        schedule = self.timeline.draw(k_pick, {})
        start = self._times() - self.dt  # each input acts from the start of its step
        inside = (start[:, None] >= jnp.stack(latency)[None, :] - 1e-3) & (
            start[:, None] < jnp.stack(latency)[None, :] + self.event - 1e-3
        )
        events = inside.astype(dtype) * occurred[None, :] * visible
        cue = schedule.during("cue").astype(dtype)
        given = {
            "probability": probability,
            "latency_a": latency[0],
            "latency_b": latency[1],
            "event": event,
            "shown": shown,
        }
        inputs = jnp.concatenate([cue[:, None], events], axis=1)
        return Trial(inputs, targets, mask, given, schedule.intervals(dtype))

    def session(
        self, key: Any, blocks: Sequence[Mapping[str, Any]], *, n_trials: int = 100
    ) -> Trial:
        """Trials in blocks with statistics of their own, one after the other.

        Parameters
        ----------
        key
            Seed or key.
        blocks
            Conditions of each block (``probability``, ``latency_a``, ``latency_b``); what is not
            given in the first one is that of the task, later on that of the block before. The
            probability has to be given.
        n_trials
            Trials in a block; default 100, as in the paper.

        Raises
        ------
        ValueError
            If a block names something else, or there is none.
        """
        whole("n_trials", n_trials)
        now = {"latency_a": float(self.latency_a), "latency_b": float(self.latency_b)}
        if not blocks or "probability" not in blocks[0]:
            raise ValueError("A session needs blocks, the first with a `probability`.")
        columns: dict[str, list] = {"probability": [], **{name: [] for name in now}}
        for block in blocks:
            if unknown := set(block) - set(columns):
                raise ValueError(f"Blocks have {sorted(columns)}, not {sorted(unknown)}.")
            now |= block
            for name, column in columns.items():
                column.append(now[name])
        repeated = {name: np.repeat(column, n_trials) for name, column in columns.items()}
        return self.batch(key, len(blocks) * n_trials, **repeated)

    def bumps(self, latency: Float[Array, " event"]) -> Float[Array, "time event"]:
        """Bumps of height 1 at these latencies [ms]."""
        away = (self._times()[:, None] - latency[None, :]) / self.width
        return jnp.exp(-0.5 * jnp.square(away))

    def gates(self, latency: Float[Array, " event"]) -> Float[Array, "time event"]:
        """1 near these latencies [ms]."""
        away = jnp.abs(self._times()[:, None] - latency[None, :])
        return (away <= self.window).astype(latency.dtype)

    def score(self, outputs: Float[Array, "trial time output"], trials: Trial) -> dict[str, Array]:
        """Distance of the outputs from the expectation, independent of the stimuli that were drawn.

        Returns
        -------
        dict
            ``error``: root mean squared distance over all steps and outputs; ``correct``: explained
            share of the expectation's power, 0 if negative; ``amplitude_a``, ``amplitude_b``:
            height of the bump that fits the output best; ``timing_a``, ``timing_b``: time
            of the highest output from the cue on, less the latency [ms]; NaN where none reaches
            0.1.
        """
        c = trials.conditions
        latency = jnp.stack([c["latency_a"], c["latency_b"]], axis=1)
        bumps = jax.vmap(self.bumps)(latency)
        chance = jnp.stack([c["probability"], 1 - c["probability"]], axis=1)
        expected = bumps * chance[:, None, :]
        square = jnp.mean(jnp.square(outputs - expected), axis=(1, 2))
        power = jnp.mean(jnp.square(expected), axis=(1, 2))
        tiny = jnp.asarray(jnp.finfo(power.dtype).tiny, power.dtype)
        height = jnp.sum(outputs * bumps, axis=1) / jnp.sum(jnp.square(bumps), axis=1)
        times = self._times()
        after = jnp.where(times[:, None] >= 0, outputs, -jnp.inf)
        peak = times[jnp.argmax(after, axis=1)] - latency
        peak = jnp.where(jnp.max(after, axis=1) >= SEEN, peak, jnp.nan)
        return {
            "correct": jnp.clip(1 - square / jnp.maximum(power, tiny), 0, 1),
            "error": jnp.sqrt(square),
            "amplitude_a": height[:, 0],
            "amplitude_b": height[:, 1],
            "timing_a": peak[:, 0],
            "timing_b": peak[:, 1],
        }

    def condition_table(self) -> dict[str, Array]:
        """The probabilities of event A."""
        return {"probability": self.probability}

    def limits(self) -> dict[str, tuple[float, float]]:
        """Probabilities, latencies at which an event fits into the trial, and codes."""
        last = self.n_steps * self.dt + self.t0 - EVENT
        return {
            "probability": (0.0, 1.0),
            "latency_a": (0.0, last),
            "latency_b": (0.0, last),
            "event": (0, 1),
            "shown": (0, 1),
        }

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of the events."""
        return {"event": {0: "A", 1: "B"}, "shown": {0: "cue only", 1: "cue and event"}}

    def units(self) -> dict[str, str]:
        """Latencies and their errors are times."""
        return dict.fromkeys(("latency_a", "latency_b", "timing_a", "timing_b"), "ms")

    def _times(self) -> Float[Array, " time"]:
        """Times of the samples, at the end of each step [ms from cue onset]."""
        steps = jnp.arange(1, self.n_steps + 1, dtype=jnp.int32).astype(self.width.dtype)
        return self.t0 + steps * self.dt
