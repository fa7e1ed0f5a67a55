"""Commits of Git repositories, fetched once and shared."""
