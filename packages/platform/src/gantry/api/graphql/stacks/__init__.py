"""Stacks in the API."""
