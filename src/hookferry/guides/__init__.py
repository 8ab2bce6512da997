"""Guides: a contract's page for those who receive its webhooks, and code that verifies them. Pure."""

from hookferry.guides.page import page
from hookferry.guides.snippets import LANGUAGES, snippet

__all__ = ["LANGUAGES", "page", "snippet"]
