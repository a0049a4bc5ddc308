"""Memory of a stream of bits or pulses: N-parity, delayed match to the N-th bit back, flip-flop."""
