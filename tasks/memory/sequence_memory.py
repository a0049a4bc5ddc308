"""Sequence working memory: reproduce locations in the order in which they were shown, or back."""

import itertools
from functools import reduce
from operator import add
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neurodyn.common.checks import number, whole
from neurodyn.tasks.base import check_noise
from neurodyn.tasks.parts.assembly import Parts
from neurodyn.tasks.parts.base import AbstractEpochTask
from neurodyn.tasks.parts.conditions import repeat
from neurodyn.tasks.parts.outputs import Classes
from neurodyn.tasks.parts.scores import hits
from neurodyn.tasks.parts.terms import during
from neurodyn.tasks.parts.values import TrialConditions, one_hot
from neurodyn.tasks.timeline import Duration, Timeline

DURATIONS: dict[str, Duration] = {
    "fixation": 300.0,
    "item": 200.0,
    "gap": 300.0,
    "cue": 400.0,
    "delay": (1000.0, 1500.0),
    "response": 300.0,
}
ORDERS = ("forward", "backward")
#: Sequences in the table, at most.
LARGEST = 10_000


class SequenceMemory(AbstractEpochTask):
    """Delayed reproduction of a sequence of locations (Xie et al. 2022).

    Locations on a circle are shown one after the other, none of them twice, and after a delay they
    are named in the same order, each in its own part of the response; or in reverse, if a cue after
    the list says so (Tian et al. 2024). Inputs are ``fixation`` (1 until the response), one channel
    for each location, and one for each order if both may be asked for. Outputs are logits of
    fixation and of the locations. Time 0 is the onset of the first location.

    With a cue for the order, who ignores it and always goes forward is right in two thirds of the
    parts of a response to three locations: in half of the trials, and in the middle of the others.

    Parameters
    ----------
    dt
        Step [ms].
    n_locations
        Number of locations, which are evenly spaced; default 6.
    length
        Length of a sequence; default 3, as of Xie et al. All sequences are equally likely.
    order
        ``"forward"`` or ``"backward"``, the same in every trial, or ``"cued"``.
    fixation, item, gap, delay, response
        Durations [ms]: before the sequence, of each location, after each location, until the
        response, and of each part of the response. ``delay`` may be ``(low, high)`` to draw it for
        every trial. Defaults, to the nearest step: 300, 200, 300, 1000 to 1500 and 300 ms, round
        numbers of ours.
    cue
        Duration of the cue before the delay [ms]; default, with ``order="cued"``: 400, to the
        nearest step.
    noise_std
        Input noise, as the standard deviation it causes in a unit of time constant ``noise_tau``
        (:mod:`neurodyn.tasks.base`); None: none is drawn.
    noise_tau
        Time constant that ``noise_std`` refers to [ms].
    response_weight
        Weight of a step of the response in the loss (the others: 1).

    Raises
    ------
    ValueError
        On sequences longer than there are locations or too many of them, an unknown order, a cue
        without need of one, negative noise, or durations that are not a whole number of steps.

    References
    ----------
    Xie et al., Science 2022; Tian et al., 2024 (order by cue).

    Examples
    --------
    >>> task = SequenceMemory(order="cued")
    >>> len(task.condition_table()["item_0"]), task.output_names[:2]
    (240, ('fixation', '0 deg'))
    """

    noise_std: Float[Array, ""] | None
    noise_tau: Float[Array, ""]
    response_weight: Float[Array, ""]
    n_locations: int = eqx.field(static=True)
    length: int = eqx.field(static=True)
    order: str = eqx.field(static=True)
    timeline: Timeline = eqx.field(static=True)
    align_event: ClassVar[str] = "first location"
    reference: ClassVar[tuple[str, ...]] = ("xie2022", "tian2024")

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        n_locations: Any = 6,
        length: Any = 3,
        order: str = "forward",
        fixation: float | int | None = None,
        item: float | int | None = None,
        gap: float | int | None = None,
        cue: float | int | None = None,
        delay: Duration | None = None,
        response: float | int | None = None,
        noise_std: Any = 0.01,
        noise_tau: Any = 100.0,
        response_weight: Any = 5.0,
    ):
        self.n_locations = whole("n_locations", n_locations, 2)
        self.length = n = whole("length", length, 1, self.n_locations)
        if np.prod(np.arange(self.n_locations, self.n_locations - n, -1.0)) > LARGEST:
            raise ValueError(
                f"There are more than {LARGEST} sequences of {n} out of {self.n_locations} "
                "locations: take fewer, or shorter ones."
            )
        if order not in (*ORDERS, "cued"):
            raise ValueError(f"`order` must be 'forward', 'backward' or 'cued', got {order!r}.")
        if cue is not None and order != "cued":
            raise ValueError("`cue` goes with order='cued': else there is none.")
        self.order = order
        listed = repeat({"item": item, "gap": gap}, n)
        retro = {"cue": cue} if order == "cued" else {}
        responses = repeat({"response": response}, n)
        epochs = {"fixation": fixation, **listed, **retro, "delay": delay, **responses}
        usual = {name: DURATIONS[name.partition("_")[0]] for name in epochs}
        self.timeline = Timeline.build(dt, "item_0", epochs, usual)
        self.noise_std, self.noise_tau = check_noise(noise_std, noise_tau)
        self.response_weight = number("response_weight", response_weight, low=0)

    def parts(self) -> Parts:
        """Locations, the cue, and the locations that are due."""
        ranks = range(self.length)
        responses = tuple(f"response_{i}" for i in ranks)
        before = tuple(name for name in self.timeline.names if name not in responses)
        names = tuple(self.locations)
        items = (during(f"item_{i}", value=one_hot(f"item_{i}", names)) for i in ranks)
        inputs = {"fixation": during(*before), "location": reduce(add, items)}
        if self.order == "cued":
            inputs["order"] = during("cue", value=one_hot("order", ORDERS))
        due = (during(name, value=self._due(i)) for i, name in enumerate(responses))
        return Parts(
            inputs=inputs,
            outputs=Classes(("fixation", *names), reduce(add, due)),
            score=hits(*responses, last=True),
            noise=self.noise_std,
            noise_tau=self.noise_tau,
            weights=dict.fromkeys(responses, self.response_weight),
        )

    def _due(self, rank: int):
        """The class that is right in a part of the response."""
        back = self.length - 1 - rank

        def location(conditions: TrialConditions) -> Array:
            forward, backward = (conditions[f"item_{i}"] for i in (rank, back))
            if self.order == "cued":
                return jnp.where(conditions["order"] == 0, forward, backward) + 1
            return (forward if self.order == "forward" else backward) + 1

        return location

    @property
    def chance(self) -> float:  # type: ignore[override]
        """All locations are equally likely."""
        return 1 / self.n_locations

    @property
    def shortcuts(self) -> dict[str, float]:  # type: ignore[override]
        """Locations in a random order, the last with others, and one order in all trials."""
        one = 1 / self.length
        known = {
            "knows the locations, not their order": one,
            "knows the last location alone": one + (1 - one) / (self.n_locations - 1),
        }
        if self.order == "cued":
            # What is in the middle is in the same place either way.
            known["ignores the cue"] = 0.5 + 0.5 * one * (self.length % 2)
        return known

    @property
    def locations(self) -> list[str]:
        """Names of the locations."""
        return [f"{360 * i / self.n_locations:g} deg" for i in range(self.n_locations)]

    def condition_table(self) -> dict[str, Array]:
        """All sequences, and both orders if they are cued."""
        every = itertools.permutations(range(self.n_locations), self.length)
        rows = np.array(list(every), np.int32)
        if self.order != "cued":
            return {f"item_{i}": jnp.asarray(rows[:, i]) for i in range(self.length)}
        columns = {f"item_{i}": np.repeat(rows[:, i], 2) for i in range(self.length)}
        columns["order"] = np.tile(np.arange(2, dtype=np.int32), len(rows))
        return {name: jnp.asarray(column) for name, column in columns.items()}

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of locations and orders."""
        places = dict(enumerate(self.locations))
        orders = {"order": dict(enumerate(ORDERS))} if self.order == "cued" else {}
        return {**{f"item_{i}": places for i in range(self.length)}, **orders}
