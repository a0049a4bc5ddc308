"""Cards and their limits, from their makers' data sheets."""

from dataclasses import dataclass, field
from typing import Any

from neurodyn.estimates.work import Launch

#: Seconds that a launch takes on a card, of the order that CUDA's kernels in a row need. No data
#: sheet gives it; `Card(launch=...)` sets another.
LAUNCH = 2.5e-6
_PRECISIONS = ("float64", "float32", "tf32", "bfloat16")


@dataclass(frozen=True)
class Card:
    """The limits of a card, for its roofline.

    Parameters
    ----------
    name
        Its name.
    peak
        Largest speed [FLOP/s] by precision: ``"float32"`` is needed (also for everything that is no
        matrix product); ``"tf32"``, ``"bfloat16"`` (dense, without sparsity) and ``"float64"``.
    bandwidth
        Of its memory [bytes/s].
    memory
        Size of its memory [bytes].
    launch
        Seconds that one launch takes; default 2.5 microseconds, the order of kernels in a row.
    source
        Where the numbers are from.

    Raises
    ------
    ValueError
        If a number is not above 0, or a precision is unknown or "float32" missing.

    Examples
    --------
    >>> from neurodyn.estimates import Card
    >>> Card("mine", peak={"float32": 10e12}, bandwidth=500e9, memory=16e9).memory
    16000000000.0
    """

    name: str
    peak: dict[str, float]
    bandwidth: float
    memory: float
    launch: float = LAUNCH
    source: str = field(default="")

    def __post_init__(self) -> None:
        if unknown := set(self.peak) - set(_PRECISIONS):
            raise ValueError(
                f"Card {self.name}: unknown precision {sorted(unknown)[0]!r} of `peak`; known are "
                f"{', '.join(_PRECISIONS)}."
            )
        if "float32" not in self.peak:
            raise ValueError(
                f'Card {self.name}: `peak` needs "float32" [FLOP/s], got {list(self.peak)}.'
            )
        numbers = {f"peak[{k!r}]": v for k, v in self.peak.items()}
        numbers |= {"bandwidth": self.bandwidth, "memory": self.memory, "launch": self.launch}
        for name, value in numbers.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
                raise ValueError(
                    f"Card {self.name}: `{name}` must be a number above 0 (FLOP/s, bytes/s, bytes, "
                    f"s), got {value!r}."
                )

    def time(self, launch: Launch, precision: str) -> tuple[float, str]:
        """Seconds of a launch by the roofline, and what limits it."""
        if launch.kind.startswith("loop") or launch.nbytes <= 64:
            return 0.0, "overhead"  # counters, which cards keep with the program
        products = sum(p.flops for p in launch.products)
        double = any(p.dtype == "f64" for p in launch.products)
        peak = self.peak.get("float64" if double else precision, self.peak["float32"])
        compute = products / peak + (launch.flops - products) / self.peak["float32"]
        moved = launch.nbytes / self.bandwidth
        seconds, start = max(compute, moved), launch.launches * self.launch
        if start > seconds:
            return start + seconds, "overhead"
        return start + seconds, "compute" if compute >= moved else "bandwidth"

    def default_precision(self) -> str:
        """The precision in which JAX multiplies single precision numbers on it by default."""
        return "tf32" if "tf32" in self.peak else "float32"


def _card(name, float32, tf32, bfloat16, float64, gb_s, gb, source) -> Card:
    peak = {"float64": float64, "float32": float32, "tf32": tf32, "bfloat16": bfloat16}
    known = {precision: 1e12 * x for precision, x in peak.items() if x is not None}
    return Card(name, known, 1e9 * gb_s, 1e9 * gb, source=source)


_SHEET = "NVIDIA {} datasheet"
#: The cards that are known by name: FLOP/s without sparsity.
CARDS: dict[str, Card] = {
    card.name: card
    for card in (
        _card("T4", 8.1, None, None, None, 320, 16, _SHEET.format("T4 Tensor Core GPU")),
        _card("V100", 15.7, None, None, 7.8, 900, 32, _SHEET.format("V100 (SXM2)")),
        _card("A100", 19.5, 156, 312, 9.7, 2039, 80, _SHEET.format("A100 (SXM, 80 GB)")),
        _card("L4", 30.3, 60, 121, None, 300, 24, _SHEET.format("L4 Tensor Core GPU")),
        _card("L40S", 91.6, 183, 362, None, 864, 48, _SHEET.format("L40S")),
        _card("H100", 67, 494, 989, 34, 3350, 80, _SHEET.format("H100 (SXM)")),
        _card("H200", 67, 494, 989, 34, 4800, 141, _SHEET.format("H200 (SXM)")),
        _card("RTX 3090", 35.6, 35.6, 71, None, 936, 24, "NVIDIA Ampere GA102 whitepaper, GeForce"),
        _card("RTX 4090", 82.6, 82.6, 165.2, None, 1008, 24, "NVIDIA Ada architecture whitepaper"),
    )
}


def as_card(given: Any) -> Card:
    """A card by name, whatever its case and spaces; or as it is.

    Raises
    ------
    ValueError, TypeError
        If the name is unknown, or it is neither a name nor a card.
    """
    if isinstance(given, Card):
        return given
    if not isinstance(given, str):
        raise TypeError(
            f"`card` is a name ({', '.join(CARDS)}) or a neurodyn.estimates.Card, got a "
            f"{type(given).__name__}."
        )
    plain = {_plain(name): card for name, card in CARDS.items()}
    if _plain(given) not in plain:
        raise ValueError(
            f"card={given!r} is not known; known are {', '.join(CARDS)}. For another, pass "
            "neurodyn.estimates.Card(name, peak={'float32': FLOP/s}, bandwidth=bytes/s, "
            "memory=bytes)."
        )
    return plain[_plain(given)]


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum()).removeprefix("nvidia")
