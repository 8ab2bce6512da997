"""The faults of docs/faults.md that need a backend, several processes or something between them."""
