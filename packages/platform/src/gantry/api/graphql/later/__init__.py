"""Nouns that the API names and this release does not have yet."""
