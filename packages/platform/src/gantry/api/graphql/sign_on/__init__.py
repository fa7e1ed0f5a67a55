"""Single sign-on in the API."""
