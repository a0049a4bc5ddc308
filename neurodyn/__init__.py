"""Neural dynamical systems: simulate, train on cognitive tasks, compare with recordings."""
