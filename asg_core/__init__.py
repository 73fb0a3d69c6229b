"""Anatomical structure-guided medical vision-language pre-training, stage by stage."""

__version__ = "0.1.0"
