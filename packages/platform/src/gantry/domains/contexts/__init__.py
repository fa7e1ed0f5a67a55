"""Environment variables and mounted files."""
