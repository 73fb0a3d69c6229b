"""What a person judges of a triplet, and what the scores of a marked sheet are of."""

ELEMENTS: tuple[str, ...] = ("finding", "region", "existence")
JOINT = "joint"
"""Stands for a triplet that is right in all three elements."""

JOINT_NOW = "joint_now"
"""The same, of the triplets that a run has now; see `score.score_current`."""
