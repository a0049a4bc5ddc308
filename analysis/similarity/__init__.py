"""How alike two populations represent the same samples.

::

    grid          one algebra of measures: embed, centre, compare, report
    kernels       embeddings: kernels, distances, whitened activity
    centring      how kernels are centred, and their products
    bures         the nuclear norm of two factors
    report        a score as an angle or a distance
    order         medians and nearest ones of many distances without sorting
    spectra       functions of eigenvalues with finite derivatives
    canonical     weighted canonical correlations, variance explained
    labelled      CKA, NBS, Procrustes, distance correlation of labelled data
    chunks        CKA without diagonals, of data in chunks
    correlations  CCA, SVCCA, PWCCA, linear maps of labelled data
    measured      two labelled populations brought together
    alignment     CKA and shape angles of arrays
    nearest       the nearest rotation, and the inverse root of a scatter matrix
    shapes        the algebra of shape metrics: whiten in part, rotate, measure the rest
    pairs         the same for all pairs of many populations
    distances     shape distances of many populations, fitted and held out, and a map of them
    frechet       the mean shape of many populations
    stochastic    distance by mean and covariance of trials
    matching      units that correspond
    neighbours    nearest neighbours in common
    matched       several populations brought onto the same conditions and times
    records       the measures that `compare` takes by name
"""
