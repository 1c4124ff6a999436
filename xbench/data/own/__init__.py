"""Corpora that users bring: files of any shape, read into a parallel corpus and described."""
