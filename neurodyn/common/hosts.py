"""Several processes that run the same program, one for each host: who writes, and who decides.

Processes are joined by :func:`jax.distributed.initialize`. They have to call the same compiled
programs in the same order, because each of these programs waits for its part from all of them.
Whatever depends on a clock, on a file or on a user's function is therefore decided by the first.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

#: Bytes of a text that `check_same` compares.
_DIGEST = 8


def several() -> bool:
    """Whether other processes run the same program."""
    return jax.distributed.is_initialized() and jax.process_count() > 1


def is_first() -> bool:
    """Whether this process is the one that writes files and shows progress."""
    return not several() or jax.process_index() == 0


def by_first(compute: Callable[[], Any], *, everywhere: bool = False) -> Any:
    """Compute something in the first process, and return it in all of them.

    No process goes on before the first has computed.

    Parameters
    ----------
    compute
        Function without arguments that returns numbers, text, or lists or dicts of them.
    everywhere
        Whether the others compute it too, for what it does, and drop what it returns.

    Raises
    ------
    RuntimeError
        In the other processes, if `compute` raised in the first, which raises its own error.
    """
    if not several():
        return compute()
    error: BaseException | None = None
    message: dict[str, Any] = {}
    if is_first():
        try:
            message = {"value": compute()}
        except BaseException as raised:
            error, message = raised, {"error": f"{type(raised).__name__}: {raised}"}
    elif everywhere:
        compute()
    told = json.loads(_sent(json.dumps(message).encode()))
    if error is not None:
        raise error
    if "error" in told:
        raise RuntimeError(f"Process 0, which works for all, stopped: {told['error']}")
    return told["value"]


def check_same(what: str, text: str, fix: str) -> None:
    """Refuse to go on where processes differ.

    Parameters
    ----------
    what
        What is compared, as the subject of a sentence.
    text
        Describes it; must be the same in all processes.
    fix
        A sentence that says what to do.

    Raises
    ------
    ValueError
        In all processes, with the numbers of those that differ from the first.
    """
    if not several():
        return
    from jax.experimental import multihost_utils

    digest = hashlib.sha256(text.encode()).digest()[:_DIGEST]
    given = multihost_utils.process_allgather(np.frombuffer(digest, np.uint8))
    others = [i for i, each in enumerate(np.asarray(given)) if (each != given[0]).any()]
    if others:
        listed = ", ".join(map(str, others))
        raise ValueError(f"{what} differs between process 0 and {listed}. {fix}")


def _sent(message: bytes) -> bytes:
    """The message of the first process, in all of them."""
    from jax.experimental import multihost_utils

    size = multihost_utils.broadcast_one_to_all(np.asarray(len(message), np.int32))
    buffer = np.zeros(int(size), np.uint8)
    if is_first():
        buffer[:] = np.frombuffer(message, np.uint8)
    return np.asarray(multihost_utils.broadcast_one_to_all(buffer)).tobytes()
