"""Prediction: of one population by another, and of labels by a population.

::

    ridge     ridge prediction of one population from another
    decoding  labels of trials from activity
"""
