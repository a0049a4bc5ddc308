"""Dynamics: Lyapunov exponents, bifurcations, fixed points, cycles, symbols and words.

::

    lyapunov          exponents and the dimension they imply (`tangent`)
    bifurcation       sweeps of a parameter
    piecewise_linear  fixed points and cycles of piecewise-linear maps (`pieces`, `cycle_search`)
    symbolic          linear regions as symbols, their graph and entropy
    words             word statistics of sequences of symbols
"""
