"""Demonstrations: recorded episodes on disk, and their re-simulation."""
