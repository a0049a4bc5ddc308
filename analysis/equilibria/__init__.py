"""Fixed points of any system, and its linear dynamics around states.

Here are systems that are given as such, of which derivatives are known; what trajectories tell, and
piecewise-linear maps that are solved exactly, is in ``analysis.dynamics``.

::

    field          a system as a function of one flat vector
    states         vectors of states: their names, and how runs and arrays give them
    inputs         constant inputs

    fixed_points   fixed and slow points
    search         the search for them
    skeletons      distances between the fixed points of systems
    basins         where each start ends
    continuation   branches over a parameter, with bifurcations
    curves         the pseudo-arclength method
    families       a system over its state and a parameter
    flow           flow on a plane, and nullclines
    planes         planes through states

    linear         Jacobians, inputs and readouts at states
    local_linear   the same, fitted to recordings
    local_fits     ridge regression of many groups at once
    modes          eigenvalues, eigenvectors and stability
    jacobians      labelled Jacobians as stacks of matrices
    non_normal     departure from normality, Schur form
    growth         transient growth
    gramians       controllability and observability
    selection      selection vectors and line attractors

    limit_cycles   cycles of flows, with their multipliers
    phases         phase responses
    orbits         solutions, and the linearisation along them
"""
