"""The tree that everything hangs on."""
