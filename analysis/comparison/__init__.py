"""Comparison of a model with a recording: measures with their ceiling and their null.

::

    compare     the comparison
    measure     the record of a measure, for your own too
    measures    the measures of the library
    pairing     conditions and times brought together
    null        null distributions
    comparison  labels of the result
"""
