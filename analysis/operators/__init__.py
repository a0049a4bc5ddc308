"""Linear operators of activity with delays, and how alike the dynamics of systems are.

::

    dsa        distances of the dynamics of systems
    pairwise   the same as a measure that `compare` takes
    dmd        one operator, with its eigenvalues
    choice     number of delays and rank, by held-out predictions
    delays     delay embedding
    alignment  distances of two operators
    ascent     the search for the best rotation
    series     activity and inputs, read and checked
    prepared   embedded trials, folds, settings
    fit        the regression, and its predictions
"""
