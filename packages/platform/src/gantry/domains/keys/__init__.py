"""The keys that seal and sign: which there are, and replacing them while everything runs."""
