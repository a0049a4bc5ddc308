"""Products of spikes with weights, whose time grows with the number of neurons that spiked."""
