"""Hookferry: webhook delivery for any product, in that product's own wire format."""
