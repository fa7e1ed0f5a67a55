"""The settings of one installation, by what they are about."""
