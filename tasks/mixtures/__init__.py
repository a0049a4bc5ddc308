"""Many tasks for one network: mixtures of tasks, and sessions of trials without a reset."""
