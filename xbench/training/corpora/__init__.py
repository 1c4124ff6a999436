"""Parallel data for training, read from files, folders and the hub."""
