"""One point of a sweep, on a worker: its result in parts, or its error as text."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax

from neurodyn.sweeps.grid import Grid
from neurodyn.sweeps.parts import Found, parts_of
from neurodyn.sweeps.work import Function, Study

#: Settings of JAX on which numbers depend.
_NUMBERS = (
    "jax_enable_x64",
    "jax_default_matmul_precision",
    "jax_default_prng_impl",
    "jax_threefry_partitionable",
    "jax_random_seed_offset",
    "jax_numpy_dtype_promotion",
    "jax_numpy_rank_promotion",
)


class Failure(NamedTuple):
    """An error as text.

    Attributes
    ----------
    type, message, traceback
        Its type, its message, and where it was raised.
    """

    type: str
    message: str
    traceback: str


class Outcome(NamedTuple):
    """What became of a point.

    Attributes
    ----------
    point
        Number of the point.
    found
        Its result; None if it failed.
    summary
        Rows of the summary of an experiment.
    failure
        Its error; None if it succeeded.
    seconds
        Duration [s].
    """

    point: int
    found: Found | None
    summary: dict[str, str]
    failure: Failure | None
    seconds: float


class Job(NamedTuple):
    """What workers need to run any point of a sweep.

    Attributes
    ----------
    work
        The function or the experiment.
    keep
        Variables that are kept.
    grid
        The grid.
    numbers
        Settings of JAX in the process of the caller.
    """

    work: Function | Study
    grid: Grid
    keep: Sequence[str] | None
    numbers: Mapping[str, Any]


def job_of(work: Function | Study, grid: Grid, keep: Sequence[str] | None) -> Job:
    """A job with the settings of JAX of this process."""
    return Job(work, grid, keep, {name: getattr(jax.config, name) for name in _NUMBERS})


def pack(job: Job) -> bytes:
    """A job as bytes, for the workers.

    Raises
    ------
    TypeError
        If it holds something that cannot be sent to another process.
    """
    import cloudpickle

    try:
        return cloudpickle.dumps(job)
    except Exception as error:  # pickling runs methods of any class
        raise TypeError(
            "The function, its settings or values of the grid cannot be sent to other processes "
            f"({type(error).__name__}: {error}). Give plain values, and open files, locks and "
            "connections inside of the function."
        ) from error


def unpacked(packed: bytes) -> Job:
    """A job that the caller has packed, on a worker."""
    import cloudpickle

    return cloudpickle.loads(packed)


def attempt(job: Job, point: int) -> Outcome:
    """Run one point, given by its number; an error is part of the outcome."""
    import dask

    began = time.perf_counter()
    try:
        for name, value in job.numbers.items():
            if getattr(jax.config, name) != value:
                jax.config.update(name, value)
        # Arrays of Dask in a result are computed here, not sent to the cluster again.
        with dask.config.set(scheduler="synchronous"):
            result, summary = job.work(job.grid.arguments(point), job.grid.seed(point)), {}
            if isinstance(job.work, Study):
                result, summary = result
            found = parts_of(result, job.grid.labels(point), job.keep)
        return Outcome(point, found, dict(summary), None, time.perf_counter() - began)
    except (Exception, SystemExit) as error:
        return Outcome(point, None, {}, failure_of(error), time.perf_counter() - began)


def failure_of(error: BaseException) -> Failure:
    """An error as text."""
    told = "".join(traceback.format_exception(error))
    return Failure(type(error).__name__, str(error), told)
