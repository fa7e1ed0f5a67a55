"""The plain pages that stand until the web application does."""
