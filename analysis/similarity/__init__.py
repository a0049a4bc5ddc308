"""How alike two populations represent the same samples.

::

    grid          one algebra of measures: embed, centre, compare, report
    kernels       embeddings: kernels, distances, whitened activity
    centring      how kernels are centred, and their products
    bures         the nuclear norm of two factors
    report        a score as an angle or a distance
    spectra       functions of eigenvalues with finite derivatives
    canonical     weighted canonical correlations, variance explained
    labelled      CKA, NBS, Procrustes, distance correlation of labelled data
    correlations  CCA, SVCCA, PWCCA, linear maps of labelled data
    measured      two labelled populations brought together
    alignment     CKA and shape angles of arrays
    records       the measures that `compare` takes by name
"""
