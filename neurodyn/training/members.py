"""Running the members of an ensemble: each on its own, or all in one batched program."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import equinox as eqx
import jax
import numpy as np

from neurodyn.training.ensemble import stack, unstack
from neurodyn.training.step import Constants, Member, Setup

__all__ = ["Separate", "Together"]

Record = dict[str, np.ndarray]


class Separate:
    """Members run one by one through the same program, on a thread for each core."""

    def __init__(self, setup: Setup, members: Sequence[tuple[Constants, Member]]):
        self.setup = setup
        self.constants = [constants for constants, _ in members]
        self.state = [member for _, member in members]
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        # An accelerator runs one program at a time.
        workers = min(len(members), cores or 1) if jax.default_backend() == "cpu" else 1
        self._pool = ThreadPoolExecutor(workers) if workers > 1 else None

    def compile(self, function: Callable, *numbers: int) -> Callable[..., list[Record]]:
        """Compile for this run; what it returns runs all members and updates their state."""
        # Compiled here and now: the threads below would not see the caller's JAX settings.
        numbers = _traced(numbers)
        fixed = (self.setup, self.constants[0], *numbers)
        program = _program(function).lower(fixed, self.state[0]).compile()

        def one(constants, member, numbers):
            return _fetch(*program((self.setup, constants, *numbers), member))

        def run(*numbers: int) -> list[Record]:
            numbers = _traced(numbers)
            each = [(c, m, numbers) for c, m in zip(self.constants, self.state, strict=True)]
            if self._pool is None:
                results = [one(*args) for args in each]
            else:
                results = list(self._pool.map(lambda args: one(*args), each))
            self.state = [member for member, _ in results]
            return [record for _, record in results]

        return run

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
        self.setup = setup
        self.n = len(members)
        self.constants = stack([constants for constants, _ in members])
        self.state = stack([member for _, member in members])

    def compile(self, function: Callable, *numbers: int) -> Callable[..., list[Record]]:
        """As :meth:`Separate.compile`."""
        numbers = _traced(numbers)
        program = _batched(function, len(numbers)).lower(
            (self.setup, self.constants, *numbers), self.state
        )
        program = program.compile()

        def run(*numbers: int) -> list[Record]:
            fixed = (self.setup, self.constants, *_traced(numbers))
            self.state, record = _fetch(*program(fixed, self.state))
            return [{name: np.asarray(x[i]) for name, x in record.items()} for i in range(self.n)]

        return run

    def member(self, i: int) -> tuple[Constants, Member]:
        """Member i."""
        return unstack(self.constants, i), unstack(self.state, i)

    def flags(self) -> tuple[np.ndarray, np.ndarray]:
        """`failed` and `done` of all members."""
        return jax.device_get((self.state.failed, self.state.done))

    def close(self) -> None:
        """Nothing is held."""


def _traced(numbers: Sequence[int]) -> tuple[Any, ...]:
    return tuple(jax.numpy.asarray(n, jax.numpy.int32) for n in numbers)


def _fetch(member: Member, record: dict[str, Any]) -> tuple[Member, Record]:
    # Waiting here, in the member's own thread, keeps the threads busy with one member each.
    return member, jax.device_get(record)


# One jitted function for each of the few functions above, so that a second fit finds it compiled.
_PROGRAMS: dict[Any, Any] = {}


def _program(function: Callable) -> Any:
    if function not in _PROGRAMS:
        _PROGRAMS[function] = eqx.filter_jit(function, donate="all-except-first")
    return _PROGRAMS[function]


def _batched(function: Callable, n_numbers: int) -> Any:
    if (function, n_numbers) not in _PROGRAMS:
        fixed = (None, eqx.if_array(0), *(None,) * n_numbers)
        batched = eqx.filter_vmap(function, in_axes=(fixed, eqx.if_array(0)))
        _PROGRAMS[function, n_numbers] = eqx.filter_jit(batched, donate="all-except-first")
    return _PROGRAMS[function, n_numbers]
