"""Counts what a compiled program does, with every loop as often as it runs.

XLA's own analysis counts the body of a loop once, and functions that it calls not at all.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from neurodyn.estimates import kernel_work
from neurodyn.estimates.fusions import bytes_of, bytes_of_fusion, demand
from neurodyn.estimates.hlo import Computation, Instruction, Program, Shape
from neurodyn.estimates.work import CLASS_OF, TRANSCENDENTAL, Launch, Product, Work

_FREE = frozenset(
    [
        "parameter",
        "constant",
        "get-tuple-element",
        "tuple",
        "bitcast",
        "after-all",
        "partition-id",
        "replica-id",
        "domain",
        "opt-barrier",
        "add-dependency",
    ]
)
#: Operations that move numbers and compute none.
_MOVES = frozenset(
    [
        "broadcast",
        "iota",
        "reshape",
        "slice",
        "dynamic-slice",
        "dynamic-update-slice",
        "transpose",
        "concatenate",
        "pad",
        "reverse",
        "copy",
        "bitcast-convert",
        "copy-start",
        "copy-done",
        "gather",
    ]
)
#: A loop that is counted once because nothing tells how often it runs.
UNKNOWN = "loop of unknown length"


@dataclass
class Loops:
    """How often loops run whose number XLA does not know, and which branches are taken.

    Attributes
    ----------
    outer
        Iterations of the outermost loop of unknown length (a training program makes its steps in
        one), or None where it is like the others.
    length
        Iterations of the others: the steps that the trials have.
    branches
        Share of each branch of the outermost conditional with so many branches.
    lengths
        The length in each of these branches.
    spikes
        Spikes of a unit in a step.
    """

    outer: int | None = None
    length: float | None = None
    branches: Sequence[float] = ()
    lengths: Sequence[float] = ()
    spikes: float = 0.0


def count(program: Program, loops: Loops) -> Work:
    """The work of one call of a program."""
    return _Counter(program, loops).computation(program.entry, loops.length, loops.outer, False)


class _Counter:
    def __init__(self, program: Program, loops: Loops):
        self._program, self._loops = program, loops
        self._known: dict = {}

    def computation(
        self, name: str, length: float | None, outer: int | None, inline: bool, top: bool = True
    ) -> Work:
        """The work of a computation; known ones are not counted again."""
        key = (name, length, outer, inline, top)
        if key not in self._known:
            here = self._program.computations[name]
            work = Work()
            for each in here.instructions.values():
                work = work + self._instruction(here, each, length, outer, inline, top)
            self._known[key] = work
        return self._known[key]

    def _instruction(self, here, each, length, outer, inline, top) -> Work:
        if each.opcode in _FREE:
            return Work()
        if each.opcode == "while":
            return self._loop(each, length, outer, inline, top)
        if each.opcode == "conditional":
            return self._conditional(each, length, outer, inline, top)
        if each.opcode in ("call", "async-start"):
            inside = each.called("to_apply") or each.called("calls")
            small = 'xla_cpu_small_call="true"' in each.attributes
            return (
                Work()
                if inside is None
                else self.computation(inside, length, outer, inline or small, top)
            )
        if each.opcode == "custom-call":
            known = kernel_work.launches(each, here.shapes_of(each), length, self._loops.spikes)
            if known is not None:
                return Work([(known._replace(inline=inline), 1.0)])
        return Work([(self._launch(here, each, inline), 1.0)])

    def _loop(self, each, length, outer, inline, top) -> Work:
        trips, body, condition = each.trip_count, each.called("body"), each.called("condition")
        if trips is None and outer is not None:
            trips, outer = outer, None
        elif trips is None:
            trips = length
        known = trips is not None
        trips = trips if known else 1
        work = Work([(Launch("loop" if known else UNKNOWN, inline=inline), 1.0)])
        for inside in (body, condition):
            work = work + self.computation(inside, length, outer, inline, top)
        return work.times(trips)

    def _conditional(self, each, length, outer, inline, top) -> Work:
        names, shares = each.branches(), self._loops.branches
        begin = Work([(Launch("copy", inline=inline), 1.0)])
        if top and len(shares) == len(names) > 1:
            for name, share, own in zip(names, shares, self._loops.lengths, strict=True):
                begin = begin + self.computation(name, own, outer, inline, False).times(share)
            return begin
        works = [self.computation(name, length, outer, inline, top) for name in names]
        kernels = [any(launch.kind.startswith("kernel") for launch in w.counts) for w in works]
        # A branch with a kernel is the usual one, the other its replacement for rare values.
        if kernels.count(True) == 1:
            return begin + works[kernels.index(True)]
        return begin + max(works, key=lambda w: w.flops + w.nbytes)

    def _launch(self, here: Computation, each: Instruction, inline: bool) -> Launch:
        inside = each.called("calls") if each.opcode == "fusion" else None
        if inside is None:
            tally = _Tally()
            tally.add(self, here, each, each.shape.size)
            nbytes = bytes_of(here, each)
        else:
            tally, nbytes = self.fused(inside)
        classes = tuple(sorted(tally.classes.items()))
        kind = "elementwise" if tally.computes else "copy"
        return Launch(
            "product" if tally.products else kind,
            classes,
            tally.flops,
            tally.special,
            nbytes,
            tuple(tally.products),
            inline,
            row=each.shape.dims[-1] if each.shape.dims else 1,
        )

    def fused(self, name: str) -> tuple["_Tally", float]:
        """What a fusion computes, and the bytes that it reads and writes."""
        if ("fused", name) not in self._known:
            inside = self._program.computations[name]
            wanted, tally = demand(inside), _Tally()
            for each in inside.instructions.values():
                if each.opcode not in _FREE:
                    tally.add(self, inside, each, wanted[each.name])
            self._known["fused", name] = tally, bytes_of_fusion(inside)
        return self._known["fused", name]

    def applied(self, name: str | None) -> float:
        """Operations of the function of a reduction for each entry."""
        if name is None:
            return 1.0
        found = self._program.computations[name].instructions.values()
        return max(1.0, float(sum(i.opcode not in _FREE for i in found)))


class _Tally:
    """Sums of what the instructions of one launch compute."""

    def __init__(self) -> None:
        self.classes: dict[str, float] = defaultdict(float)
        self.products: list[Product] = []
        self.flops = self.special = 0.0
        self.computes = False

    def add(self, counter: _Counter, here: Computation, each: Instruction, size: float) -> None:
        """Add an instruction of which `size` entries are computed."""
        op = each.opcode
        if op == "fusion":
            inner, _ = counter.fused(str(each.called("calls")))
            for name, n in inner.classes.items():
                self.classes[name] += n
            self.products += inner.products
            self.flops, self.special = self.flops + inner.flops, self.special + inner.special
            self.computes |= inner.computes
        elif op in ("dot", "convolution", "custom-call"):
            product = _product(here, each)
            if product is not None:
                self.products.append(product)
                self.flops += product.flops
        elif op in ("reduce", "reduce-window", "scatter", "sort", "map"):
            shapes = here.shapes_of(each)
            size = float(shapes[-1 if op == "scatter" else 0].size) if shapes else 0.0
            if op == "sort":
                size *= math.log2(max(2, shapes[0].dims[-1] if shapes[0].dims else 2))
            self.classes[CLASS_OF.get(op, "plain")] += size
            self.flops += 0.0 if op == "sort" else size * counter.applied(each.called("to_apply"))
            self.computes = True
        elif op in _MOVES:
            self.classes["gather" if op == "gather" else "moved"] += size
        else:
            self.classes[CLASS_OF.get(op, "plain")] += size
            if op in TRANSCENDENTAL:
                self.special += size
            else:
                self.flops += size
            self.computes = True


def _product(here: Computation, each: Instruction) -> Product | None:
    """The matrix product of a dot, a convolution, or a library call that names one."""
    shapes = here.shapes_of(each)
    if each.opcode == "custom-call" and not any(
        word in each.target for word in ("gemm", "matmul", "dot")
    ):
        return None
    if len(shapes) < 2:
        return None
    left, right, out = shapes[0], shapes[1], each.shape
    if each.opcode == "convolution":
        window = right.size / max(1, right.dims[-1] if right.dims else 1)
        return Product(1, out.size, math.ceil(window), 1, out.dtype)
    batch = math.prod(left.dims[d] for d in each.numbers("lhs_batch_dims"))
    contracted = each.numbers("lhs_contracting_dims")
    k = math.prod(left.dims[d] for d in contracted) if contracted else _common(left, right, out)
    n = max(1, right.size // max(1, k * batch))
    return Product(batch, max(1, out.size // max(1, n * batch)), k, n, out.dtype)


def _common(left: Shape, right: Shape, out: Shape) -> int:
    """The contracted size of a call that hides it: left (m, k), right (k, n), out (m, n)."""
    return max(1, round(math.sqrt(left.size * right.size / max(1, out.size))))
