"""Programs as XLA compiled them, read from their text: computations, instructions, shapes."""

import math
import re
from dataclasses import dataclass, field
from typing import NamedTuple

#: Bytes of one number by XLA's name of its type; bits of packed types are rounded up.
WIDTHS = {
    **dict.fromkeys(("pred", "s8", "u8", "s4", "u4", "s2", "u2", "s1", "u1"), 1),
    **dict.fromkeys(("s16", "u16", "f16", "bf16"), 2),
    **dict.fromkeys(("s32", "u32", "f32"), 4),
    **dict.fromkeys(("s64", "u64", "f64", "c64"), 8),
    "c128": 16,
}
_SHAPE = re.compile(r"([a-z]\w*)\[([\d,<=]*)\]")
_NAME = re.compile(r"%([\w.\-]+)")
_INSTRUCTION = re.compile(r"^\s*(ROOT )?%([\w.\-]+) = ")
_COMPUTATION = re.compile(r"^(ENTRY )?%([\w.\-]+) \(")


class Shape(NamedTuple):
    """Type and dims of one array."""

    dtype: str
    dims: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self.dims)

    @property
    def nbytes(self) -> int:
        """Bytes of all entries; 0 for tokens and the like."""
        return self.size * WIDTHS.get(self.dtype, 1 if self.dtype.startswith("f8") else 0)


class Instruction(NamedTuple):
    """One operation of a program.

    Attributes
    ----------
    shapes
        Of the result; several if it is a tuple.
    operands
        Names of the instructions that it reads; of a parameter its number, of a constant its text.
    attributes
        What follows, as text.
    """

    name: str
    opcode: str
    shapes: tuple[Shape, ...]
    operands: tuple[str, ...]
    attributes: str

    @property
    def shape(self) -> Shape:
        """The (first) array of the result."""
        return self.shapes[0] if self.shapes else Shape("token", (0,))

    @property
    def nbytes(self) -> int:
        """Bytes of the result."""
        return sum(shape.nbytes for shape in self.shapes)

    def called(self, name: str) -> str | None:
        """The computation of that attribute (``calls``, ``to_apply``, ``body``, ``condition``)."""
        found = re.search(rf"\b{name}=%([\w.\-]+)", self.attributes)
        return None if found is None else found[1]

    def branches(self) -> list[str]:
        """The computations of a conditional."""
        found = re.search(r"branch_computations=\{([^}]*)\}", self.attributes)
        if found is not None:
            return _NAME.findall(found[1])
        both = (self.called("false_computation"), self.called("true_computation"))
        return [each for each in both if each is not None]

    def numbers(self, name: str) -> tuple[int, ...]:
        """The numbers in braces of an attribute, e.g. ``lhs_contracting_dims``."""
        found = re.search(rf"\b{name}=\{{([\d,]*)\}}", self.attributes)
        return () if found is None or not found[1] else tuple(map(int, found[1].split(",")))

    @property
    def trip_count(self) -> int | None:
        """How often a loop runs, where XLA knows."""
        found = re.search(r'"known_trip_count":\{"n":"(\d+)"\}', self.attributes)
        return None if found is None else int(found[1])

    @property
    def target(self) -> str:
        """The function of a custom call."""
        found = re.search(r'custom_call_target="([^"]*)"', self.attributes)
        return "" if found is None else found[1]


@dataclass
class Computation:
    """Instructions by name, in the order in which they run; `root` is the result."""

    name: str
    instructions: dict[str, Instruction] = field(default_factory=dict)
    root: str = ""

    def of(self, name: str) -> Instruction:
        """The instruction of that name."""
        return self.instructions[name]

    def shapes_of(self, instruction: Instruction) -> list[Shape]:
        """First shapes of what an instruction reads."""
        return [self.of(name).shape for name in instruction.operands]


class Program(NamedTuple):
    """The computations of a compiled program by name, and the name of the one that runs."""

    computations: dict[str, Computation]
    entry: str


def parse(text: str) -> Program:
    """Read the text of a compiled program, ``lowered.compile().as_text()``.

    Raises
    ------
    ValueError
        If it is not such a text.
    """
    computations: dict[str, Computation] = {}
    entry, current = "", None
    for line in text.splitlines():
        if current is None or not line.startswith(" "):
            begins = _COMPUTATION.match(line)
            if begins is not None:
                current = Computation(begins[2])
                computations[begins[2]] = current
                entry = begins[2] if begins[1] else entry
            continue
        found = _INSTRUCTION.match(line)
        if found is None:
            continue
        instruction = _instruction(found[2], line[found.end() :])
        current.instructions[found[2]] = instruction
        current.root = found[2] if found[1] else current.root
    if not entry:
        raise ValueError("This is no text of a compiled program: it has no ENTRY computation.")
    return Program(computations, entry)


def _instruction(name: str, rest: str) -> Instruction:
    end = _closed(rest, 0) if rest.startswith("(") else rest.index(" ")
    kind, rest = rest[:end], rest[end:].lstrip()
    opcode, _, rest = rest.partition("(")
    end = _closed("(" + rest, 0) - 1
    inside, attributes = rest[: end - 1], rest[end:]
    if opcode in ("parameter", "constant"):
        operands: tuple[str, ...] = (inside,)
    else:
        operands = tuple(_NAME.findall(inside))
    shapes = tuple(
        Shape(dtype, tuple(int(d.lstrip("<=")) for d in dims.split(",") if d))
        for dtype, dims in _SHAPE.findall(re.sub(r"/\*.*?\*/|\{[^}]*\}", "", kind))
    )
    return Instruction(name, opcode, shapes, operands, attributes)


def _closed(text: str, start: int) -> int:
    """The place after the parenthesis that closes the one at `start`."""
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] == "(") - (text[i] == ")")
        if depth == 0:
            return i + 1
    raise ValueError(f"This is no text of a compiled program: {text[:80]!r} is not closed.")
