"""Mixtures: different tasks for one network."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from neurodyn.common.random import as_key
from neurodyn.task import AbstractTask, Trial
from neurodyn.tasks.base import check_columns, check_names
from neurodyn.tasks.mixtures import naming
from neurodyn.tasks.mixtures.drawing import draw, draw_one, in_equal_parts
from neurodyn.tasks.mixtures.layout import Layout, layout, refuse_strangers
from neurodyn.tasks.mixtures.merging import narrowed, outputs_of, own_of_each
from neurodyn.tasks.mixtures.weights import frequencies

_PER = ("batch", "trial")
_CHANNELS = ("shared", "private")


class Mixture(AbstractTask):
    """Several tasks for one network, which is told by an input which one a trial belongs to.

    Any tasks with the same step and the same kind of targets (classes, or numbers) can be mixed,
    those of a user and :class:`Yang2019` among them; a mixture can be part of another one. Each
    trial has the inputs, targets, loss and scores of its own task; outputs that this task does not
    have weigh nothing. Channels of the mixture are those of its tasks and one ``task_NAME`` for
    each, which is 1 throughout the trials of that task and 0 in those of others.

    Trials have the conditions, epochs and scores of all tasks, and the condition ``task`` (a code,
    see :meth:`code`). What the task of a trial does not have is 0 (numbers), -1 ("none", codes) or
    (0, 0) (epochs); its scores are NaN. Conditions and scores that have another unit or type in
    another task are called ``TASK_NAME``. Time 0 is the start of the trial, unless all tasks have
    the same event there.

    Conditions that can be given are ``task`` and those of the tasks; each task takes those that it
    has. ``weights`` is an array: a curriculum or ``equinox.tree_at`` changes it without compiling
    anything again.

    Parameters
    ----------
    tasks
        The tasks by name.
    weights
        Relative frequency of each task. Default: all are equally frequent.
    per
        Whether ``task`` is drawn once for a ``"batch"`` or for each ``"trial"``. Per batch, only
        the program of that task runs, and the network runs for as long as its trials last. Per
        trial, the trials of all tasks are drawn and one of each kept, which takes as long as all
        tasks together; so it is with a batch whose trials are given a task each, and with the
        validation set.
    inputs, outputs
        ``"shared"``: channels of the same name are one channel, such as the fixation cue.
        ``"private"``: each task has its own channels, ``TASK_CHANNEL``.

    Raises
    ------
    ValueError
        If there are fewer than two tasks, a name is no identifier, two tasks differ in their step
        or kind of targets, a task cannot be mixed (the message says why), or weights are not one
        number for each task.

    References
    ----------
    Yang, Joglekar, Song, Newsome & Wang, "Task representations in neural networks trained to
    perform many cognitive tasks", Nat. Neurosci. 2019 (one task in a batch, told by its input).

    Examples
    --------
    >>> from neurodyn import tasks
    >>> decide, match = tasks.PerceptualDecision(), tasks.DelayMatchToSample()
    >>> task = tasks.Mixture({"decide": decide, "match": match})
    >>> task.input_names[0], task.input_names[-2:]
    ('fixation', ('task_decide', 'task_match'))
    >>> trials = task.batch(0, 64, task=task.code("match"))
    >>> trials.inputs.shape == (64, task.n_steps, task.n_inputs)
    True
    """

    tasks: tuple[AbstractTask, ...]
    weights: Float[Array, " task"]
    names: tuple[str, ...] = eqx.field(static=True)
    per: str = eqx.field(static=True)
    inputs: str = eqx.field(static=True)
    outputs: str = eqx.field(static=True)

    scored: ClassVar[Literal["every", "last"]] = "every"
    reference: ClassVar[tuple[str, ...]] = ("yang2019",)

    def __init__(
        self,
        tasks: Mapping[str, AbstractTask],
        *,
        weights: Any = None,
        per: Literal["batch", "trial"] = "batch",
        inputs: Literal["shared", "private"] = "shared",
        outputs: Literal["shared", "private"] = "shared",
    ):
        for name, value, known in (
            ("per", per, _PER),
            ("inputs", inputs, _CHANNELS),
            ("outputs", outputs, _CHANNELS),
        ):
            if value not in known:
                raise ValueError(f"`{name}` must be one of {', '.join(known)}, got {value!r}.")
        naming.check_tasks(tasks)
        refuse_strangers(tasks)
        self.names, self.tasks = tuple(tasks), tuple(tasks.values())
        self.weights = frequencies(weights, len(tasks), "task")
        self.per, self.inputs, self.outputs = per, inputs, outputs
        naming.check_channels(self._layout.inputs, self.names)

    @property
    def _layout(self) -> Layout:
        return layout(self.tasks, self.names, self.inputs, self.outputs)

    @property
    def dt(self) -> float:
        """Step [ms], that of all tasks."""
        return self.tasks[0].dt

    @property
    def n_steps(self) -> int:
        """Steps of the longest task."""
        return max(task.n_steps for task in self.tasks)

    @property
    def t0(self) -> float:
        """Start of the trial, if all tasks have the same, else 0 [ms]."""
        return naming.clock(self.tasks)[0]

    @property
    def align_event(self) -> str:
        """The event at time 0."""
        return naming.clock(self.tasks)[1]

    @property
    def input_names(self) -> tuple[str, ...]:
        """Channels of the tasks, and one for each task."""
        return (*self._layout.inputs, *(f"task_{name}" for name in self.names))

    @property
    def output_names(self) -> tuple[str, ...]:
        """Outputs of the tasks."""
        return self._layout.outputs

    @property
    def n_inputs(self) -> int:
        """Number of input channels."""
        return len(self.input_names)

    @property
    def n_outputs(self) -> int:
        """Number of outputs."""
        return len(self.output_names)

    @property
    def evidence(self) -> Mapping[str, Mapping[str, str]] | str:
        """The signed condition that a choice follows in each task that names one."""
        return naming.evidence(self.tasks, self.names, self._layout)

    def code(self, name: str) -> int:
        """The code of a task, for ``batch(key, n, task=...)``."""
        if name not in self.names:
            raise ValueError(f"{name!r} is none of the tasks {', '.join(self.names)}.")
        return self.names.index(name)

    def sample(self, key: PRNGKeyArray, **conditions: Any) -> Trial:
        """One trial; can be given: ``task``, and conditions of the tasks."""
        check_names(conditions, self.condition_table(), self.limits(), self.given())
        return draw_one(self, as_key(key), conditions)

    def batch(self, key: Any, n: int, **conditions: Any) -> Trial:
        """Draw ``n`` trials, see :meth:`~neurodyn.task.AbstractTask.batch`.

        A batch is of one task with ``per="batch"``, unless ``task`` is given for each trial; its
        ``length`` is then that of its trials.
        """
        table = self.condition_table() | self.given()
        codes = naming.labels(self.tasks, self.names, self._layout, absent=False)
        columns = check_columns(conditions, n, table, codes, self.limits())
        # One value for all stays one value, because a task may draw what a batch shares by it.
        columns = {k: v if np.ndim(conditions[k]) else v[0] for k, v in columns.items()}
        alone = self.per == "batch" and np.ndim(conditions.get("task", 0)) == 0
        key = as_key(key, needed_for="A batch of trials")
        return draw(self, key, int(n), columns, alone).of(self)

    def validation(self) -> Trial:
        """As many trials of each task, out of its own validation set: those of the smallest."""
        return in_equal_parts(self, [task.validation() for task in self.tasks]).of(self)

    def loss(
        self, outputs: Float[Array, "trial time output"], trials: Trial
    ) -> Float[Array, " trial"]:
        """The loss of each trial in its own task."""
        found, which = self._layout, trials.conditions["task"]

        def own(k: int, mine: Any) -> Float[Array, " trial"]:
            shown = outputs_of(found, k, outputs, mine)
            return self.tasks[k].loss(shown, narrowed(found, k, trials, mine))

        if trials.length is not None:  # a batch of one task
            return jax.lax.switch(
                which[0], [lambda k=k: own(k, None) for k in range(len(self.names))]
            )
        return own_of_each(
            [own(k, which == k) for k in range(len(self.names))], which, 0, outputs.dtype
        )

    def score(self, outputs: Float[Array, "trial time output"], trials: Trial) -> dict[str, Array]:
        """Scores of each trial in its own task.

        Returns
        -------
        dict
            All scores of the tasks; NaN, or -1 for codes, where the task of a trial has none.
        """
        which = trials.conditions["task"]
        named: dict[str, list[Any]] = {}
        for k in range(len(self.names)):
            for name, value in self._own_scores(outputs, trials, k).items():
                named.setdefault(name, [None] * len(self.names))[k] = value
        results = {}
        for name, values in named.items():
            dtype = jnp.result_type(*(v.dtype for v in values if v is not None))
            codes = jnp.issubdtype(dtype, jnp.integer)
            results[name] = own_of_each(values, which, -1 if codes else jnp.nan, dtype)
        return results

    def _own_scores(self, outputs: Array, trials: Trial, k: int) -> dict[str, Array]:
        found, mine = self._layout, trials.conditions["task"] == k
        shown = outputs_of(found, k, outputs, mine)
        own = self.tasks[k].score(shown, narrowed(found, k, trials, mine))
        return {found.parts[k].scores[name]: value for name, value in own.items()}

    def summary(self, scores: dict[str, Array], trials: Trial) -> dict[str, Float[Array, ""]]:
        """Means over trials, ``correct_NAME`` for each task, and ``correct_min``, of the worst.

        A task that summarises its scores by itself adds its own numbers; where it names the worst
        of its conditions by ``correct_min``, that counts instead of its mean.
        """
        return naming.summary(self, scores, trials)

    def condition_table(self) -> dict[str, Int[Array, " task"]]:
        """The tasks."""
        return {"task": jnp.arange(len(self.names), dtype=jnp.int32)}

    def given(self) -> dict[str, np.ndarray]:
        """Conditions of the tasks that can be given, with values of their types."""
        found = self._layout
        names = [part.conditions.get(name, name) for part in found.parts for name in part.given]
        return {name: np.zeros(1, found.conditions.get(name, found.dtype)) for name in names}

    def limits(self) -> dict[str, tuple[float, float]]:
        """Bounds of the numbers that can be given: the widest of the tasks."""
        return naming.limits(self.tasks, self._layout)

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of the tasks and of their codes."""
        return naming.labels(self.tasks, self.names, self._layout, absent=True)

    def units(self) -> dict[str, str]:
        """Units of the conditions and scores of the tasks."""
        return naming.units(self.tasks, self._layout)

    def coordinates(self, trials: Trial) -> dict[str, tuple]:
        """Labels of trials that the tasks know better than their conditions."""
        return naming.coordinates(self.tasks, self._layout, trials)
