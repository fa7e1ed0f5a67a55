"""The infrastructure tools that a worker drives: arguments in, meaning out."""
