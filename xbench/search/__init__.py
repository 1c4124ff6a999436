"""Ranks from a model and a corpus."""
