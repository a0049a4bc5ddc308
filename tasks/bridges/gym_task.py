"""Tasks as environments of gymnasium."""

import importlib
from typing import Any

from neurodyn.common.checks import whole
from neurodyn.task import AbstractTask
from neurodyn.tasks.base import kind_of


def to_gym(task: AbstractTask, key: Any = 0, *, trials_per_episode: int | None = None) -> Any:
    """Turn a task into an environment of gymnasium, for agents that learn from rewards.

    A step of the environment is a step of the task: the observation is its input, and the action
    the output that answers it. For classes an action is the number of an output (several numbers,
    where the task has several heads), for numbers one value for each output, as a network would
    give it: before the sigmoid, where the task has one (:class:`~neurodyn.tasks.Yang2019`).

    The reward of a class is +1 in each scored step in which another action than fixation is due and
    taken, -0.1 in each scored step in which fixation is due and broken, and else 0; in tasks
    without fixation it is +1, or the share of the heads, in each scored step that is right. For
    numbers it is the published score `correct` in the last step of a trial, and else 0.

    Parameters
    ----------
    task
        Any task, also one of your own.
    key
        Seed or key. Trial i depends on it and on i only; 64 trials are drawn at a time.
    trials_per_episode
        Trials after which an episode is cut short (``truncated``); None: it goes on, as in
        neurogym. ``reset()`` goes on to the next trial, ``reset(seed=)`` to trial 0 of that seed.

    Returns
    -------
    gymnasium.Env
        After each step ``info`` has, for the step that was answered, the right action ``gt``, its
        weight ``mask`` (0: not scored) and the ``epoch``; of its trial the number ``trial`` and the
        ``conditions``; and ``new_trial``, True in the last step of a trial, together with
        ``performance``, the published score `correct` of all its answers. Where only the last step
        is scored, the others have the weight 0. ``reset(options={"conditions": {...}})`` sets
        conditions of the first trial. It is also an environment for
        :func:`~neurodyn.tasks.from_gym`.

    Raises
    ------
    ImportError
        If gymnasium is not installed.
    TypeError
        If `task` is no task.

    Examples
    --------
    >>> from neurodyn import tasks
    >>> env = tasks.to_gym(tasks.PerceptualDecision(), key=0)
    >>> observation, info = env.reset(seed=1)
    >>> observation, reward, terminated, truncated, info = env.step(0)
    >>> reward, int(info["gt"]), info["epoch"], info["new_trial"]
    (0.0, 0, 'fixation', False)
    """
    if not isinstance(task, AbstractTask):
        raise TypeError(f"to_gym takes a task, got {kind_of(task)}.")
    if trials_per_episode is not None:
        trials_per_episode = whole("trials_per_episode", trials_per_episode)
    try:
        importlib.import_module("gymnasium")
    except ImportError as error:
        raise ImportError(
            "to_gym needs gymnasium, which is not installed: pip install 'neurodyn[gymnasium]'."
        ) from error
    from neurodyn.tasks.bridges.task_environment import TaskEnvironment

    return TaskEnvironment(task, key, trials_per_episode)
