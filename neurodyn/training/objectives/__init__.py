"""Objectives: losses that training minimises.

:class:`Supervised` is the loss of the task. Series to be predicted have objectives by the kind of
model: teacher forcing for maps whose state an observation determines, :class:`NextStep` for
networks that read the series, :class:`ELBO` for variational models. :class:`MatchDistribution` is
for networks that emit sequences at random. :class:`FreeRun` and
:class:`FreshTrials` evaluate a model without training it.
"""
