"""What the library's own compiled kernels do, of which XLA sees only a call."""

import math
from collections.abc import Sequence

from neurodyn.estimates.hlo import Instruction, Shape
from neurodyn.estimates.work import Launch, Product

_PREFIX = "neurodyn_"
#: Functions in the activations, for each unit and step.
_SPECIAL = {"tanh": "tanh", "sigmoid": "exp", "softplus": "exp"}


def launches(
    each: Instruction, given: Sequence[Shape], length: float | None, spikes: float
) -> Launch | None:
    """The work of a call of one of the kernels, or None for other functions.

    Parameters
    ----------
    given
        Shapes of the arguments.
    length
        Steps of a run with a bound that is known only when it runs.
    spikes
        Spikes of a unit in a step.
    """
    if not each.target.startswith(_PREFIX):
        return None
    name = each.target.removeprefix(_PREFIX)
    if name.startswith("ctrnn"):
        return _recurrence(name, each, given, length)
    if name.startswith("normal"):
        return _normal(each)
    return _events(name, each, given, spikes)


def _recurrence(name: str, each: Instruction, given: Sequence[Shape], length) -> Launch:
    """A pass of the leaky recurrence: arguments W, U, b, alpha, x, h0, noise..."""
    _, which, _, activation, dtype = (
        name.split("_", 4)
        if name.count("_") == 4
        else (
            *name.split("_")[:3],
            "_".join(name.split("_")[3:-1]),
            name.split("_")[-1],
        )
    )
    units, inputs = given[0].dims[0], given[1].dims[0]
    x = next(s for s in given if len(s.dims) == 3 and s.dims[2] == inputs)
    steps, batch = x.dims[:2]
    steps = steps if length is None else min(steps, length)
    rows = math.ceil(steps * batch)
    short = "f64" if "64" in dtype else "f32"
    # Forward: the states by W, the inputs by U. Backward: by the transposed W, and the sums of
    # outer products for both; cotangents of inputs are left out, as hardly any training needs them.
    products = [Product(1, rows, units + inputs, units, short)]
    if which == "backward":
        products = [
            Product(1, rows, units, units, short),
            Product(1, units + inputs, rows, units, short),
        ]
    entries = rows * units
    special = 0.0 if which == "backward" else float(entries * (activation in _SPECIAL))
    plain = 8.0 * entries
    flops = sum(p.flops for p in products) + plain
    width = 8 if short == "f64" else 4
    passes = 3 if which == "backward" else 2  # states, what drives them, their cotangents
    nbytes = width * (passes * entries + rows * inputs + (units + inputs) * units)
    classes = (("plain", plain), *(((_SPECIAL[activation], special),) if special else ()))
    return Launch(
        f"kernel ctrnn {which}",
        classes,
        flops,
        special,
        float(nbytes),
        tuple(products),
        launches=(3.0 if which == "forward" else 4.0) * steps,
    )


def _normal(each: Instruction) -> Launch:
    """Normal numbers: 13 rounds of the cipher for two words, then the inverse error function."""
    n = float(each.shape.size)
    return Launch(
        "kernel normal", (("plain", 90.0 * n), ("log", n)), 90.0 * n, n, 4.0 * n, launches=1.0
    )


def _events(name: str, each: Instruction, given: Sequence[Shape], spikes: float) -> Launch:
    """Products of spikes: each neuron is looked at, and those that spiked add their synapses."""
    kind = "kernel events"
    if name.startswith("add_rows"):
        trials, pre = given[0].dims
        events, looked = trials * pre * spikes * given[1].dims[1], trials * pre
    else:
        synapses = sum(s.size for s in given if s.dtype == "f32" and len(s.dims) == 1)
        words = next((s for s in given if s.dtype == "u32"), None)
        spiked = next((s for s in given if s.dtype == "f32" and len(s.dims) == 2), each.shape)
        trials = (words or spiked).dims[0]
        looked = words.size if words is not None else spiked.size
        events = trials * synapses * spikes
    touched = sum(s.nbytes for s in each.shapes) if "delayed" not in name else 0.0
    return Launch(
        kind,
        (("event", events), ("plain", float(looked))),
        events + looked,
        0.0,
        12.0 * events + 4.0 * looked + (touched if name.startswith("add_synapses") else 0.0),
    )
