"""What XLA hands over when it calls a compiled function.

The layout is that of XLA's ``xla/ffi/api/c_api.h``, major version 0. Within a major version structs
only grow at their end, and each begins with its own size. In words of 8 bytes:

- frame: size, extension, api, context, stage, arguments (5 words), results (5 words), and more;
- arguments and results: size, extension, count, types, list of arrays;
- array: size, extension, dtype, data, rank, dims;
- api: size, extension, version (size, extension, major and minor in 32 bits each), internal, and
  then addresses of functions;
- extension: size, type in 32 bits, next; that of type 1 goes on with the address of metadata, where
  the function is to state the version that it was made for: size, version.
"""

from neurodyn.kernels.compiled.llvm.code import I32, Code
from neurodyn.kernels.compiled.llvm.functions import Program
from neurodyn.kernels.compiled.llvm.number import Number

__all__ = ["N_THREADS", "SCHEDULE", "Buffers", "begin_handler", "offered", "offers"]

_MAJOR, _OLDEST_MINOR = 0, 1
_FRAME, _LIST, _ARRAY, _VERSION = 15 * 8, 5 * 8, 6 * 8, 3 * 8
#: Places of functions among those that XLA offers: to run a task in a thread of its pool, and to
#: tell how many threads that has.
SCHEDULE, N_THREADS = 11, 12
_FIRST_FUNCTION = 6 * 8


def begin_handler(program: Program, name: str) -> tuple[Code, Number, Number]:
    """Begin the function that XLA calls, which answers when asked for the interface's version.

    Where what XLA hands over is not laid out as known, the function returns without a result, which
    the kernel's trial (`neurodyn.kernels.compiled.ffi.trial`) then finds.

    Returns
    -------
    code, arguments, results
        The function with its frame as the one argument, and the addresses of two lists of arrays.
    """
    code = program.function(name, 1, gives=True)
    (frame,) = code.arguments
    _tell_version(code, frame)
    with code.when(~_is_known(code, frame)):
        code.give(code.integer(0))
    return code, code.word(frame + 8 * 9), code.word(frame + 8 * 14)


class Buffers:
    """The arguments or the results of a call."""

    def __init__(self, code: Code, list_: Number):
        self._code, self._list = code, list_

    def data(self, i) -> Number:
        """Address of the data of array i."""
        return self._code.word(self._at(i) + 8 * 3)

    def size(self, i, axis: int) -> Number:
        """Size of array i along an axis."""
        return self._code.word(self._code.word(self._at(i) + 8 * 5) + 8 * axis)

    def _at(self, i) -> Number:
        return self._code.word(self._list + i * 8)


def offers(code: Code, frame: Number, place: int) -> Number:
    """Whether XLA offers a function at a place."""
    return code.word(_api(code, frame)) >= _FIRST_FUNCTION + 8 * (place + 1)


def offered(code: Code, frame: Number, place: int) -> Number:
    """Address of a function that XLA offers."""
    return code.word(_api(code, frame) + _FIRST_FUNCTION + 8 * place)


def _api(code: Code, frame: Number) -> Number:
    return code.word(frame + 8 * 2)


def _is_known(code: Code, frame: Number) -> Number:
    """Whether the structs have the sizes that put their members where they are read.

    Those that lie inside others may not have grown; what only is pointed to may be longer. Every
    kernel has an argument and a result, whose description is looked at.
    """
    known = code.word(frame) >= _FRAME
    for start in (frame + 8 * 5, frame + 8 * 10):
        array = code.word(code.word(start + 8 * 4))
        known = known & code.word(start).equals(_LIST) & (code.word(array) >= _ARRAY)
    return known


def _tell_version(code: Code, frame: Number) -> None:
    """State XLA's own minor version within the major version that is known here.

    XLA refuses a function that states another major version than its own, or a minor version that
    it does not support any more.
    """
    extension = code.word(frame + 8)
    with code.when(extension > 0), code.when(code.word(extension + 8, I32).equals(1)):
        version = _api(code, frame) + 8 * 2
        same = code.word(version).equals(_VERSION) & code.word(version + 8 * 2, I32).equals(_MAJOR)
        minor = code.choose(same, code.word(version + 8 * 2 + 4, I32), _OLDEST_MINOR)
        stated = code.word(extension + 8 * 3) + 8 + 8 * 2
        code.store(Number(code, I32(_MAJOR)), stated)
        code.store(minor.as_integer(I32), stated + 4)
        code.give(code.integer(0))
