"""The memory that XLA passes when it calls a compiled function.

The layout is that of XLA's ``xla/ffi/api/c_api.h``, major version 0. Each struct begins with its
own size, and within a major version structs only grow at their end. In words of 8 bytes:

- frame: size, extension, api, context, stage, arguments (5 words), results (5 words), and more;
- arguments and results: size, extension, count, types, list of arrays;
- array: size, extension, dtype, data, rank, dims;
- api: size, extension, version (size, extension, major and minor in 32 bits each), internal, and
  then addresses of functions;
- extension: size, type in 32 bits, next; in an extension of type 1 the address of metadata follows,
  where the function has to write the version that it was made for: size, version.
"""

from neurodyn.kernels.compiled.llvm.code import Code
from neurodyn.kernels.compiled.llvm.number import Number
from neurodyn.kernels.compiled.llvm.program import Program
from neurodyn.kernels.compiled.llvm.values import I32

_MAJOR, _OLDEST_MINOR = 0, 1
_FRAME, _LIST, _ARRAY, _VERSION = 15 * 8, 5 * 8, 6 * 8, 3 * 8
#: Positions, among the functions that XLA offers, of the one that runs a task in a thread of its
#: pool and of the one that tells the number of threads.
SCHEDULE, N_THREADS = 11, 12
_FIRST_FUNCTION = 6 * 8


def begin_handler(program: Program, name: str) -> tuple[Code, Number, Number]:
    """Begin the function that XLA calls; it also answers XLA's question for its version.

    If the memory is not laid out as this module knows it, the function returns without a result,
    and the kernel fails its trial (`neurodyn.kernels.compiled.ffi.trial`).

    Returns
    -------
    code, arguments, results
        The function, whose one argument is the frame, and the addresses of its two lists of arrays.
    """
    code = Code(program, name, 1, returns=True)
    (frame,) = code.arguments
    _tell_version(code, frame)
    with code.when(~_is_known(code, frame)):
        code.return_(code.integer(0))
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


def offers(code: Code, frame: Number, position: int) -> Number:
    """Whether XLA offers a function at a position."""
    return code.word(_api(code, frame)) >= _FIRST_FUNCTION + 8 * (position + 1)


def offered(code: Code, frame: Number, position: int) -> Number:
    """Address of the function that XLA offers at a position."""
    return code.word(_api(code, frame) + _FIRST_FUNCTION + 8 * position)


def _api(code: Code, frame: Number) -> Number:
    return code.word(frame + 8 * 2)


def _is_known(code: Code, frame: Number) -> Number:
    """Whether the sizes of the structs put their members where this module reads them.

    A struct that lies inside another must have its known size; one that is pointed to may have
    grown. The check reads the first argument and the first result, which every kernel has.
    """
    known = code.word(frame) >= _FRAME
    for start in (frame + 8 * 5, frame + 8 * 10):
        array = code.word(code.word(start + 8 * 4))
        known = known & code.word(start).equals(_LIST) & (code.word(array) >= _ARRAY)
    return known


def _tell_version(code: Code, frame: Number) -> None:
    """Answer with XLA's own minor version of the major version that this module knows.

    XLA refuses a function of another major version than its own, or of a minor version that it no
    longer supports.
    """
    extension = code.word(frame + 8)
    with code.when(extension > 0), code.when(code.word(extension + 8, I32).equals(1)):
        version = _api(code, frame) + 8 * 2
        same = code.word(version).equals(_VERSION) & code.word(version + 8 * 2, I32).equals(_MAJOR)
        minor = code.choose(same, code.word(version + 8 * 2 + 4, I32), _OLDEST_MINOR)
        stated = code.word(extension + 8 * 3) + 8 + 8 * 2
        code.store(Number(code.builder, I32(_MAJOR)), stated)
        code.store(minor.as_integer(I32), stated + 4)
        code.return_(code.integer(0))
