"""API keys and sessions in the API."""
