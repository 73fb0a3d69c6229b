"""Batches -> a pre-trained model: model.safetensors, run.json, HISTORY."""
