"""Comparison of models with recordings: measures with their ceiling, null and interval.

::

    compare      the comparison
    measures     the measures of the library
    settings     what a comparison computes
    scoring      one run against one recording
    many         many runs against many recordings
    among        models among themselves, recordings among themselves
    exchange     what nulls exchange and ceilings split
    levels       levels that a bootstrap draws from
    redraws      its draws
    intervals    intervals from the draws
    differences  paired differences of models
    null         null distributions, p-values
    adjust       p-values of many tests
    comparison   labels of the result
"""
