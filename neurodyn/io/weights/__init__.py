"""Weights of networks that were trained with other libraries."""
