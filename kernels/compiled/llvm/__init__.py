"""Llvm."""
