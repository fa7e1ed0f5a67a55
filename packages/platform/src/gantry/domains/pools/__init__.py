"""Worker pools, workers and their keys."""
