"""A scriptable receiver: it answers as told, verifies signatures and records what arrived.

Development mode, the demo, `hookferry listen`, tests and benchmarks use it. It takes what it cannot
verify as well as what it can, so it is no example of a receiver for production.
"""

from hookferry.receiver.answers import Answer
from hookferry.receiver.receiver import Arrival, Receiver

__all__ = ["Answer", "Arrival", "Receiver"]
