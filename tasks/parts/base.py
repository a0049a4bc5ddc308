"""Tasks that are written from parts: what inputs and targets show when, and how it is scored.

Terms say what a group of channels shows during which epochs; they add up. ``parts`` of a task puts
them together, and everything else follows: trials, batches, validation, loss, score and labels.
:class:`~neurodyn.tasks.EpochTask` takes the parts as arguments. A class of its own, with arguments
of its own, derives from :class:`AbstractEpochTask` and composes the parts from its fields::

    class GoNoGo(AbstractEpochTask):
        noise_std: Float[Array, ""]
        noise_tau: Float[Array, ""]
        timeline: Timeline = eqx.field(static=True)
        ...

        def parts(self):
            hold = ("fixation", "stimulus", "delay")
            return Parts(
                inputs={
                    "fixation": during(*hold),
                    "cue": during("stimulus", value=one_hot("cue", 2)),
                },
                outputs=choices("go", when="decision", correct=lambda c: c["cue"] - 1),
                score=choice("decision", correct=lambda c: c["cue"] - 1),
                noise={"cue": self.noise_std},
                noise_tau=self.noise_tau,
                weights={"decision": 5.0},
            )

        def condition_table(self):
            return {"cue": jnp.arange(2, dtype=jnp.int32)}

The parts are made anew whenever they are needed, so they may hold functions and arrays of the task:
files hold the fields of the class only, and a field that changes compiles nothing.
"""

import abc
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from neurodyn.common.random import as_key
from neurodyn.task import Trial
from neurodyn.tasks.base import AbstractTrialTask, check_names
from neurodyn.tasks.laws import place
from neurodyn.tasks.parts.assembly import Code, Parts, Uniform, noise_of, weights_of
from neurodyn.tasks.parts.outputs import (
    Classes,
    channel_names,
    linked,
    loss,
    output_names,
    targets,
)
from neurodyn.tasks.parts.signals import signals
from neurodyn.tasks.parts.values import TrialConditions
from neurodyn.tasks.timeline import Schedule

__all__ = ["AbstractEpochTask"]


