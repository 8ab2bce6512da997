"""`python -m hookferry`."""

from hookferry.cli.main import main

main()
