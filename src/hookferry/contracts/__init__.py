"""The contract engine: a company's wire format as data, compiled once into plain functions. Pure."""

from hookferry.contracts.keys import public_key
from hookferry.contracts.load import builtin, load
from hookferry.contracts.model import Contract

__all__ = ["Contract", "builtin", "load", "public_key"]
