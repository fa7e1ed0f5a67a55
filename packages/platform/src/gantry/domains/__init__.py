"""The business: one package per noun, lowest first in pyproject.toml."""
