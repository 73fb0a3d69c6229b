"""What a study shows -> the text of its report, and the truth of every claim in it."""
