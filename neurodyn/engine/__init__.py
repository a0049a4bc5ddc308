"""The engine: runs systems on arrays. :mod:`neurodyn.simulation` adds tasks and labels.

Drivers
    `integrate` checks the arguments of a run on a fixed clock and makes a `plan` of them; `run`
    executes the plan in one compiled program, step by step through `stepping`. `solve` is the
    driver with adaptive steps, `events` its part for one trial, with root-found spike times.
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
    :mod:`neurodyn.system`; `devices` checks a mesh of devices and says where on it arrays lie.
"""
