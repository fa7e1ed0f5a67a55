"""Environment variables and mounted files in the API."""
