"""A task as an environment of gymnasium. Only :func:`neurodyn.tasks.to_gym` imports this module."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces

from neurodyn.common.random import as_key
from neurodyn.task import AbstractTask, Trial

#: Trials that are drawn at once.
_AHEAD = 64


class TaskEnvironment(gymnasium.Env):
    """See :func:`neurodyn.tasks.to_gym`.

    Attributes
    ----------
    task
        The task.
    dt
        Step [ms].
    trial
        Conditions of the present trial; codes by their names.
    ob, gt, mask
        Observations, actions that are right, and their weights in each step of the present trial.
    start_ind, end_ind
        First step of each epoch of the present trial, and the step after its last one.
    number
        How many trials came before the present one, since the key was set.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012  gymnasium's own form

    def __init__(self, task: AbstractTask, key: Any, trials_per_episode: int | None):
        self.task, self.dt = task, float(task.dt)
        self.trials_per_episode = trials_per_episode
        drawn = eqx.filter_eval_shape(_draw, task, jax.random.key(0), np.uint32(0), {})
        self._heads = drawn.targets.shape[-1]
        self._classes = jnp.issubdtype(drawn.targets.dtype, jnp.integer)
        self._holds = task.output_names[0] == "fixation"
        shown = spaces.Box(-np.inf, np.inf, (task.n_inputs,), np.float32)
        self.observation_space = _named(shown, task.input_names)
        self.action_space = self._actions()
        self._key = as_key(key, needed_for="to_gym")
        self._ahead: list[Any] = []
        self._taken = 0
        self.number, self._step, self._episode = -1, 0, 0
        self.start_ind: dict[str, int] = {}
        self.end_ind: dict[str, int] = {}

    def _actions(self) -> spaces.Space:
        if not self._classes:
            box = spaces.Box(-np.inf, np.inf, (self.task.n_outputs,), np.float32)
            return _named(box, self.task.output_names)
        each = self.task.n_outputs // self._heads
        if self._heads > 1:
            return spaces.MultiDiscrete([each] * self._heads)
        return _named(spaces.Discrete(each), self.task.output_names)

    # --- what gymnasium asks for -------------------------------------------------------------

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start an episode with the next trial; a seed sets the key, and trial 0 comes next.

        ``options={"conditions": {...}}`` are conditions of that trial.
        """
        super().reset(seed=seed)
        if seed is not None:
            self._key = as_key(int(seed) % 2**32)
            self._ahead, self._taken, self.number = [], 0, -1
        self._episode = 0
        self.new_trial(**(options or {}).get("conditions", {}))
        return self.ob[0], self._about()

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Answer the present observation; the reward and ``info`` are those of this answer."""
        if self.number < 0:
            raise RuntimeError("This environment has no trial yet: call reset() first.")
        taken = self._checked(action)
        k = self._step
        self._answers[k] = taken
        info = self._about() | {
            "gt": self.gt[k].copy() if np.ndim(self.gt[k]) else self.gt[k],
            "mask": self.mask[k],
            "epoch": self._epochs[k],
            "new_trial": False,
        }
        reward = self._reward(k, taken)
        self._step += 1
        if self._step < len(self.ob):
            return self.ob[self._step], reward, False, False, info
        correct = self._score()
        info |= {"new_trial": True, "performance": correct}
        self._episode += 1
        over = self._episode == self.trials_per_episode
        reward = reward if self._classes else correct
        self.new_trial()
        return self.ob[0], reward, False, over, info

    # --- what from_gym asks for, as of neurogym's environments -------------------------------

    def new_trial(self, **conditions: Any) -> dict[str, Any]:
        """Go on to the next trial, with these conditions; returns all of its conditions."""
        trial = self._next(conditions)
        last = len(trial.inputs)
        if trial.n_valid is not None:
            last = int(trial.n_valid)
        if trial.length is not None:
            last = min(last, int(trial.length))
        self._trial = trial
        self.number += 1
        self._step = 0
        self.ob = np.ascontiguousarray(trial.inputs[:last], np.float32)
        self.gt, self.mask = self._wanted(trial, last)
        self._answers = np.zeros((last, *self.gt.shape[1:]), self.gt.dtype)
        steps = {n: np.rint(np.asarray(t) / self.dt).astype(int) for n, t in trial.epochs.items()}
        self.start_ind = {name: int(min(a, last)) for name, (a, _) in steps.items()}
        self.end_ind = {name: int(min(b, last)) for name, (_, b) in steps.items()}
        self._epochs = [""] * last
        for name in steps:
            for k in range(self.start_ind[name], self.end_ind[name]):
                self._epochs[k] = self._epochs[k] or name
        codes = self.task.labels()
        self.trial = {
            name: codes[name][int(x)] if int(x) in codes.get(name, ()) else x.item()
            for name, x in trial.conditions.items()
        }
        return self.trial

    # --- inside ------------------------------------------------------------------------------

    def _next(self, conditions: Mapping[str, Any]) -> Trial:
        """Trial i of the key, for i = 0, 1, ...; without conditions, many are drawn at once."""
        number, self._taken = self._taken, self._taken + 1
        if conditions:
            given = {name: self._code(name, x) for name, x in conditions.items()}
            one = _draw(self.task, self._key, np.uint32(number), given)
            self._ahead = []
            return jax.tree.map(lambda a: np.asarray(a)[0], one)
        if not self._ahead:
            several = _ahead(self.task, self._key, np.uint32(number))
            several = jax.tree.map(np.asarray, several)
            self._ahead = [jax.tree.map(lambda a, i=i: a[i], several) for i in range(_AHEAD)][::-1]
        return self._ahead.pop()

    def _code(self, name: str, value: Any) -> Any:
        """A condition as the task takes it, where it is given by its name."""
        codes = self.task.labels().get(name, {})
        named = {label: code for code, label in codes.items()}
        if isinstance(value, str) and value not in named:
            known = ", ".join(named) or "numbers"
            raise ValueError(f"Condition {name!r} takes {known}, got {value!r}.")
        return jnp.asarray(named[value] if isinstance(value, str) else value)

    def _wanted(self, trial: Trial, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Targets and weights of each step; where only the last one is scored, the others are 0."""
        targets, mask = np.asarray(trial.targets), np.asarray(trial.mask)
        if self.task.scored == "last":
            before = np.zeros((last - 1, targets.shape[1]), targets.dtype)
            targets = np.concatenate([before, targets])
            mask = np.concatenate([before.astype(mask.dtype), mask])
        targets, mask = targets[:last], mask[:last]
        if not self._classes:
            return targets.astype(np.float32), mask
        one = self._heads == 1
        return (targets[:, 0], mask[:, 0]) if one else (targets, mask)

    def _checked(self, action: Any) -> np.ndarray:
        taken = np.asarray(action)
        taken = taken.astype(self.action_space.dtype) if taken.dtype.kind in "iuf" else taken
        if not self.action_space.contains(taken if taken.ndim else taken[()]):
            raise ValueError(f"An action must be in {self.action_space}, got {action!r}.")
        return taken

    def _reward(self, k: int, taken: np.ndarray) -> float:
        if not self._classes:
            return 0.0
        scored, wanted = self.mask[k] > 0, self.gt[k]
        if not np.any(scored):
            return 0.0
        if self._holds and self._heads == 1 and wanted == 0:
            return 0.0 if taken == 0 else -0.1
        return float(np.mean((taken == wanted)[scored]) if self._heads > 1 else taken == wanted)

    def _score(self) -> float:
        """The published score of the answers."""
        size = len(self._trial.inputs)
        answers = self._answers.reshape(len(self._answers), -1)
        if self._classes:
            each = self.task.n_outputs // self._heads
            answers = np.eye(each, dtype=np.float32)[answers].reshape(len(answers), -1)
        if self.task.scored == "last":
            outputs = answers[-1:]
        else:
            outputs = np.zeros((size, answers.shape[1]), np.float32)
            outputs[: len(answers)] = answers
        trials = jax.tree.map(lambda a: np.asarray(a)[None], self._trial)
        length = trials.length
        if length is not None:
            trials = eqx.tree_at(lambda t: t.length, trials, length[0])
        dtype = self._trial.mask.dtype
        given: Any = outputs[None].astype(dtype)
        try:
            return float(_correct(self.task, given, trials))
        except (jax.errors.JAXTypeError, jax.errors.JAXIndexError):  # it scores on the host
            return float(self.task.score(given, trials)["correct"][0])

    def _about(self) -> dict[str, Any]:
        return {"trial": self.number, "conditions": dict(self.trial)}


def _named(space: Any, names: tuple[str, ...]) -> Any:
    """The space with the names of its channels, as neurogym's spaces have them."""
    space.name = {name: i for i, name in enumerate(names)}
    return space


@eqx.filter_jit
def _draw(task: AbstractTask, key: Any, number: Any, given: Mapping[str, Any]) -> Trial:
    def one(i: Any) -> Trial:
        return task.sample(jax.random.fold_in(key, i), **given)

    return jax.vmap(one)(number + jnp.arange(1, dtype=jnp.uint32))


@eqx.filter_jit
def _ahead(task: AbstractTask, key: Any, number: Any) -> Trial:
    def one(i: Any) -> Trial:
        return task.sample(jax.random.fold_in(key, i))

    return jax.vmap(one)(number + jnp.arange(_AHEAD, dtype=jnp.uint32))


@eqx.filter_jit
def _correct(task: AbstractTask, outputs: Any, trials: Trial) -> Any:
    return task.score(outputs, trials)["correct"][0]
