"""Populations: principal components, dimensions, subspaces.

::

    pca             principal components
    dimensionality  participation ratio, number of components
    reproducible    participation ratio of what trials share
    factors         factor analysis
    subspaces       angles between subspaces
    overlap         subspaces of two sets of activity, with controls
"""
