"""Files of a dataset, one at a time: opened, measured, or refused with a sentence."""
