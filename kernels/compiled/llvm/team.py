"""Functions for XLA whose work is shared among the threads that XLA has.

The work comes in phases of independent items; a phase begins when the previous one is done. The
calling thread takes items like any other, so that the work gets done even if no other thread is
free, and it waits only for items that another thread has already begun. A thread that comes too
late finds nothing to do: the shared state lives until the last thread has left.
"""

from collections.abc import Callable

from neurodyn.kernels.compiled.llvm.code import Code
from neurodyn.kernels.compiled.llvm.number import Number
from neurodyn.kernels.compiled.llvm.program import Program
from neurodyn.kernels.compiled.llvm.xla_call import (
    N_THREADS,
    SCHEDULE,
    Buffers,
    begin_handler,
    offered,
    offers,
)

# Words of the shared state: the number of threads that may still read it, the next item, the number
# of items done, the call's arguments and results, the first item of each phase, and the end.
_USERS, _NEXT, _DONE, _ARGUMENTS, _RESULTS, _STARTS = range(6)


class Arrays:
    """The arrays of a call; `counts` are the numbers of arguments and of results.

    Addresses are read at the beginning of a function, because the compiler would read them again
    after each store, which might have changed them as far as it knows.
    """

    def __init__(self, code: Code, arguments: Number, results: Number, counts: tuple[int, int]):
        self._lists = (Buffers(code, arguments), Buffers(code, results))
        self._data = [
            [list_.data(i) for i in range(count)]
            for list_, count in zip(self._lists, counts, strict=True)
        ]

    def argument(self, i: int) -> Number:
        """Address of the data of argument i."""
        return self._data[0][i]

    def result(self, i: int) -> Number:
        """Address of the data of result i."""
        return self._data[1][i]

    def size(self, i: int, axis: int) -> Number:
        """Size of argument i along an axis."""
        return self._lists[0].size(i, axis)

    def result_size(self, i: int, axis: int) -> Number:
        """Size of result i along an axis."""
        return self._lists[1].size(i, axis)


def write_handler(
    program: Program,
    name: str,
    arrays: tuple[int, int],
    counts: Callable[[Code, Arrays], tuple[list[Number], Number]],
    phases: list[Callable[[Code, Arrays, Number], None]],
) -> None:
    """Write the function that XLA calls.

    Parameters
    ----------
    arrays
        Numbers of arguments and of results.
    counts
        Writes the number of items of each phase, and the number of threads worth using.
    phases
        Each writes the work on one item.
    """
    items = [_item(program, f"{name}_phase{k}", phase, arrays) for k, phase in enumerate(phases)]
    work = _work(program, f"{name}_work", items)
    task = _task(program, f"{name}_task", work)
    code, arguments, results = begin_handler(program, name)
    (frame,) = code.arguments
    numbers, worth = counts(code, Arrays(code, arguments, results, arrays))

    state = code.call("malloc", code.integer(8 * (_STARTS + len(numbers) + 1)))
    starts = [code.integer(0)]
    for number in numbers:
        starts.append(starts[-1] + number)
    zero = code.integer(0)
    for k, word in enumerate([zero, zero, zero, arguments, results, *starts]):
        code.store(word, state + 8 * k)
    helpers = code.least(_pool_size(code, frame), worth) - 1
    helpers = code.choose(helpers < 0, 0, helpers)
    code.store(helpers + 1, state + 8 * _USERS)
    with code.loop(0, helpers):
        _schedule(code, frame, code.address_of(task), state)
    code.call(work, state)
    _wait(code, state, starts[-1])
    _leave(code, state)
    code.return_(zero)


def _item(program: Program, name: str, write, arrays) -> object:
    """Write the function that does one item of a phase."""
    code = Code(program, name, 3)
    arguments, results, i = code.arguments
    write(code, Arrays(code, arguments, results, arrays), i)
    code.return_()
    return code.function


def _work(program: Program, name: str, items: list) -> object:
    """Write the function that takes items until none is left."""
    code = Code(program, name, 1)
    (state,) = code.arguments
    starts = [code.word(state + 8 * (_STARTS + k)) for k in range(len(items) + 1)]
    arguments, results = (code.word(state + 8 * k) for k in (_ARGUMENTS, _RESULTS))
    with code.endless() as leave_if:
        i = code.add_atomically(state + 8 * _NEXT, 1)
        leave_if(i >= starts[-1])
        for item, start, stop in zip(items, starts[:-1], starts[1:], strict=True):
            with code.when((i >= start) & (i < stop)):
                _wait(code, state, start)
                code.call(item, arguments, results, i - start)
        code.add_atomically(state + 8 * _DONE, 1)
    code.return_()
    return code.function


def _task(program: Program, name: str, work) -> object:
    """Write the function that another thread runs."""
    code = Code(program, name, 1)
    (state,) = code.arguments
    code.call(work, state)
    _leave(code, state)
    code.return_()
    return code.function


def _leave(code: Code, state: Number) -> None:
    """Leave; the last thread that leaves frees the shared state."""
    with code.when(code.add_atomically(state + 8 * _USERS, -1).equals(1)):
        code.call("free", state)


def _wait(code: Code, state: Number, n_done: Number) -> None:
    with code.endless() as leave_if:
        for _ in range(20):
            leave_if(code.atomic_word(state + 8 * _DONE) >= n_done)
        code.call("sched_yield")


def _pool_size(code: Code, frame: Number) -> Number:
    """Number of XLA's threads, or 1 if XLA does not tell: then the caller works alone."""
    answer, given = (code.stack(8) for _ in range(2))
    code.store(code.integer(1), answer)
    context = code.word(frame + 8 * 3)
    for k, word in enumerate([code.integer(32), code.integer(0), context, answer]):
        code.store(word, given + 8 * k)
    with code.when(offers(code, frame, max(N_THREADS, SCHEDULE))):
        code.call(offered(code, frame, N_THREADS), given)
    return code.word(answer)


def _schedule(code, frame, task, state) -> None:
    """Ask one of XLA's threads for help; if that fails, the other threads do its work."""
    given = code.stack(16)
    context = code.word(frame + 8 * 3)
    for k, word in enumerate([code.integer(40), code.integer(0), context, task, state]):
        code.store(word, given + 8 * k)
    error = code.call(offered(code, frame, SCHEDULE), given)
    with code.when(error > 0):
        _leave(code, state)
