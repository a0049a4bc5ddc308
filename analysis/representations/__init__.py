"""Representational similarity analysis: which conditions a population tells apart, and how alike.

::

    rdm              dissimilarities of conditions, of labelled activity
    patterns         labelled activity as patterns of conditions
    dissimilarities  squared Euclid, correlation, cosine, Poisson of arrays
    crossnobis       cross-validated distances, by sums over folds
    noise            covariance of the noise with shrinkage, and its inverse
    squares          labelled dissimilarities as lists of pairs, matched by label
    comparisons      similarities of dissimilarities, with weights of conditions
    compared         the same of labelled dissimilarities
    populations      the same of two populations, and as measures for `compare`
    pooled           the mean of subjects, and the ceiling that their differences set
    candidates       models of dissimilarities with weights that are fitted
    evaluation       scores of models with weights of conditions and subjects
    inference        models against subjects: intervals, ceilings and p-values
    drawn            random draws, shuffles and folds of conditions and subjects
    given            what inference is given, read and checked
    tested           what its intervals and p-values are computed from
    records          the measures that `compare` takes by name
"""
