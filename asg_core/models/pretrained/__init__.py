"""Published weights: where they are found, and how they meet a model's own names."""
