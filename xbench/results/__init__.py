"""The files of a result: written, read and checked."""
