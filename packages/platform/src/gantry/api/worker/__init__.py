"""The calls of workers."""
