"""Translation of networks to Brian2 and from it, behind `neurodyn.io`."""
