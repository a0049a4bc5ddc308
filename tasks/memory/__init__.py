"""Memory: of bits and pulses, of samples to be matched, of lists, products and sequences."""
