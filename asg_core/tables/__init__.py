"""Declared tables, and the only functions that read and write them."""
