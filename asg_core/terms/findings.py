"""The 40 findings of ASG, in the order of the paper's tag list."""

FINDINGS: tuple[str, ...] = (
    "pleural effusion",
    "opacity",
    "pneumothorax",
    "edema",
    "atelectasis",
    "tube",
    "consolidation",
    "enlarged cardiomediastinum",
    "tip",
    "pneumonia",
    "line",
    "cardiomegaly",
    "fracture",
    "calcification",
    "device",
    "engorgement",
    "nodule",
    "wire",
    "pacemaker",
    "pleural thicken",
    "marking",
    "scar",
    "hyperinflate",
    "blunt",
    "collapse",
    "emphysema",
    "aerate",
    "mass",
    "infiltration",
    "obscure",
    "deformity",
    "hernia",
    "drainage",
    "distention",
    "shift",
    "stent",
    "lesion",
    "hardware",
    "dilation",
    "aspiration",
)

_INDEX = {finding: index for index, finding in enumerate(FINDINGS)}


def finding_index(finding: str) -> int:
    """Return the 0-based position of `finding` in `FINDINGS`.

    Raises:
        ValueError: If `finding` is not in the vocabulary.
    """
    if finding not in _INDEX:
        raise ValueError(
            f"finding_index: expected one of the {len(FINDINGS)} findings of "
            f"asg_core.terms.findings, found '{finding}'"
        )
    return _INDEX[finding]
