"""Wardline keeps the computers of small clinics in compliance, and proves it."""

__version__ = "0.1.0"
