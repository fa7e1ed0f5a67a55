"""Roles and their bindings in the API."""
