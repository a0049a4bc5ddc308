"""Numbers of a program under construction, with the operators of Python."""

from functools import partialmethod

from llvmlite import ir

_I64 = ir.IntType(64)


class Builder(ir.IRBuilder):
    """Writes instructions; `flags` are those of its floating-point arithmetic."""

    flags: tuple[str, ...] = ()


class Number:
    """An integer, a float, or a vector of either in the program under construction.

    Integers divide by ``//`` and ``%``, which round towards zero (unlike Python's, for negative
    numbers), and floats by ``/``. The other one of the two is refused.
    """

    def __init__(self, builder: Builder, value):
        self.builder, self.value = builder, value

    def operand(self, other):
        """LLVM's value for a `Number` or for a Python number of the same type as this one."""
        return other.value if isinstance(other, Number) else constant(self.value.type, other)

    def _new(self, value) -> "Number":
        return Number(self.builder, value)

    def _binary(self, name, other, swapped=False):
        left, right = self.value, self.operand(other)
        left, right = (right, left) if swapped else (left, right)
        if is_integer(self.value.type):
            return self._new(getattr(self.builder, name)(left, right))
        return self._new(getattr(self.builder, "f" + name)(left, right, flags=self.builder.flags))

    __add__ = __radd__ = partialmethod(_binary, "add")
    __sub__ = partialmethod(_binary, "sub")
    __rsub__ = partialmethod(_binary, "sub", swapped=True)
    __mul__ = __rmul__ = partialmethod(_binary, "mul")

    def __truediv__(self, other):
        self._refuse("/", integer=True, instead="//")
        return self._binary("div", other)

    def __rtruediv__(self, other):
        self._refuse("/", integer=True, instead="//")
        return self._binary("div", other, swapped=True)

    def __floordiv__(self, other):
        self._refuse("//", integer=False, instead="/")
        return self._binary("sdiv", other)

    def __mod__(self, other):
        self._refuse("%", integer=False, instead="/")
        return self._binary("srem", other)

    def __neg__(self):
        return self * -1

    def _bitwise(self, name, other):
        return self._new(getattr(self.builder, name)(self.value, self.operand(other)))

    __and__ = partialmethod(_bitwise, "and_")
    __or__ = partialmethod(_bitwise, "or_")
    __xor__ = partialmethod(_bitwise, "xor")
    __lshift__ = partialmethod(_bitwise, "shl")
    __rshift__ = partialmethod(_bitwise, "ashr")

    def __invert__(self):
        return self._new(self.builder.not_(self.value))

    def _compare(self, sign, other):
        integer = is_integer(self.value.type)
        compare = self.builder.icmp_signed if integer else self.builder.fcmp_ordered
        return self._new(compare(sign, self.value, self.operand(other)))

    __lt__ = partialmethod(_compare, "<")
    __le__ = partialmethod(_compare, "<=")
    __gt__ = partialmethod(_compare, ">")
    __ge__ = partialmethod(_compare, ">=")

    def equals(self, other):
        """Whether the two are equal in the running program; ``==`` compares the Python objects."""
        return self._compare("==", other)

    def as_integer(self, kind=_I64) -> "Number":
        """The integer with as many bits as `kind`; a true condition is 1."""
        narrower = kind.width < self.value.type.width
        change = self.builder.trunc if narrower else self.builder.zext
        return self._new(change(self.value, kind))

    def _refuse(self, sign: str, *, integer: bool, instead: str) -> None:
        if is_integer(self.value.type) == integer:
            kind = "integers" if integer else "floats"
            raise TypeError(f"{sign} does not divide {kind} ({self.value.type}): use {instead}.")


class Cell:
    """A variable of the program under construction."""

    def __init__(self, builder: Builder, place):
        self._builder, self._place = builder, place

    def get(self) -> Number:
        """Read the variable."""
        return Number(self._builder, self._builder.load(self._place))

    def put(self, value: Number) -> None:
        """Write the variable."""
        self._builder.store(value.value, self._place)


def is_integer(kind) -> bool:
    """Whether an LLVM type is that of integers, or of vectors of integers."""
    return isinstance(getattr(kind, "element", kind), ir.IntType)


def constant(kind, value):
    """A constant of an LLVM type; of a vector type, with the same number in every lane."""
    if isinstance(kind, ir.VectorType):
        return ir.Constant(kind, [value] * kind.count)
    return ir.Constant(kind, value)
