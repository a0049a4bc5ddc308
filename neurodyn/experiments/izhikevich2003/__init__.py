"""Izhikevich2003."""
