"""Cue-set-go: produce the interval that a cue stands for."""

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from neurodyn.tasks.parts.terms import AbstractTerm, during
from neurodyn.tasks.parts.values import TrialConditions, one_hot
from neurodyn.tasks.timeline import Duration, steps_of
from neurodyn.tasks.timing.production import AbstractProductionTask, intervals_in_steps

DURATIONS: dict[str, Duration] = {"fixation": 500.0, "cue": (1000.0, 3000.0)}
INTERVALS, SET = (800.0, 1500.0), 50.0


class CueSetGo(AbstractProductionTask):
    """Cue-set-go (Wang et al. 2018): a cue says how long to wait after ``set``.

    One channel for each interval is 1 from the onset of its cue to the end of the trial; ``set`` is
    a short pulse, at a time that cannot be foreseen. The output must reach 1 when the interval
    after the onset of ``set`` is over; its target is 0 until then and rises in proportion to time,
    a fifth beyond the threshold. Time 0 is the onset of ``set``.

    Parameters
    ----------
    dt
        Step [ms].
    interval
        Intervals [ms], each with a cue of its own. Default, to the nearest step: 800 and 1500 ms,
        as published. `chance` and `shortcuts` are those of two intervals that are as far apart.
    fixation, cue, pulse
        Time before the cue, from the cue to ``set``, and of the pulse [ms]; ``cue`` may be
        ``(low, high)`` to draw it for every trial. Defaults, to the nearest step: 500, 1000 to 3000
        and 50 ms, as in neurogym.
    tolerance
        Largest error of a correct interval, as a part of the right one. The paper adapted it to
        each animal; 0.15 is that of :class:`~neurodyn.tasks.ReadySetGo`.
    noise_std
        Input noise, as the standard deviation it causes in a unit of time constant ``noise_tau``
        (:mod:`neurodyn.tasks.base`); None: none is drawn.
    noise_tau
        Time constant that ``noise_std`` refers to [ms].

    Raises
    ------
    ValueError
        On durations that are not a whole number of steps, intervals that are equal or no longer
        than the pulse, negative noise or a tolerance that is not positive.

    References
    ----------
    Wang et al., Nat. Neurosci. 2018.

    Examples
    --------
    >>> task = CueSetGo(dt=20.0)
    >>> task.input_names
    ('cue_800', 'cue_1500', 'set')
    """

    names: tuple[str, ...] = eqx.field(static=True)
    pulse: int = eqx.field(static=True, metadata={"unit": "steps"})
    chance: ClassVar[float] = 0.5
    shortcuts: ClassVar[Mapping[str, float]] = {"always the shorter interval": 0.5}
    align_event: ClassVar[str] = "set onset"
    reference: ClassVar[tuple[str, ...]] = ("wang2018",)

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        interval: Any = None,
        fixation: float | int | None = None,
        cue: Duration | None = None,
        pulse: float | int | None = None,
        tolerance: Any = 0.15,
        noise_std: Any = 0.01,
        noise_tau: Any = 100.0,
    ):
        self.pulse = steps_of("pulse", pulse, SET, dt)
        steps = intervals_in_steps(dt, interval, INTERVALS, self.pulse)
        self.names = tuple(f"{ms:g}" for ms in steps * float(dt))
        if len(set(self.names)) < len(self.names):
            raise ValueError(
                f"`interval` has a cue for each, so all must differ, got {interval!r}."
            )
        epochs = {"fixation": fixation, "cue": cue}
        self._set_design(
            dt, epochs, DURATIONS, "production", steps, tolerance, noise_std, noise_tau
        )

    def cues(self) -> dict[str, AbstractTerm]:
        """The cue that stays on, and the pulse."""
        return {
            "cue": during("cue", "production", value=one_hot("cue", self.names)),
            "set": during("production", first=self.pulse * self.dt),
        }

    def wanted(self, conditions: TrialConditions) -> Float[Array, ""]:
        """The interval that the cue stands for [ms]."""
        return self.interval[conditions["cue"]]

    def condition_table(self) -> dict[str, Array]:
        """The cues."""
        return {"cue": jnp.arange(len(self.names), dtype=jnp.int32)}

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of the cues."""
        return {"cue": {code: f"{name} ms" for code, name in enumerate(self.names)}}
