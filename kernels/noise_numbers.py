"""The numbers of the cipher and of the inverse error function behind `standard_normal`.

References
----------
Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11, 2011 (the cipher).
Giles, "Approximating the erfinv function", GPU Computing Gems 2, 2011 (the two polynomials).
Moshier, the Cephes library, ``logf`` (the logarithm).
"""

import math

__all__ = ["CENTRE", "LN2", "LOG", "PARITY", "ROTATIONS", "SQRT_HALF", "SWITCH", "TAIL"]

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = 0x1BD11BDA

#: With w = -log(1 - u^2), sqrt(2) erfinv(u) / u is the first polynomial of w - 2.5 up to
#: ``SWITCH``, and the second of sqrt(w) - 3 beyond; coefficients of the highest power come first.
SWITCH = 5.0
CENTRE, TAIL = (
    tuple(math.sqrt(2) * c for c in coefficients)
    for coefficients in (
        (2.81022636e-08, 3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087,
         -0.00125372503, -0.00417768164, 0.246640727, 1.50140941),
        (-0.000200214257, 0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773,
         -0.0076224613, 0.00943887047, 1.00167406, 2.83297682),
    )
)  # fmt: skip

#: log(1 + m) = m - m^2 / 2 + m^3 times a polynomial of m, for 1 + m from sqrt(1/2) to sqrt(2).
LOG = (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
       -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)  # fmt: skip
#: log(2): a part with few bits, so that whole multiples of it are exact, and the rest.
LN2 = (0.693359375, -2.12194440e-4)
#: Bits of sqrt(1/2) in single precision.
SQRT_HALF = 0x3F3504F3
