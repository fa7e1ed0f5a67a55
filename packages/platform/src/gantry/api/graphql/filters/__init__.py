"""Saved filters in the API."""
