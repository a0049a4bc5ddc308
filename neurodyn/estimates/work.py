"""What a compiled program does: operations, bytes and products, of each launch and in all."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

#: Classes of operations that cost alike; all others are "plain" (add, multiply, compare, shift).
CLASSES = {
    "divide": "divide sqrt rsqrt cbrt remainder power atan2",
    "exp": "exponential exponential-minus-one logistic erf",
    "log": "log log-plus-one",
    "tanh": "tanh",
    "sine": "sine cosine tan",
    "gather": "gather",
    "scatter": "scatter",
    "sort": "sort topk",
    "reduce": "reduce reduce-window",
}
CLASS_OF = {op: name for name, ops in CLASSES.items() for op in ops.split()}
#: Operations that XLA counts as transcendental, apart from its FLOPs.
TRANSCENDENTAL = frozenset(
    [
        "exponential",
        "exponential-minus-one",
        "logistic",
        "log",
        "log-plus-one",
        "tanh",
        "sine",
        "cosine",
        "tan",
        "erf",
        "power",
        "atan2",
        "sqrt",
        "rsqrt",
        "cbrt",
    ]
)


class Product(NamedTuple):
    """A matrix product: `batch` times ``(m, k) @ (k, n)``."""

    batch: int
    m: int
    k: int
    n: int
    dtype: str

    @property
    def flops(self) -> float:
        """A multiplication and an addition for each term."""
        return 2.0 * self.batch * self.m * self.k * self.n


class Launch(NamedTuple):
    """One call of compiled code inside a program: a fusion, a product, a kernel.

    Attributes
    ----------
    kind
        ``"product"``, ``"elementwise"``, ``"copy"``, ``"loop"``, the name of one of the library's
        kernels, or ``"other"``.
    classes
        Number of operations of each class of `CLASSES`, and "plain".
    flops, transcendentals
        As XLA counts them; products included.
    nbytes
        Bytes read and written.
    products
        Matrix products inside.
    inline
        Whether it is part of a small loop that XLA compiles as one function, without launches.
    launches
        How many launches it takes on a device that has no kernel for it; 1 but for kernels.
    row
        Length of the rows of the result, along which processors compute several numbers at once.
    """

    kind: str
    classes: tuple[tuple[str, float], ...] = ()
    flops: float = 0.0
    transcendentals: float = 0.0
    nbytes: float = 0.0
    products: tuple[Product, ...] = ()
    inline: bool = False
    launches: float = 1.0
    row: int = 0


class Work:
    """Launches and how often each of them happens.

    Parameters
    ----------
    counts
        Pairs of a launch and its number.
    """

    def __init__(self, counts: Iterable[tuple[Launch, float]] = ()):
        self.counts: Counter[Launch] = Counter()
        for launch, times in counts:
            self.counts[launch] += times  # type: ignore[assignment]

    def __add__(self, other: "Work") -> "Work":
        return Work([*self.counts.items(), *other.counts.items()])

    def times(self, factor: float) -> "Work":
        """So many times this work."""
        return Work((launch, n * factor) for launch, n in self.counts.items())

    @property
    def flops(self) -> float:
        """Arithmetic operations, as XLA counts them."""
        return sum(n * launch.flops for launch, n in self.counts.items())

    @property
    def transcendentals(self) -> float:
        """Evaluations of functions such as tanh and exp."""
        return sum(n * launch.transcendentals for launch, n in self.counts.items())

    @property
    def nbytes(self) -> float:
        """Bytes that launches read and write."""
        return sum(n * launch.nbytes for launch, n in self.counts.items())

    @property
    def product_flops(self) -> float:
        """Operations of matrix products."""
        return sum(n * p.flops for launch, n in self.counts.items() for p in launch.products)

    @property
    def launches(self) -> float:
        """Calls of compiled code, those inside small loops left out."""
        return sum(n * c.launches for c, n in self.counts.items() if not c.inline)
