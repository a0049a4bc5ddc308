"""Running the members of an ensemble: each on its own, or all in one batched program."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any

import equinox as eqx
import jax
import numpy as np

from neurodyn.training.ensemble import stack, unstack
from neurodyn.training.step import Constants, Member, Setup

__all__ = ["Separate", "Together", "compile_missing", "usable_cores"]

Record = dict[str, np.ndarray]


class Separate:
    """Members run one by one through the same program, on a thread for each core."""

    def __init__(self, setup: Setup, members: Sequence[tuple[Constants, Member]]):
        self._setups = [setup] * len(members)
        self._programs: dict[Any, Any] = {}
        self.constants = [constants for constants, _ in members]
        self.state = [member for _, member in members]
        # An accelerator runs one program at a time.
        workers = min(len(members), usable_cores()) if jax.default_backend() == "cpu" else 1
        self._pool = ThreadPoolExecutor(workers) if workers > 1 else None

    def compile(self, *calls: tuple[Callable, int]) -> list[Callable[..., list[Record]]]:
        """Compile for this run; the returned function runs all members and updates their state.

        Each call is a function and how many numbers it takes.
        """
        n = range(len(self.state))
        wanted: dict[Any, Callable] = {}
        for function, n_numbers in calls:
            numbers = _traced((0,) * n_numbers)
            for i in n:
                lower = partial(self._lowered, function, i, numbers)
                wanted.setdefault(self._name(function, i), lower)
        compile_missing(self._programs, wanted)
        return [self._runner([self._programs[self._name(f, i)] for i in n]) for f, _ in calls]

    def _runner(self, programs: list[Any]) -> Callable[..., list[Record]]:

        def one(program, setup, constants, member, numbers):
            return _fetch(*program((setup, constants, *numbers), member))

        def run(*numbers: int) -> list[Record]:
            parts = zip(programs, self._setups, self.constants, self.state, strict=True)
            each = [(*part, _traced(numbers)) for part in parts]
            if self._pool is None:
                results = [one(*args) for args in each]
            else:
                results = list(self._pool.map(lambda args: one(*args), each))
            self.state = [member for member, _ in results]
            return [record for _, record in results]

        return run

    def _name(self, function: Callable, i: int) -> Any:
        return function, jax.tree.structure(self._setups[i].task)

    def _lowered(self, function: Callable, i: int, numbers: tuple) -> Any:
        """The program for the sizes of member i."""
        return _program(function).lower(
            (self._setups[i], self.constants[i], *numbers), self.state[i]
        )

    def resize(self, resized: Callable) -> None:
        """Give each member's task the sizes that its stage asks for."""
        for i, member in enumerate(self.state):
            self._setups[i], self.state[i] = _resize(self._setups[i], member, [member], resized)

    def setup_of(self, i: int) -> Setup:
        """Setup and constants of member i."""
        return self._setups[i]

    def member(self, i: int) -> tuple[Constants, Member]:
        """Member i."""
        return self.constants[i], self.state[i]

    def flags(self) -> tuple[np.ndarray, np.ndarray]:
        """`failed` and `done` of all members."""
        flags = jax.device_get([(member.failed, member.done) for member in self.state])
        return np.array([failed for failed, _ in flags]), np.array([done for _, done in flags])

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


