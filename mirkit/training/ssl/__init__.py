"""Self-supervised training of BEATs."""
