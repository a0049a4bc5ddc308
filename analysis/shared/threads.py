"""Keep LAPACK, which JAX calls for decompositions on CPU, to one thread at a time."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax
from threadpoolctl import ThreadpoolController

P = ParamSpec("P")
R = TypeVar("R")


@functools.cache
def _libraries() -> ThreadpoolController:
    import scipy.linalg  # noqa: F401  (loads the LAPACK that JAX calls)

    return ThreadpoolController()


def one_lapack_thread(function: Callable[P, R]) -> Callable[P, R]:
    """Run a function, to the end of its computation, with one BLAS and LAPACK thread.

    OpenBLAS threads wait for each other by spinning. As soon as there are fewer free cores than
    threads (other processes, a container's quota) small decompositions take a hundred times longer
    than on one thread, and matrices here are too small to gain from several.
    """

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        with _libraries().limit(limits=1, user_api="blas"):
            return jax.block_until_ready(function(*args, **kwargs))

    return wrapped
