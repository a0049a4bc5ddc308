"""Functions of the user that training calls after evaluations."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from neurodyn.training.results import Snapshot


def as_callbacks(callbacks: Any) -> tuple[Callable, ...]:
    """One callback or several, as a tuple."""
    several = isinstance(callbacks, Iterable) and not callable(callbacks)
    found = () if callbacks is None else tuple(callbacks) if several else (callbacks,)
    for one in found:
        if not callable(one) or isinstance(one, type):
            raise TypeError(
                "`callbacks` is a function of a Snapshot (`step`, `metrics`, `model`), or several "
                f"in a list; got {one!r}."
            )
    return found


def end_wanted(callbacks: Sequence[Callable], snapshot: Snapshot) -> bool:
    """Call all of them, whatever one says, and return whether any wants training to end."""
    wishes = [_is_true(callback, callback(snapshot)) for callback in callbacks]
    return any(wishes)


def _is_true(callback: Callable, wish: Any) -> bool:
    try:
        return bool(wish)
    except (TypeError, ValueError) as error:
        name = getattr(callback, "__name__", type(callback).__name__)
        raise TypeError(
            f"the callback {name} returned a {type(wish).__name__} that is neither true nor false "
            f"({error}): return True to end training, else None."
        ) from error
