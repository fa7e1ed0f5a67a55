"""Code, settings and locks."""
