"""SIIM-ACR Pneumothorax: what is known about it, and the reader of its files."""
