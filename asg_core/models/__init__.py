"""A batch of images and reports -> embeddings, units and tag logits."""
