"""Worker pools and workers in the API."""
