"""The account and whoever is signed in, in the API."""
