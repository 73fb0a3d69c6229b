"""The text of a report -> its sections, sentences and abbreviations, by offsets."""
