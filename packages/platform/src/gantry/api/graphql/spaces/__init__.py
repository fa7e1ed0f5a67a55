"""Spaces in the API."""
