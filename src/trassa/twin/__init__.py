"""Simulated traffic that drives the live platform and scores it against the truth."""
