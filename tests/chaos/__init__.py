"""Many processes on one PostgreSQL, broken at random while events are published; then everything is counted.

`python -m tests.chaos --seconds 600` runs it long (`make chaos`); `make test` runs a minute of it.
"""
