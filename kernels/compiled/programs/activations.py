"""Activations of vectors of floats, and their slopes."""

import math
from collections.abc import Callable
from typing import NamedTuple

from neurodyn.kernels.compiled.llvm.code import Code
from neurodyn.kernels.compiled.llvm.number import Number

# log(2) as a sum: a part with few bits, whose integer multiples are exact, and the rest.
_LN2 = {
    4: (0.693359375, -2.12194440e-4),
    8: (6.93147180369123816490e-01, 1.90821492927058770002e-10),
}
_TERMS = {4: 7, 8: 14}  # of the Taylor series of exp up to log(2) / 2: exact to rounding
_LOG_TERMS = {4: 8, 8: 18}
_LOWEST = {4: -87.0, 8: -708.0}  # where exp is not yet denormal
_MANTISSA, _BIAS = {4: 23, 8: 52}, {4: 127, 8: 1023}
_LEAK = 0.01


class CodeActivation(NamedTuple):
    """As `neurodyn.kernels.rate.activations.Activation`.

    `above` tells from the output whether the input was above the kink.
    """

    value: Callable[[Code, Number], Number]
    slope: Callable[[Code, Number], Number]
    above: Callable[[Number], Number] | None = None
    below: float | None = None


def _expm1_parts(code: Code, x: Number) -> tuple[Number, Number]:
    """(s, q) such that ``exp(x) = s + s q``, s a power of two and q small; x at most about 0."""
    size = code.size
    x = code.choose(x < _LOWEST[size], _LOWEST[size], x)
    magic = 1.5 * 2.0 ** _MANTISSA[size]  # an integer added to it appears in the lowest bits
    shifted = x * (1 / math.log(2)) + magic
    n = shifted - magic
    high, low = _LN2[size]
    r = (x - n * high) - n * low
    series = code.splat(1 / math.factorial(_TERMS[size]))
    for k in range(_TERMS[size] - 1, 1, -1):
        series = series * r + 1 / math.factorial(k)
    power = (code.bits(shifted) << _MANTISSA[size]) + (_BIAS[size] << _MANTISSA[size])
    return code.bits(power), r + r * r * series


def _expm1(code, x):
    s, q = _expm1_parts(code, x)
    return s * q + (s - 1)


def _exp(code, x):
    s, q = _expm1_parts(code, x)
    return s * q + s


def _minus_abs(code, z):
    return code.choose(z < 0, z, -z)


def _tanh(code, z):
    m = _expm1(code, _minus_abs(code, z) * 2)
    t = m / (m + 2)
    return code.choose(z < 0, t, -t)


def _sigmoid(code, z):
    e = _exp(code, _minus_abs(code, z))
    return code.choose(z < 0, e, 1.0) / (e + 1)


def _softplus(code, z):
    e = _exp(code, _minus_abs(code, z))
    s = e / (e + 2)  # log(1 + e) = 2 atanh(s), and s is at most a third
    square = s * s
    series = code.splat(1 / (2 * _LOG_TERMS[code.size] + 1))
    for k in range(_LOG_TERMS[code.size] - 1, -1, -1):
        series = series * square + 1 / (2 * k + 1)
    return code.choose(z < 0, 0.0, z) + s * 2 * series


def _kinked(below: float, above: Callable[[Number], Number]) -> CodeActivation:
    return CodeActivation(
        lambda code, z: code.choose(z < 0, z * below if below else 0.0, z),
        lambda code, r: code.choose(above(r), code.splat(1.0), below),
        above,
        below,
    )


_identity = CodeActivation(lambda code, z: z, lambda code, r: code.splat(1.0))

ACTIVATIONS: dict[str, CodeActivation] = {
    "tanh": CodeActivation(_tanh, lambda code, r: 1 - r * r),
    "sigmoid": CodeActivation(_sigmoid, lambda code, r: r * (1 - r)),
    "softplus": CodeActivation(_softplus, lambda code, r: -_expm1(code, -r)),
    "relu": _kinked(0.0, lambda r: r > 0),
    "leaky_relu": _kinked(_LEAK, lambda r: r >= 0),
    "identity": _identity,
    "linear": _identity,
}
