"""Many rules in one task: the twenty of Yang et al. (2019) and the fifteen of Driscoll et al."""
