"""Our issuer: discovery and keys."""
