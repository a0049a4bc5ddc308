"""A task from its parts, without a class of its own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
from jaxtyping import Array, Float

from neurodyn.common.checks import number
from neurodyn.tasks.parts import checks
from neurodyn.tasks.parts.assembly import Parts
from neurodyn.tasks.parts.base import AbstractEpochTask
from neurodyn.tasks.parts.conditions import Design, crossed
from neurodyn.tasks.parts.outputs import LINKS, Classes, Outputs
from neurodyn.tasks.parts.terms import AbstractTerm
from neurodyn.tasks.timeline import Duration, Timeline

__all__ = ["EpochTask"]


class EpochTask(AbstractEpochTask):
    """A task of epochs, written by saying what each channel shows when.

    Parameters
    ----------
    dt
        Step [ms].
    epochs
        Duration of each epoch in order [ms]: a number; ``(low, high)``, a list of choices or a law
        of :mod:`neurodyn.tasks.laws` to draw it for every trial; or the name of a condition that
        says how long it lasts.
    conditions
        Levels of each condition, which are crossed; names as levels become codes. Under several
        names, ``("f1", "f2")``, rows of levels, which stay together. Or what is drawn for each
        trial: :func:`~neurodyn.tasks.parts.uniform` numbers, :func:`~neurodyn.tasks.parts.code`
        numbers, ``function(conditions, key)``.
    inputs
        What each group of input channels shows: a term of :mod:`neurodyn.tasks.parts`.
    outputs
        What each group of outputs shall be; or :func:`~neurodyn.tasks.parts.choices` or
        :func:`~neurodyn.tasks.parts.classes`.
    score
        How outputs are scored, such as :func:`~neurodyn.tasks.parts.direction`: a function of
        the task, outputs and trials that returns at least ``correct``.
    align
        Epoch at whose start time is 0. Default: the first, so that time 0 is the trial's start.
    align_event
        Name of that event. Default: "trial start", or the epoch's "onset".
    derived
        ``function(conditions, key)`` returns further conditions by name, when durations are known.
        Those that begin with ``_`` are for terms only, and may be arrays.
    noise
        Noise of the inputs, as the standard deviation that it causes in a unit of time constant
        ``noise_tau`` (:mod:`neurodyn.tasks.base`): of all, or of some groups. Default: none.
    noise_tau
        Time constant that ``noise`` refers to [ms].
    weights
        Weight of a step of each epoch in the loss. Default: 1.
    output_weights
        Factor of each group of outputs in the loss. Default: 1.
    grace
        Time at the start of epochs that is not scored [ms].
    link
        What outputs that are no classes go through before they are compared with targets:
        ``"linear"`` or ``"sigmoid"``.
    labels
        Names of further codes: ``{"match": ("nonmatch", "match")}``.
    units
        Units of conditions besides those that are known.
    reference
        BibTeX keys of papers.
    nearest
        Whether durations are taken to the nearest step. Default: they must be whole steps.

    Raises
    ------
    ValueError
        On durations that are no whole number of steps, and names of epochs, conditions or channels
        that there are not; the message says what there is.

    Notes
    -----
    Functions must be pure JAX. A task with functions of your own cannot be saved, because files
    hold no code; and functions that are made anew with each task, such as lambdas, are compiled
    anew. Derive a class from :class:`~neurodyn.tasks.parts.AbstractEpochTask` then.

    Examples
    --------
    >>> from neurodyn.tasks.parts import direction, directions, during, ring
    >>> hold = ("fixation", "stimulus", "delay")
    >>> task = EpochTask(
    ...     20.0,
    ...     epochs={"fixation": 300, "stimulus": 400, "delay": (200, 1600), "response": 500},
    ...     align="stimulus",
    ...     conditions={"theta": directions(8)},
    ...     inputs={"fixation": during(*hold), "ring": during("stimulus", value=ring("theta"))},
    ...     outputs={"ring": during("response", value=ring("theta"))},
    ...     score=direction("ring", "theta"),
    ... )
    >>> task.n_inputs, task.n_outputs, task.n_steps
    (33, 32, 140)
    """

    conditions: dict[str, Array]
    scoring: Any
    noise_std: Any
    noise_tau: Float[Array, ""]
    weights: dict[str, Any]
    output_weights: dict[str, Any]
    drawn: tuple[tuple[str, Any], ...] = eqx.field(static=True)
    derived: Callable | None = eqx.field(static=True)
    inputs: tuple[tuple[str, AbstractTerm], ...] = eqx.field(static=True)
    outputs: Any = eqx.field(static=True)
    timeline: Timeline = eqx.field(static=True)
    grace: tuple[tuple[str, int], ...] = eqx.field(static=True)
    link: str = eqx.field(static=True)
    codes: Any = eqx.field(static=True)
    other_units: tuple[tuple[str, str], ...] = eqx.field(static=True)
    align_event: str = eqx.field(static=True)
    reference: tuple[str, ...] = eqx.field(static=True)

    def __init__(
        self,
        dt: float | int = 20.0,
        *,
        epochs: Mapping[str, Duration | str],
        inputs: Mapping[str, AbstractTerm],
        outputs: Outputs,
        score: Callable[..., dict[str, Array]],
        conditions: Design | None = None,
        align: str | None = None,
        align_event: str | None = None,
        derived: Callable | None = None,
        noise: Any = None,
        noise_tau: Any = 100.0,
        weights: Mapping[str, Any] | None = None,
        output_weights: Mapping[str, Any] | None = None,
        grace: Mapping[str, float] | None = None,
        link: str = "linear",
        labels: Mapping[str, Sequence[str]] | None = None,
        units: Mapping[str, str] | None = None,
        reference: tuple[str, ...] = (),
        nearest: bool = False,
    ):
        checks.by_name("epochs", epochs)
        checks.terms("inputs", inputs)
        if not isinstance(outputs, Classes):
            checks.terms("outputs", outputs)
        design = checks.whole_durations(dt, conditions or {}, epochs, nearest)
        self.conditions, drawn, codes = crossed(design)
        self.drawn = tuple(drawn.items())
        self.timeline = checks.timeline(dt, epochs, align, self.conditions | drawn, nearest)
        self.inputs = tuple(inputs.items())
        self.outputs = outputs if isinstance(outputs, Classes) else tuple(outputs.items())
        self.scoring, self.derived = score, derived
        self.noise_std = checks.noise(noise, inputs)
        self.noise_tau = number("noise_tau", noise_tau, above=0)
        self.weights = checks.weights("weights", weights, self.timeline.names)
        groups = () if isinstance(outputs, Classes) else tuple(outputs)
        self.output_weights = checks.weights("output_weights", output_weights, groups)
        self.grace = checks.grace(grace or {}, self.timeline, nearest)
        checks.one_of("link", link, LINKS)
        self.link = link
        codes |= {name: dict(enumerate(given)) for name, given in (labels or {}).items()}
        self.codes = tuple((name, tuple(each.items())) for name, each in codes.items())
        self.other_units = tuple((units or {}).items())
        first = self.timeline.align == self.timeline.names[0]
        default = "trial start" if first else f"{self.timeline.align} onset"
        self.align_event = align_event or default
        self.reference = tuple(reference)
        checks.trial(self, nearest)

    def parts(self) -> Parts:
        """What was given."""
        outputs = self.outputs if isinstance(self.outputs, Classes) else dict(self.outputs)
        return Parts(
            inputs=dict(self.inputs),
            outputs=outputs,
            score=self.scoring,
            drawn=dict(self.drawn),
            derived=self.derived,
            noise=self.noise_std,
            noise_tau=self.noise_tau,
            weights=self.weights,
            output_weights=self.output_weights,
            grace=dict(self.grace),
            link=self.link,
        )

    def condition_table(self) -> dict[str, Array]:
        """The design."""
        return self.conditions

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of codes."""
        return super().labels() | {name: dict(each) for name, each in self.codes}

    def units(self) -> dict[str, str]:
        """Units of conditions and scores."""
        return super().units() | dict(self.other_units)
