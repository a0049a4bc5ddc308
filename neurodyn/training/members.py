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

Record = dict[str, np.ndarray]


class Members:
    """The members of a run: one by one on a thread for each core, or batched in one program.

    Parameters
    ----------
    setup
        What they share.
    members
        Constants and state of each.
    batched
        Whether they run in one program, in arrays with a leading axis.
    """

    def __init__(
        self, setup: Setup, members: Sequence[tuple[Constants, Member]], *, batched: bool = False
    ):
        self._batched, self._n = batched, len(members)
        constants, states = [each for each, _ in members], [state for _, state in members]
        self._constants = [stack(constants)] if batched else constants
        self._states = [stack(states)] if batched else states
        self._setups = [setup] * len(self._states)
        self._programs: dict[Any, Any] = {}
        # An accelerator runs one program at a time.
        on_cpu = jax.default_backend() == "cpu"
        workers = min(len(self._states), usable_cores()) if on_cpu else 1
        self._pool = ThreadPoolExecutor(workers) if workers > 1 else None

    @property
    def state(self) -> Any:
        """The state of all members, as checkpoints hold it: a list, or of a batch the arrays."""
        return self._states[0] if self._batched else self._states

    @state.setter
    def state(self, state: Any) -> None:
        self._states = [state] if self._batched else state

    def compile(self, *calls: tuple[Callable, int]) -> list[Callable[..., list[Record]]]:
        """Compile for this run; the returned function runs all members and updates their state.

        Each call is a function and how many numbers it takes.
        """
        n = range(len(self._states))
        wanted: dict[Any, Callable] = {}
        for function, n_numbers in calls:
            numbers = _traced((0,) * n_numbers)
            for i in n:
                lower = partial(self._lowered, function, i, numbers)
                wanted.setdefault(self._name(function, i), lower)
        compile_missing(self._programs, wanted)
        programs = [[self._programs[self._name(function, i)] for i in n] for function, _ in calls]
        return [partial(self._run, each) for each in programs]

    def _name(self, function: Callable, i: int) -> Any:
        return function, jax.tree.structure(self._setups[i].task)

    def _lowered(self, function: Callable, i: int, numbers: tuple) -> Any:
        """The program for the sizes of member i, or of the batch."""
        program = _batched(function, len(numbers)) if self._batched else _program(function)
        return program.lower((self._setups[i], self._constants[i], *numbers), self._states[i])

    def _run(self, programs: list[Any], *numbers: int) -> list[Record]:
        def one(program, setup, constants, state, numbers):
            state, record = program((setup, constants, *numbers), state)
            # Waiting here, in the member's own thread, keeps the threads busy with one member each.
            return state, jax.device_get(record)

        parts = zip(programs, self._setups, self._constants, self._states, strict=True)
        each = [(*part, _traced(numbers)) for part in parts]
        if self._pool is None:
            results = [one(*args) for args in each]
        else:
            results = list(self._pool.map(lambda args: one(*args), each))
        self._states = [state for state, _ in results]
        records = [record for _, record in results]
        if not self._batched:
            return records
        return [{n: np.asarray(x[i]) for n, x in records[0].items()} for i in range(self._n)]

    def resize(self, resized: Callable) -> None:
        """Give tasks the sizes that their stages ask for: in a batch, the most advanced of them."""
        for i, state in enumerate(self._states):
            each = [unstack(state, j) for j in range(self._n)] if self._batched else [state]
            self._setups[i], self._states[i] = _resize(self._setups[i], state, each, resized)

    def setup_of(self, i: int) -> Setup:
        """The setup of member i."""
        return self._setups[0 if self._batched else i]

    def member(self, i: int) -> tuple[Constants, Member]:
        """Constants and state of member i."""
        if self._batched:
            return unstack(self._constants[0], i), unstack(self._states[0], i)
        return self._constants[i], self._states[i]

    def flags(self) -> tuple[np.ndarray, np.ndarray]:
        """`failed` and `done` of all members."""
        flags = jax.device_get([(state.failed, state.done) for state in self._states])
        failed, done = zip(*flags, strict=True)
        return np.hstack(failed), np.hstack(done)

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


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


# One jitted function for each of the few functions above, so that a second fit finds it compiled.


@cache
def _program(function: Callable) -> Any:
    return eqx.filter_jit(function, donate="all-except-first")


@cache
def _batched(function: Callable, n_numbers: int) -> Any:
    fixed = (None, eqx.if_array(0), *(None,) * n_numbers)
    batched = eqx.filter_vmap(function, in_axes=(fixed, eqx.if_array(0)))
    return eqx.filter_jit(batched, donate="all-except-first")
