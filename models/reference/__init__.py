"""Reference systems: maps and flows with known equilibria and Lyapunov exponents.

One unit of time of systems without physical time lasts ``time_unit`` ms, by default 1 ms.
"""

from neurodyn.models.reference.duffing import Duffing
from neurodyn.models.reference.henon import Henon
from neurodyn.models.reference.logistic import Logistic
from neurodyn.models.reference.lorenz63 import Lorenz63
from neurodyn.models.reference.lorenz96 import Lorenz96
from neurodyn.models.reference.rossler import Roessler
from neurodyn.models.reference.van_der_pol import VanDerPol

__all__ = ["Duffing", "Henon", "Logistic", "Lorenz63", "Lorenz96", "Roessler", "VanDerPol"]
