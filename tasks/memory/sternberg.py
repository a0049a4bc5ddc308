"""Sternberg's task: tell whether the probe was in the list."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.checks import number, whole
from neurodyn.tasks.base import check_noise, factorial
from neurodyn.tasks.choice.choice import grace_steps
from neurodyn.tasks.laws import FromCondition
from neurodyn.tasks.memory.arguments import used_ns
from neurodyn.tasks.memory.recall import different
from neurodyn.tasks.parts.assembly import Parts
from neurodyn.tasks.parts.base import AbstractEpochTask
from neurodyn.tasks.parts.outputs import choices
from neurodyn.tasks.parts.scores import choice
from neurodyn.tasks.parts.terms import during, signal
from neurodyn.tasks.parts.values import TrialConditions, one_hot
from neurodyn.tasks.timeline import Duration, Timeline, steps_of

DURATIONS: dict[str, Duration] = {"fixation": 300.0, "delay": 2000.0, "probe": 1000.0}
ITEM = 1200.0


class Sternberg(AbstractEpochTask):
    """Memory scanning (Sternberg 1966): a list of digits, a delay, and a probe.

    Inputs are ``fixation`` (1 until the probe), one channel for each symbol, and ``probe``, 1 while
    the probe is shown on the channels of the list. Outputs are logits of fixation, ``absent`` and
    ``present``. The symbols of a list differ; the probe is one of them in half of the trials. Time
    0 is the onset of the probe.

    Parameters
    ----------
    dt
        Step [ms].
    sizes
        Lengths of the list, all equally likely; default 1 to 6, as published.
    n_symbols
        Number of symbols, more than the longest list; default 10 digits.
    item
        Time of each symbol of the list [ms]; default: 1200, to the nearest step, as published.
    fixation, delay, probe
        Durations [ms]; ``delay`` and ``probe`` may be ``(low, high)`` to draw them for every trial.
        Defaults, to the nearest step: 300, 2000 as published, and 1000 ms, in which people answer.
    noise_std
        Input noise, as the standard deviation it causes in a unit of time constant ``noise_tau``
        (:mod:`neurodyn.tasks.base`); None: none is drawn.
    noise_tau
        Time constant that ``noise_std`` refers to [ms].
    grace
        Time after the onset of the probe that is not scored [ms]; default: 100 ms to the nearest
        step.
    response_weight
        Weight of a step of the probe in the loss (the others: 1).

    Raises
    ------
    ValueError
        On lists that are empty or hold every symbol, negative noise, or durations that are not a
        whole number of steps.

    References
    ----------
    Sternberg, Science 1966.

    Examples
    --------
    >>> task = Sternberg(sizes=(2, 4))
    >>> task.output_names, task.n_steps
    (('fixation', 'absent', 'present'), 162)
    """

    noise_std: Float[Array, ""] | None
    noise_tau: Float[Array, ""]
    response_weight: Float[Array, ""]
    sizes: tuple[int, ...] = eqx.field(static=True)
    n_symbols: int = eqx.field(static=True)
    item: int = eqx.field(static=True, metadata={"unit": "steps"})
    grace: int = eqx.field(static=True, metadata={"unit": "steps"})
    timeline: Timeline = eqx.field(static=True)
    chance: ClassVar[float] = 0.5
    align_event: ClassVar[str] = "probe onset"
    reference: ClassVar[tuple[str, ...]] = ("sternberg1966",)

    def __init__(
        self,
        dt: float | int = 50.0,
        *,
        sizes: Any = (1, 2, 3, 4, 5, 6),
        n_symbols: Any = 10,
        item: float | int | None = None,
        fixation: float | int | None = None,
        delay: Duration | None = None,
        probe: Duration | None = None,
        noise_std: Any = 0.01,
        noise_tau: Any = 100.0,
        grace: float | int | None = None,
        response_weight: Any = 5.0,
    ):
        self.sizes = used_ns(sizes, 1, "sizes")
        self.n_symbols = whole("n_symbols", n_symbols, max(self.sizes) + 1)
        self.item = steps_of("item", item, ITEM, dt)
        ends = (min(self.sizes) * self.item * dt, max(self.sizes) * self.item * dt)
        laws = {**DURATIONS, "list": FromCondition("_list", *ends)}
        epochs = {"fixation": fixation, "list": None, "delay": delay, "probe": probe}
        self.timeline = Timeline.build(dt, "probe", epochs, laws)
        self.noise_std, self.noise_tau = check_noise(noise_std, noise_tau)
        self.response_weight = number("response_weight", response_weight, low=0)
        self.grace = grace_steps(grace, dt, self.timeline.shortest[-1], "probe")

    def parts(self) -> Parts:
        """List, delay and probe."""
        names = tuple(str(i) for i in range(self.n_symbols))
        return Parts(
            inputs={
                "fixation": during("fixation", "list", "delay"),
                "symbol": signal(self._listed, names)
                + during("probe", value=one_hot("shown", names)),
                "probe": during("probe"),
            },
            outputs=choices("absent", "present", when="probe", correct="present"),
            score=choice("probe", correct="present"),
            drawn={"_list": lambda c, key: c["size"].astype(self.noise_tau.dtype) * self._item_ms},
            derived=self._symbols,
            noise=self.noise_std,
            noise_tau=self.noise_tau,
            weights={"probe": self.response_weight},
            grace={"probe": self.grace},
        )

    @property
    def shortcuts(self) -> dict[str, float]:  # type: ignore[override]
        """Probes that are absent, and of the others those of the last symbol."""
        last = sum(1 / size for size in self.sizes) / len(self.sizes)
        return {"knows the last symbol alone": 0.5 + 0.5 * last}

    @property
    def _item_ms(self) -> float:
        return self.item * self.dt

    def _symbols(self, conditions: TrialConditions, key: PRNGKeyArray) -> dict[str, Array]:
        """The list, which is the beginning of a random order, and the probe."""
        k_order, k_probe = jax.random.split(key)
        dtype, size = self.noise_tau.dtype, conditions["size"]
        order, u = different(k_order, self.n_symbols, dtype), jax.random.uniform(k_probe, (), dtype)
        first = jnp.where(conditions["present"] == 1, 0, size)
        among = jnp.where(conditions["present"] == 1, size, self.n_symbols - size)
        place = first + jnp.minimum((u * among.astype(dtype)).astype(jnp.int32), among - 1)
        position = jnp.where(conditions["present"] == 1, place, -1)
        return {"shown": order[place], "position": position, "_order": order}

    def _listed(
        self, conditions: TrialConditions, key: PRNGKeyArray
    ) -> Float[Array, "time symbol"]:
        """Each symbol of the list in its time."""
        schedule = conditions.schedule
        step = jnp.arange(self.n_steps, dtype=jnp.int32) - schedule.start("list")
        place = jnp.clip(step // self.item, 0, self.n_symbols - 1)
        code = jnp.where(schedule.during("list"), conditions["_order"][place], -1)
        return jax.nn.one_hot(code, self.n_symbols, dtype=self.noise_tau.dtype)

    def condition_table(self) -> dict[str, Array]:
        """Lengths of the list x whether the probe is in it."""
        sizes = jnp.asarray(self.sizes, jnp.int32)
        return factorial(size=sizes, present=jnp.arange(2, dtype=jnp.int32))

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of answers, symbols and lengths."""
        symbols = {i: f"symbol_{i}" for i in range(self.n_symbols)}
        sizes = {size: f"{size} symbols" if size > 1 else "1 symbol" for size in self.sizes}
        answers = super().labels()
        present = {code: name for code, name in answers["present"].items() if code >= 0}
        return {"shown": symbols, "size": sizes, **answers, "present": present}

    def units(self) -> dict[str, str]:
        """Times are in ms."""
        return {**super().units(), "size": "count"}
