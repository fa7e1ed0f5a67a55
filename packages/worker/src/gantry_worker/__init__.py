"""The launcher: takes runs from a control plane and performs them."""
