"""Sentences of one report -> the claims of each: one module or folder a parser."""
