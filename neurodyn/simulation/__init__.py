"""Labelled simulation: models run on tasks or inputs, with an ``xarray.Dataset`` as the result.

`simulate` is the front door. `plan` checks its arguments and draws or takes the trials, `inputs`
reads the labels of labelled inputs, `windows` checks windows of time, `chunks` cuts a run into
pieces that fit in memory, `runner` runs the pieces through :func:`neurodyn.integrate`, `labelling`
labels the records, and `store` streams them to disk.
"""
