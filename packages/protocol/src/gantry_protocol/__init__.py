"""What a control plane and a worker say to each other, and nothing else.

Both sides import this package; it imports neither and performs no I/O.
"""
