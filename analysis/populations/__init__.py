"""Populations: principal components, dimensions, subspaces, prediction and decoding.

::

    pca             principal components
    dimensionality  participation ratio, number of components
    subspaces       angles between subspaces
    predictivity    ridge prediction of one population from another
    decoding        labels of trials from activity
"""
