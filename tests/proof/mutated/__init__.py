"""Damaged files: every reader refuses them clearly, or reads what they say.

``python -m tests.proof.mutated --reader nwb --n 10000 --seed 0`` mutates small files that it makes
itself and reads each; ``--file FILE`` mutates a file of yours. See `harness` for what is a fault.
"""