class AbstractEpochTask(AbstractTrialTask):
    """A task of parts. It needs the field ``timeline``, `parts`, and `condition_table`."""

    @abc.abstractmethod
    def parts(self) -> Parts:
        """What the task is made of; cheap, because it is asked for often."""

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the input channels."""
        return channel_names(self.parts().inputs)

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return output_names(self.parts().outputs)

    def sample(self, key: PRNGKeyArray, **conditions: Any) -> Trial:
        """One trial; columns of the table, uniform numbers and drawn durations can be given."""
        parts, dtype = self.parts(), self._dtype()
        k_values, k_derived, k_signals, k_noise = jax.random.split(as_key(key), 4)
        named, schedule = self._conditions(parts, k_values, k_derived, conditions, dtype)
        shown = signals(parts.inputs, named, jax.random.fold_in(k_signals, 0), dtype)
        wanted = targets(parts.outputs, named, jax.random.fold_in(k_signals, 1), dtype)
        return Trial(
            shown + noise_of(parts, k_noise, len(shown), self.dt, dtype),
            wanted,
            weights_of(parts, named, wanted.shape[1], dtype),
            {name: value for name, value in named.items() if not name.startswith("_")},
            schedule.intervals(dtype),
            n_valid=schedule.n_valid(),
        )

    def loss(
        self, outputs: Float[Array, "trial time output"], trials: Trial
    ) -> Float[Array, " trial"]:
        """Squared error, or cross-entropy of classes, averaged over steps by their weights."""
        parts = self.parts()
        return loss(outputs, trials, parts.outputs, parts.link)

    def score(self, outputs: Float[Array, "trial time output"], trials: Trial) -> dict[str, Array]:
        """What the part ``score`` says."""
        parts = self.parts()
        return parts.score(self, linked(outputs, parts.link), trials)

    def summary(self, scores: dict[str, Array], trials: Trial) -> dict[str, Float[Array, ""]]:
        """Means over trials, but of directions, which have none."""
        means = super().summary(scores, trials)
        circular = getattr(self.parts().score, "circular", ())
        return {name: mean for name, mean in means.items() if name not in circular}

    def columns(self, group: str) -> slice:
        """The channels of a group of outputs.

        Raises
        ------
        ValueError
            If there is no such group.
        """
        outputs = self.parts().outputs
        groups = {} if isinstance(outputs, Classes) else outputs
        if group not in groups:
            raise ValueError(f"There is no group of outputs {group!r}, only {', '.join(groups)}.")
        sizes = [len(term.names) for term in groups.values()]
        i = list(groups).index(group)
        return slice(sum(sizes[:i]), sum(sizes[: i + 1]))

    def limits(self) -> dict[str, tuple[float, float]]:
        """Ranges of the numbers and codes that are drawn uniformly."""
        drawn = self.parts().drawn.items()
        return {name: law.bounds for name, law in drawn if isinstance(law, (Uniform, Code))}

    def labels(self) -> dict[str, dict[int, str]]:
        """Names of the choices that the score names."""
        return getattr(self.parts().score, "labels", lambda task: {})(self)

    def units(self) -> dict[str, str]:
        """Durations are in ms, directions of rings in degrees."""
        parts = self.parts()
        groups = {} if isinstance(parts.outputs, Classes) else parts.outputs
        terms = (*parts.inputs.values(), *groups.values())
        degrees = dict.fromkeys((name for term in terms for name in term.degrees), "deg")
        scored = getattr(parts.score, "units", dict)()
        return degrees | scored | dict.fromkeys(self.timeline.varied, "ms")

    def _dtype(self) -> Any:
        """Type of the numbers of the task."""
        types = (leaf.dtype for leaf in jax.tree.leaves(self) if eqx.is_array(leaf))
        floats = (t for t in types if jnp.issubdtype(t, jnp.floating))
        return next(floats, jnp.result_type(float))

    def _conditions(
        self,
        parts: Parts,
        key: PRNGKeyArray,
        k_derived: PRNGKeyArray,
        given: Mapping[str, Any],
        dtype: Any,
    ) -> tuple[TrialConditions, Schedule]:
        """All conditions of a trial and its epochs, in the order in which they need each other."""
        table, timeline = self.condition_table(), self.timeline
        check_names(given, table, timeline.drawn, self.limits())
        # One draw of all uniform numbers, because each draw has to be compiled.
        u = jax.random.uniform(key, (1 + len(parts.drawn) + len(timeline.names),), dtype)
        n = len(next(iter(table.values()))) if table else 1
        row = place(u[0], n)
        found: dict[str, Array] = {
            name: jnp.asarray(given[name]).astype(column.dtype) if name in given else column[row]
            for name, column in table.items()
        }
        for i, (name, law) in enumerate(parts.drawn.items()):
            if not isinstance(law, (Uniform, Code)):
                value = law(TrialConditions(found), jax.random.fold_in(k_derived, i + 1))
            else:
                value = law.given(given[name], dtype) if name in given else law.at(u[1 + i])
            found |= _as_conditions({name: value}, dtype)
        durations = {name: given[name] for name in timeline.drawn if name in given}
        schedule = timeline.place(u[1 + len(parts.drawn) :], found | durations)
        found |= schedule.conditions(dtype)
        if parts.derived is not None:
            known = TrialConditions(found, schedule)
            derived = parts.derived(known, jax.random.fold_in(k_derived, 0))
            if not isinstance(derived, Mapping):
                raise ValueError(f"`derived` must return conditions by name, got {derived!r}.")
            for name in derived:
                if name in found:
                    raise ValueError(f"`derived` returns {name!r}, which is a condition already.")
            found |= _as_conditions(derived, dtype)
        return TrialConditions(found, schedule), schedule


def _as_conditions(values: Mapping[str, Any], dtype: Any) -> dict[str, Array]:
    """Numbers as floats of the task, codes and truth values as int32."""
    found = {}
    for name, value in values.items():
        value = jnp.asarray(value)
        kind = dtype if jnp.issubdtype(value.dtype, jnp.floating) else jnp.int32
        found[name] = value.astype(kind)
        if value.shape and not name.startswith("_"):
            raise ValueError(
                f"Condition {name!r} must be one number for each trial, got shape {value.shape}: "
                f"call it '_{name}' if only terms need it."
            )
    return found
