"""Types that several nouns use."""
