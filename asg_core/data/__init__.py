"""ALIGNMENTS, TAG_TARGETS, TOKENS and pixels -> batches for pre-training."""
