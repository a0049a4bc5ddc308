"""Behaviour: choices against evidence, reaction times, and errors of direction.

::

    psychometric  choices against evidence: bias, slope and lapses
    likelihood    the maximum-likelihood fit of the curves, many at once
    chronometric  reaction times of correct and wrong choices against the strength of evidence
    directions    errors of direction on a ring
    points        levels of evidence, many of them joined
    trial_groups  trials by network, condition and session, which all three use
    resampled     trials drawn again, within sessions
"""
