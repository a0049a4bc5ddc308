"""Prediction: of one population by another, and of labels by a population.

::

    encoding         units of a recording predicted from a run
    signal_power     signal and noise power of units
    ridge            ridge regression of all folds
    pls              partial least squares
    nonnegative      regression without negative weights
    fitted           maps fitted in each fold, nested folds
    maps             encoding models by name
    activity         two populations as checked arrays
    decoding         labels of trials from activity
    decoded_labels   activity and labels of trials as checked arrays
    decoders         decoders in closed form, over times and shuffles
    discriminant     linear discriminant analysis of all folds
    estimators       estimators of scikit-learn in each fold
    decoding_scores  labels of decoding's result
    trial_folds      folds and permutations that respect groups
    bayes            variables from spikes, by Bayes' rule
    records          the measures of this room
"""
