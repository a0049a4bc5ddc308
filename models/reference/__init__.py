"""Reference systems: maps and flows with known equilibria and Lyapunov exponents.

One unit of time of systems without physical time lasts ``time_unit`` ms, by default 1 ms, so that
exponents per ms are those of the textbooks.
"""

from neurodyn.models.reference.duffing import Duffing
from neurodyn.models.reference.fitzhugh_nagumo import FitzHughNagumo
from neurodyn.models.reference.henon import Henon
from neurodyn.models.reference.hindmarsh_rose import HindmarshRose
from neurodyn.models.reference.hodgkin_huxley import HodgkinHuxley
from neurodyn.models.reference.kuramoto import Kuramoto
from neurodyn.models.reference.logistic import Logistic
from neurodyn.models.reference.lorenz63 import Lorenz63
from neurodyn.models.reference.lorenz96 import Lorenz96
from neurodyn.models.reference.rossler import Roessler
from neurodyn.models.reference.van_der_pol import VanDerPol
from neurodyn.models.reference.wilson_cowan import WilsonCowan

__all__ = [
    "Duffing",
    "FitzHughNagumo",
    "Henon",
    "HindmarshRose",
    "HodgkinHuxley",
    "Kuramoto",
    "Logistic",
    "Lorenz63",
    "Lorenz96",
    "Roessler",
    "VanDerPol",
    "WilsonCowan",
]
