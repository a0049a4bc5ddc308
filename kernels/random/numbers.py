"""Constants of the cipher and of the inverse error function behind `standard_normal`.

References
----------
Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11, 2011 (the cipher).
Giles, "Approximating the erfinv function", GPU Computing Gems 2, 2011 (the two polynomials).
Moshier, the Cephes library, ``logf`` (the logarithm).
"""

import math

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = 0x1BD11BDA

_CENTRE = (2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
           -0.00125372503, -0.00417768164, 0.246640727, 1.50140941)  # fmt: skip
_TAIL = (-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
         -0.0076224613, 0.00943887047, 1.00167406, 2.83297682)  # fmt: skip
_LOG = (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
        -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
        -0.5, 1.0)  # fmt: skip
_LN2 = math.log(2)


def _of_multiples(coefficients, unit: float, scale: float) -> tuple[float, ...]:
    """The polynomial of x that is `scale` times the given one of `unit` x."""
    powers = range(len(coefficients) - 1, -1, -1)
    return tuple(scale * c * unit**k for c, k in zip(coefficients, powers, strict=True))


#: log2(1 + m) is m times this polynomial of m, for 1 + m from sqrt(1/2) to sqrt(2). Here and below,
#: the coefficient of the highest power comes first.
LOG2 = tuple(c / _LN2 for c in _LOG)
#: Bits of sqrt(1/2) in single precision.
SQRT_HALF = 0x3F3504F3

#: With w = -log2(1 - u^2), the normal number sqrt(2) erfinv(u) is u times a polynomial: CENTRE of
#: ``w - CENTRE_AT`` for w up to ``SWITCH``, and TAIL of ``sqrt(w) - TAIL_AT`` above. Giles uses the
#: natural logarithm. The binary one avoids a sum of two products, because compilers would choose
#: differently which of the two to fuse with the sum, and results would differ.
SWITCH, CENTRE_AT, TAIL_AT = 5.0 / _LN2, 2.5 / _LN2, 3.0 / math.sqrt(_LN2)
CENTRE = _of_multiples(_CENTRE, _LN2, math.sqrt(2))
TAIL = _of_multiples(_TAIL, math.sqrt(_LN2), math.sqrt(2))
