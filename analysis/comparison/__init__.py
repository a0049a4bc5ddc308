"""Comparison of a model with a recording: measures with their ceiling and their null.

::

    compare     the comparison
    measures    the measures of the library
    null        null distributions
    comparison  labels of the result
"""
