"""Populations: principal components, dimensions, subspaces.

::

    pca             principal components
    dimensionality  participation ratio, number of components
    subspaces       angles between subspaces
"""
