"""What a sweep runs at every point: a function of keyword arguments, or an experiment."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from neurodyn.common.random import as_key, fold_in
from neurodyn.experiments import EXPERIMENTS, Experiment, Run, configure
from neurodyn.sweeps.grid import SEED

#: Name of the argument through which a function gets its random key.
KEY = "key"


@dataclasses.dataclass(frozen=True)
class Function:
    """A function, with the arguments that are the same at all points.

    Attributes
    ----------
    function
        The function.
    settings
        Arguments that all points share.
    key
        Words of the key of the sweep, and the name of its generator; None if the function takes
        none.
    """

    function: Callable[..., Any]
    settings: Mapping[str, Any]
    key: tuple[list[int], str] | None

    def __call__(self, arguments: Mapping[str, Any], seed: int | None) -> Any:
        """The result at a point."""
        given = {**self.settings, **arguments}
        if self.key is not None:
            words, generator = self.key
            key = jax.random.wrap_key_data(jnp.asarray(words, jnp.uint32), impl=generator)
            given[KEY] = fold_in(key, seed)
        return self.function(**given)

    def about(self) -> dict[str, Any]:
        """What makes it another sweep, as JSON."""
        return {
            "work": _name(self.function),
            "settings": {name: fingerprint(value) for name, value in self.settings.items()},
            "key": None if self.key is None else list(self.key),
        }

    def source(self) -> str:
        """A digest of the source of the function; empty where there is none."""
        try:
            return _digest(inspect.getsource(_inner(self.function)).encode())
        except (OSError, TypeError):
            return ""


@dataclasses.dataclass(frozen=True)
class Study:
    """An experiment, with the settings that are the same at all points.

    Attributes
    ----------
    experiment
        The experiment.
    preset
        Name of the preset.
    settings
        Changes to the preset that all points share.
    """

    experiment: Experiment
    preset: str
    settings: Mapping[str, Any]

    def __call__(self, arguments: Mapping[str, Any], seed: int | None) -> Any:
        """The result at a point: a DataTree, and the rows of its summary."""
        tree = self.experiment.run(self.configured(arguments, seed), Run(None, False, False))
        return tree, self.experiment.summary(tree)

    def configured(self, arguments: Mapping[str, Any], seed: int | None) -> Any:
        """Settings at a point, checked."""
        own = {} if seed is None else {SEED: seed}
        return configure(self.experiment, self.preset, {**self.settings, **arguments, **own})

    def about(self) -> dict[str, Any]:
        """What makes it another sweep, as JSON."""
        settings = dataclasses.asdict(configure(self.experiment, self.preset, self.settings))
        return {
            "work": f"experiment {self.experiment.name}",
            "settings": json.loads(json.dumps(settings)),
            "key": None,
        }

    def source(self) -> str:
        """A digest of the source of the function that runs it."""
        return Function(self.experiment.run, {}, None).source()


def function_work(
    function: Callable[..., Any],
    grid: Mapping[str, Any],
    settings: Mapping[str, Any],
    *,
    seeds: bool,
    key: Any,
) -> Function:
    """Check that a function takes the names of the grid and the settings.

    Parameters
    ----------
    function, grid, settings
        As of :func:`neurodyn.sweep`.
    seeds
        Whether seeds were asked for.
    key
        Seed or key of the sweep.

    Raises
    ------
    TypeError
        If it is no function.
    ValueError
        If names are unknown, missing, or given twice.
    """
    if not callable(function) or isinstance(function, type):
        raise TypeError(
            "sweep takes a function of keyword arguments, an Experiment or the name of one; got "
            f"{getattr(function, '__name__', type(function).__name__)!r}."
        )
    twice = sorted(set(grid) & set(settings))
    if twice:
        raise ValueError(f"{', '.join(twice)}: give it in `grid` or in `settings`, not in both.")
    if KEY in grid or KEY in settings:
        raise ValueError("`key` comes from the seeds of the sweep: sweep(..., seeds=20, key=0).")
    takes, keyword = _check_names(function, {*grid, *settings})
    if seeds and not (takes or keyword):
        raise ValueError(
            f"{_name(function)} takes no argument `key`, so that seeds make no difference: let it "
            "take `*, key`, or leave `seeds` out."
        )
    if not (takes or seeds):
        return Function(function, dict(settings), None)
    base = as_key(key, needed_for="sweep")
    words = np.asarray(jax.random.key_data(base)).tolist()
    return Function(function, dict(settings), (words, str(jax.random.key_impl(base))))


def study_work(
    experiment: str | Experiment, preset: str | None, settings: Mapping[str, Any], *, seeds: bool
) -> Study:
    """Check an experiment, its preset and its settings.

    Raises
    ------
    ValueError
        If there is no such experiment, preset or setting, or it takes no seed.
    """
    found = EXPERIMENTS.find(experiment) if isinstance(experiment, str) else experiment
    if seeds and SEED not in found.hints():
        raise ValueError(
            f"{found.name} has no setting 'seed', so that seeds make no difference: let its "
            "settings extend neurodyn.experiments.SeededSettings, or leave `seeds` out."
        )
    if seeds and SEED in settings:
        raise ValueError("Give `seeds` or the setting 'seed', not both.")
    return Study(found, found.preset(preset), dict(settings))


def fingerprint(value: Any) -> Any:
    """A value as JSON, or what tells it from another one: its type, and a digest of its arrays."""
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return [fingerprint(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): fingerprint(item) for name, item in value.items()}
    if callable(value) and hasattr(value, "__qualname__"):
        return _name(value)
    leaves, structure = jax.tree.flatten(value)
    arrays = [np.asarray(leaf) for leaf in leaves if hasattr(leaf, "dtype")]
    kept = [f"{array.dtype}{array.shape}".encode() + array.tobytes() for array in arrays]
    parts = [str(leaf) for leaf in leaves if isinstance(leaf, (str, int, float, bool))]
    text = "" if " at 0x" in str(structure) else str(structure)
    return f"{type(value).__name__} {_digest(b''.join(kept), repr(parts).encode(), text.encode())}"


def _check_names(function: Callable[..., Any], given: set[str]) -> tuple[bool, bool]:
    """Whether a function takes `key`, and any keyword; refuses names that it does not take."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # written in C
        return False, True
    kinds = inspect.Parameter
    keyword = any(p.kind is kinds.VAR_KEYWORD for p in parameters.values())
    by_name = (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)
    named = [name for name, p in parameters.items() if p.kind in by_name]
    name = _name(function)
    for one in sorted(given - set(named)):
        if not keyword:
            close = difflib.get_close_matches(one, named, 1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            takes = ", ".join(n for n in named if n != KEY) or "none"
            raise ValueError(f"{name} takes no argument {one!r}.{hint} It takes {takes}.")
    missing = [
        n
        for n, p in parameters.items()
        if p.default is kinds.empty
        and p.kind not in (kinds.VAR_POSITIONAL, kinds.VAR_KEYWORD)
        and n not in given
        and n != KEY
    ]
    if missing:
        raise ValueError(
            f"{name} needs {', '.join(missing)}: give it in `grid`, or in `settings` where it is "
            "the same at all points."
        )
    return KEY in named, keyword


def _name(function: Any) -> str:
    inner = _inner(function)
    if not hasattr(inner, "__qualname__"):
        inner = type(inner)
    own = inner.__module__ == "__main__"
    return inner.__qualname__ if own else f"{inner.__module__}.{inner.__qualname__}"


def _inner(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.unwrap(function)


def _digest(*parts: bytes) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "big") + part)
    return found.hexdigest()[:16]
