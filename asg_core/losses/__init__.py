"""Embeddings and logits -> the four losses of ASG, as pure functions."""
