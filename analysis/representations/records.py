"""The measures of representational similarity."""

from __future__ import annotations

from neurodyn.analysis.representations.populations import rsa_measure

#: `neurodyn.analysis.comparison.measures` registers them; `rsa_measure` makes others.
RECORDS = (
    rsa_measure("correlation", "pearson", name="rsa"),
    rsa_measure("correlation", "spearman", name="rsa_spearman"),
    rsa_measure("correlation", "tau_a", name="rsa_kendall"),
    rsa_measure("squared_euclidean", "whitened_cosine", name="rsa_whitened"),
)
