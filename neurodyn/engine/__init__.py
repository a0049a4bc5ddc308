"""The engine: runs systems on arrays. :mod:`neurodyn.simulation` adds tasks and labels.

Drivers
    `integrate` runs on a fixed clock: `prepare` checks its arguments and makes a `plan` of them,
    and `run` executes the plan in one compiled program, step by step through `stepping`. `solve`
    is the driver with adaptive steps, `events` its part for one trial, with root-found spike times.
In and out
    `inputs` brings inputs of any form into one. `drive` is the menu of drives and input signals
    (`signals`, `trains`). `record` says what a run keeps and returns (`Save`, `Trajectory`).
Manipulations
    `intervene` holds currents, clamps, lesions and changed weights; `chosen` and `units` find the
    units that a user means.
Parts
    `start` gives keys and initial states and checks the first step; `noise` draws; `solvers` says
    which diffrax solvers fit; `dependence` finds out, without a run, whether a step reads an array;
    `abilities` are the protocols of systems that offer more than the interface in
    :mod:`neurodyn.system`.
Several devices
    `devices` checks a mesh of devices and says where on it arrays lie; `placement` does so for the
    units of a system; `spread` runs a plan there.
"""
