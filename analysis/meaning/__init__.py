"""What a score means: what a data set of that score must, need not, and does contain.

::

    optimise    data sets that climb a measure from noise
    ascent      the climb
    reference   scores of a recording without its parts
    content     what of a recording can be read out of other data
    target      a recording as measures and readouts need it
"""
