"""The Dask cluster of a sweep: a local one by default, or any other by its client or address."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import jax

#: One thread for each library in a local worker: the workers already fill the cores.
_ONE_THREAD = ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
#: Settings of a local cluster. A point is suspected, and runs alone, when workers have died twice
#: beside it. Dask gives up a worker that is not back after 15 s, which on a busy machine is short.
_CONFIG = {
    "distributed.scheduler.allowed-failures": 1,
    "distributed.deploy.lost-worker-timeout": "1 day",
}
#: Settings of the cache of compiled programs; JAX reads them from the environment by these names.
_CACHE = (
    "jax_compilation_cache_dir",
    "jax_persistent_cache_min_compile_time_secs",
    "jax_persistent_cache_min_entry_size_bytes",
)


@contextlib.contextmanager
def connected(client: Any, *, workers: int | None, points: int) -> Iterator[Any]:
    """A client of the cluster that was asked for; what was started here is closed again.

    Parameters
    ----------
    client
        As of :func:`neurodyn.sweep`.
    workers
        Number of local workers; None: one a core, at most one a point.
    points
        Number of points to run.

    Raises
    ------
    TypeError
        If it is none of what a sweep takes, or an asynchronous client.
    ConnectionError
        If there is no scheduler at the address.
    """
    import distributed

    if isinstance(client, distributed.Client):
        if client.asynchronous:
            raise TypeError("sweep takes a Client with asynchronous=False.")
        yield client
    elif isinstance(client, str):
        with _at_address(client) as connection:
            yield connection
    elif client is not None and hasattr(client, "scheduler_address"):
        with distributed.Client(client, set_as_default=False) as connection:
            yield connection
    elif client is None:
        with _local(workers or min(cores(), points)) as connection:
            yield connection
    else:
        raise TypeError(
            "`client` is a dask.distributed Client, a cluster, the address of a scheduler such as "
            f"'tcp://node1:8786', or None for this machine; got {type(client).__name__}."
        )


def cores() -> int:
    """Number of cores that this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


@contextlib.contextmanager
def _at_address(address: str) -> Iterator[Any]:
    import distributed

    try:
        connection = distributed.Client(address, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ConnectionError(
            f"No Dask scheduler answers at {address!r}: start one with 'dask scheduler', and "
            "workers with 'dask worker ADDRESS --nthreads 1'."
        ) from error
    with connection:
        yield connection


@contextlib.contextmanager
def _local(workers: int) -> Iterator[Any]:
    """Processes on this machine, each with one thread, whose environment is set before they start.

    JAX and libraries of linear algebra read the environment once, which in a worker may happen as
    soon as it imports the script of the caller.
    """
    import logging

    import dask
    import distributed

    with contextlib.ExitStack() as stack:
        stack.enter_context(_environment(workers))
        stack.enter_context(dask.config.set(_CONFIG))
        cluster = distributed.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            memory_limit=0,  # a point may take what the machine has
            silence_logs=logging.CRITICAL,
        )
        stack.enter_context(cluster)
        yield stack.enter_context(distributed.Client(cluster, set_as_default=False))


@contextlib.contextmanager
def _environment(workers: int) -> Iterator[None]:
    """The environment that local workers start with, put back at the end.

    Workers inherit it from this process, in which Dask sets variables, too.
    """
    import dask

    own = dict.fromkeys(_ONE_THREAD, "1")
    if workers > 1:
        # On a card that workers share, the first would else take three quarters of the memory.
        own["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
    # Programs that the caller keeps on disk are found by the workers.
    own |= {name.upper(): str(getattr(jax.config, name)) for name in _CACHE if _kept_programs()}
    names = {*own, *dask.config.get("distributed.nanny.pre-spawn-environ"), "PYTHONHASHSEED"}
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(own)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _kept_programs() -> bool:
    return bool(jax.config.jax_compilation_cache_dir)  # type: ignore[attr-defined]
