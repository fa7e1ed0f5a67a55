"""Who vouches for people, and signing in with their word."""
