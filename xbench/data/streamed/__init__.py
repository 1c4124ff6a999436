"""Corpora that do not fit in memory."""
