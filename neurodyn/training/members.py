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

from neurodyn import kernels
from neurodyn.common import hosts
from neurodyn.engine import devices
from neurodyn.training.ensemble import stack, unstack
from neurodyn.training.sharing import Sharing
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
    sharing
        Where their arrays lie on a mesh; None: on one device.
    """

    def __init__(
        self,
        setup: Setup,
        members: Sequence[tuple[Constants, Member]],
        *,
        batched: bool = False,
        sharing: Sharing | None = None,
    ):
        self._batched, self._n, self._sharing = batched, len(members), sharing
        constants, states = [each for each, _ in members], [state for _, state in members]
        self._constants = [stack(constants)] if batched else constants
        self._states = [stack(states)] if batched else states
        if sharing is not None:
            self._constants = [sharing.place(x) for x in self._constants]
            self._states = [sharing.place(x) for x in self._states]
        self._setups = [setup] * len(self._states)
        self._programs: dict[Any, Any] = {}
        # An accelerator and a mesh run one program at a time.
        several = jax.default_backend() == "cpu" and sharing is None
        workers = min(len(self._states), usable_cores()) if several else 1
        self._pool = ThreadPoolExecutor(workers) if workers > 1 else None

    @property
    def state(self) -> Any:
        """The state of all members, as checkpoints hold it: a list, or of a batch the arrays."""
        states = self._states if self._sharing is None else devices.fetched(self._states)
        return states[0] if self._batched else states

    @state.setter
    def state(self, state: Any) -> None:
        states = [state] if self._batched else state
        self._states = states if self._sharing is None else [*map(self._sharing.place, states)]

    def decide(self, compute: Callable[[], Any], *, everywhere: bool = False) -> Any:
        """What depends on a clock, a file or a user's function: the same in all processes."""
        together = self._sharing is not None and self._sharing.spans_hosts
        return hosts.by_first(compute, everywhere=everywhere) if together else compute()

    def agree(self, what: str, text: str, fix: str) -> None:
        """Refuse processes that differ in what they found, as :func:`hosts.check_same` does."""
        if self._sharing is not None and self._sharing.spans_hosts:
            hosts.check_same(what, text, fix)

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
        sharing = self._sharing
        n = len(numbers)
        program = _batched(function, n, sharing) if self._batched else _program(function, sharing)
        shared = self._on_devices((self._setups[i], numbers))
        with devices.partitioned(None if sharing is None else sharing.mesh):
            return program.lower((shared[0], self._constants[i], *shared[1]), self._states[i])

    def _on_devices(self, shared: Any) -> Any:
        """What all members share, where they are."""
        return shared if self._sharing is None else self._sharing.copy(shared)

    def _run(self, programs: list[Any], *numbers: int) -> list[Record]:
        def one(program, setup, constants, state, numbers):
            state, record = program((setup, constants, *numbers), state)
            # Waiting here, in the member's own thread, keeps the threads busy with one member each.
            return state, devices.fetched(record)

        setups, traced = self._on_devices((self._setups, _traced(numbers)))
        parts = zip(programs, setups, self._constants, self._states, strict=True)
        each = [(*part, traced) for part in parts]
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
            tasks = range(self._n) if self._batched else [None]
            each = [self._home(state.task, j) for j in tasks]
            self._setups[i], self._states[i] = _resize(self._setups[i], state, each, resized)

    def setup_of(self, i: int) -> Setup:
        """The setup of member i, for a program on one device."""
        return dataclasses.replace(self._setups[0 if self._batched else i], mesh=None)

    def member(self, i: int) -> tuple[Constants, Member]:
        """Constants and state of member i; those of a mesh, on one device."""
        at, number = (0, i) if self._batched else (i, None)
        return self._home((self._constants[at], self._states[at]), number)

    def model(self, i: int) -> Any:
        """The model of member i as it is, on one device."""
        at, number = (0, i) if self._batched else (i, None)
        parts = (self._states[at].params, self._constants[at].rest)
        return eqx.combine(*self._home(parts, number))

    def _home(self, tree: Any, i: int | None) -> Any:
        """What members hold, or member i of a batch, on one device."""
        if self._sharing is not None:
            return self._sharing.home(tree, i)
        return tree if i is None else unstack(tree, i)

    def flags(self) -> tuple[np.ndarray, np.ndarray]:
        """`failed` and `done` of all members."""
        flags = devices.fetched([(state.failed, state.done) for state in self._states])
        failed, done = zip(*flags, strict=True)
        return np.hstack(failed), np.hstack(done)

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _resize(
    setup: Setup, state: Member, tasks: Sequence[Any], resized: Callable
) -> tuple[Setup, Member]:
    """The setup and the state with a task of the sizes that the stages of the members ask for."""
    static: Any = setup.task
    structure: Any = jax.tree.structure(state.task)
    for of_member in tasks:
        arrays = jax.tree.leaves(of_member)
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
def _program(function: Callable, sharing: Sharing | None) -> Any:
    return eqx.filter_jit(_held(function, sharing), donate="all-except-first")


@cache
def _batched(function: Callable, n_numbers: int, sharing: Sharing | None) -> Any:
    fixed = (None, eqx.if_array(0), *(None,) * n_numbers)
    batched = eqx.filter_vmap(function, in_axes=(fixed, eqx.if_array(0)))
    if sharing is not None:
        batched = _on_own_devices(batched)
    return eqx.filter_jit(_held(batched, sharing), donate="all-except-first")


def _on_own_devices(batched: Callable) -> Callable:
    """The function, of which each device runs the members that it holds, apart from the others."""

    def run(fixed: tuple, state: Member) -> tuple[Member, Any]:
        (setup, constants, *numbers) = fixed
        arrays, static = eqx.partition((setup, constants), eqx.is_array)

        def own(shared, constants, numbers, state):
            setup, constants = eqx.combine((shared, constants), static)
            return batched((setup, constants, *numbers), state)

        arguments = (*arrays, numbers, state)
        n = len(state.failed)
        return kernels.over_batch(own, arguments, (None, 0, None, 0), 0, n, along="seed")

    return run


def _held(function: Callable, sharing: Sharing | None) -> Callable:
    """The function, with a state that stays where it lies on the mesh."""
    if sharing is None:
        return function

    def held(fixed: tuple, state: Member) -> tuple[Member, Any]:
        state, record = function(fixed, state)
        return sharing.hold(state), sharing.hold_copies(record)

    return held
