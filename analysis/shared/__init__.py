"""Checked arrays, condition means, time bins, intervals and reliability, which all rooms use.

::

    arrays       labelled data to checked arrays
    scaling      scale and offset taken out, products of many samples
    conditions   condition means, and trials around them
    timebins     samples of a run in the time bins of a recording
    measure      the record of a measure, for your own too
    pairing      a run and a recording on the same conditions and times
    results      labels of results
    signs        signs of axes
    axes         the directions in which samples vary most
    stability    words for linear stability
    double       systems and data in double precision
    draws        generators of random numbers
    bootstrap    intervals of means over seeds
    resampling   shuffles and split halves of trials
    correlation  correlation of each unit with another version of it
    ceiling      reliability of a recording
    folds        folds over conditions
    transport    exact transport between two sets of points
    systems      one system or several, with their names
    threads      decompositions on one thread
"""
