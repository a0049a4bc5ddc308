"""What a fusion computes of its parts, and which bytes an operation touches."""

from collections import defaultdict

from neurodyn.estimates.hlo import Computation, Instruction

#: Operations that read a piece of their first argument.
_CUTS = ("slice", "dynamic-slice", "gather")


def demand(inside: Computation) -> dict[str, float]:
    """How many entries of each instruction a fusion computes for its result."""
    wanted: dict[str, float] = defaultdict(float)
    wanted[inside.root] = inside.of(inside.root).shape.size
    for each in reversed(list(inside.instructions.values())):
        own = min(float(each.shape.size), wanted[each.name])
        wanted[each.name] = own
        if each.opcode in ("parameter", "constant"):
            continue
        for i, name in enumerate(each.operands):
            size = float(inside.of(name).shape.size)
            if each.opcode == "dynamic-update-slice":
                share = 0.0 if i == 0 else size
                wanted[each.name] = min(own, float(inside.of(each.operands[1]).shape.size))
            elif each.opcode in ("reduce", "dot", "sort", "broadcast", "tuple", "scatter"):
                share = size
            else:
                share = min(size, own) if size > 1 else size
            wanted[name] += share
    return wanted


def bytes_of_fusion(inside: Computation) -> float:
    """The bytes that a fusion reads and writes; of arrays that it cuts only the piece."""
    users: dict[str, list[tuple[Instruction, int]]] = defaultdict(list)
    for each in inside.instructions.values():
        if each.opcode not in ("parameter", "constant"):
            for i, name in enumerate(each.operands):
                users[name].append((each, i))
    read = 0.0
    for each in inside.instructions.values():
        if each.opcode == "parameter":
            read += sum(_bytes_read(inside, each, by, i, users) for by, i in users[each.name])
    return read + _written(inside, inside.of(inside.root))


def _bytes_read(inside, source: Instruction, user: Instruction, place: int, users) -> float:
    if user.opcode in _CUTS and place == 0:
        return min(source.nbytes, user.nbytes)
    if user.opcode == "dynamic-update-slice" and place == 0:
        return 0.0
    if user.opcode in ("bitcast", "get-tuple-element"):
        return sum(_bytes_read(inside, user, by, i, users) for by, i in users[user.name])
    return source.nbytes / max(1, len(users[source.name]))


def _written(inside: Computation, root: Instruction) -> float:
    if root.opcode == "tuple":
        return sum(_written(inside, inside.of(name)) for name in root.operands)
    if root.opcode in ("bitcast", "copy") and len(root.operands) == 1:
        below = inside.of(root.operands[0])
        if below.opcode == "dynamic-update-slice":
            return _written(inside, below)
    if root.opcode == "dynamic-update-slice":
        return inside.of(root.operands[1]).nbytes
    return root.nbytes


def bytes_of(here: Computation, each: Instruction) -> float:
    """The bytes that one operation reads and writes."""
    if each.opcode == "dynamic-update-slice":
        return 2.0 * here.of(each.operands[1]).nbytes
    if each.opcode in _CUTS:
        return 2.0 * each.nbytes
    return each.nbytes + sum(here.of(name).nbytes for name in each.operands)
