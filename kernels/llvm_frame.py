"""What XLA hands over when it calls a compiled function."""

from neurodyn.kernels.llvm import Program
from neurodyn.kernels.llvm_code import I32, Code
from neurodyn.kernels.llvm_number import Number

__all__ = ["Buffers", "begin_handler"]


def begin_handler(
    program: Program, name: str, version: tuple[int, int]
) -> tuple[Code, Number, Number]:
    """Begin the function that XLA calls, which answers when asked for the interface's version.

    Returns
    -------
    code, arguments, results
        The function with its frame as the one argument, and the addresses of two lists of arrays.
    """
    code = program.function(name, 1, gives=True)
    (frame,) = code.arguments
    _tell_version(code, frame, version)
    return code, code.word(frame + 8 * 9), code.word(frame + 8 * 14)


class Buffers:
    """The arguments or the results of a call.

    An array is (struct_size, extension, dtype, data, rank, dims), in words.
    """

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


def _tell_version(code: Code, frame: Number, version: tuple[int, int]) -> None:
    """XLA asks for the version of the interface by an extension of the frame, of type 1."""
    extension = code.word(frame + 8)
    with code.when(extension > 0), code.when(code.word(extension + 8, I32).equals(1)):
        stated = code.word(extension + 8 * 3) + 8 + 16
        for k, part in enumerate(version):
            code.store(Number(code, I32(part)), stated + 4 * k)
        code.give(code.integer(0))
