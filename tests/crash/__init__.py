"""Kill the server with SIGKILL, over and over, while events are published and delivered.

`python -m tests.crash --kills 20` runs it long; `make test` runs a few kills.
"""
