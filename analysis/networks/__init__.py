"""Experiments on networks: lesions, perturbations, readouts, latents.

::

    lesion        units cut out
    perturbation  noise on weights or time constants
    alterations   scores of any altered copies
    reservoirs    ridge readouts, memory capacity
    latents       latents of variational networks
"""
