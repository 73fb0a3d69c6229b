"""A benchmark and an encoder -> the scores of one named protocol."""