class Together:
    """All members in one program with a leading axis."""

    def __init__(self, setup: Setup, members: Sequence[tuple[Constants, Member]]):
        self._setup = setup
        self._programs: dict[Any, Any] = {}
        self.n = len(members)
        self.constants = stack([constants for constants, _ in members])
        self.state = stack([member for _, member in members])

    def compile(self, *calls: tuple[Callable, int]) -> list[Callable[..., list[Record]]]:
        """As :meth:`Separate.compile`."""
        sizes = jax.tree.structure(self._setup.task)
        wanted: dict[Any, Callable] = {
            (f, sizes): partial(self._lowered, f, _traced((0,) * n)) for f, n in calls
        }
        compile_missing(self._programs, wanted)
        return [self._runner(self._programs[f, sizes]) for f, _ in calls]

    def _lowered(self, function: Callable, numbers: tuple) -> Any:
        fixed = (self._setup, self.constants, *numbers)
        return _batched(function, len(numbers)).lower(fixed, self.state)

    def _runner(self, program: Any) -> Callable[..., list[Record]]:
        def run(*numbers: int) -> list[Record]:
            fixed = (self._setup, self.constants, *_traced(numbers))
            self.state, record = _fetch(*program(fixed, self.state))
            return [{name: np.asarray(x[i]) for name, x in record.items()} for i in range(self.n)]

        return run

    def resize(self, resized: Callable) -> None:
        """Give all tasks the sizes that the most advanced asks for."""
        each = [unstack(self.state, i) for i in range(self.n)]
        self._setup, self.state = _resize(self._setup, self.state, each, resized)

    def setup_of(self, i: int) -> Setup:
        """Setup and constants of member i, in arrays of all members."""
        del i
        return self._setup

    def member(self, i: int) -> tuple[Constants, Member]:
        """Member i."""
        return unstack(self.constants, i), unstack(self.state, i)

    def flags(self) -> tuple[np.ndarray, np.ndarray]:
        """`failed` and `done` of all members."""
        return jax.device_get((self.state.failed, self.state.done))

    def close(self) -> None:
        """Nothing is held."""


def _resize(
    setup: Setup, state: Member, members: Sequence[Member], resized: Callable
) -> tuple[Setup, Member]:
    """The setup and the state with a task of the sizes that the stages of these members ask for."""
    static: Any = setup.task
    structure: Any = jax.tree.structure(state.task)
    for member in members:
        arrays = jax.tree.leaves(member.task)
        task = resized(eqx.combine(jax.tree.unflatten(structure, arrays), static))
        new, static = eqx.partition(task, eqx.is_array)
        structure = jax.tree.structure(new)
        if [(x.shape, x.dtype) for x in jax.tree.leaves(new)] != [
            (x.shape, x.dtype) for x in arrays
        ]:
            raise ValueError(
                "`resize` of a curriculum may change static fields of the task only, but "
                f"{type(task).__name__} has other arrays now."
            )
    before: Any = jax.tree.structure(setup.task)
    if jax.tree.structure(static) == before:
        return setup, state
    task = jax.tree.unflatten(structure, jax.tree.leaves(state.task))
    return dataclasses.replace(setup, task=static), dataclasses.replace(state, task=task)


def compile_missing(programs: dict[Any, Any], wanted: dict[Any, Callable]) -> None:
    """Compile missing programs, each in a thread, while the next one is traced."""
    missing = {name: lower for name, lower in wanted.items() if name not in programs}
    if not missing:
        return
    with ThreadPoolExecutor(len(missing)) as pool:
        # Traced here: other threads would not see the caller's JAX settings.
        jobs = {name: pool.submit(lower().compile) for name, lower in missing.items()}
        programs.update({name: job.result() for name, job in jobs.items()})


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _traced(numbers: Sequence[int]) -> tuple[Any, ...]:
    return tuple(jax.numpy.asarray(n, jax.numpy.int32) for n in numbers)


def _fetch(member: Member, record: dict[str, Any]) -> tuple[Member, Record]:
    # Waiting here, in the member's own thread, keeps the threads busy with one member each.
    return member, jax.device_get(record)


# One jitted function for each of the few functions above, so that a second fit finds it compiled.


@cache
def _program(function: Callable) -> Any:
    return eqx.filter_jit(function, donate="all-except-first")


@cache
def _batched(function: Callable, n_numbers: int) -> Any:
    fixed = (None, eqx.if_array(0), *(None,) * n_numbers)
    batched = eqx.filter_vmap(function, in_axes=(fixed, eqx.if_array(0)))
    return eqx.filter_jit(batched, donate="all-except-first")
