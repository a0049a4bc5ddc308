"""Tasks from environments of reinforcement learning, and environments from tasks."""
