"""Run `snakemake --lint` and fail on every finding that is not justified here."""

import re
import subprocess
import sys
from pathlib import Path

from asg_core.terms.stages import Stage

ROOT = Path(__file__).parents[1]

# Findings that are decisions: the title, and the rules it is allowed for.
ALLOWED = {
    # The root of a dataset, below which a reader finds hundreds of thousands of files; no
    # list of inputs could replace it, and nodes share the file system (docs/cluster.md).
    "Param root is a prefix of input or output file but hardcoded": {
        Stage.READ_SOURCE,
        Stage.READ_REPORTS,
        Stage.READ_ANNOTATIONS,
        # Whose images are shown as examples.
        Stage.BUILD_SUMMARY,
    },
}


def findings(text: str) -> list[str]:
    """Return "rule: title" for each finding in the output of the linter."""
    lines = []
    subject = ""
    for line in text.splitlines():
        if heading := re.match(r"Lints for (?:rule (\w+)|(.*?)) ?[(:]", line):
            subject = heading[1] or heading[2]
        elif title := re.match(r" {4}\* (.*?):?$", line):
            lines.append(f"{subject}: {title[1]}")
    return lines


def is_allowed(finding: str) -> bool:
    """Return whether a finding is one of the decisions above."""
    rule, _, title = finding.partition(": ")
    return rule in ALLOWED.get(title, set())


def main() -> int:
    """Print what is not allowed; return 1 when there is something."""
    command = [sys.executable, "-m", "snakemake", "--lint"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    output = done.stdout + done.stderr
    found = findings(output)
    if done.returncode and not found:
        sys.stdout.write(output)
        return 1
    refused = [finding for finding in found if not is_allowed(finding)]
    sys.stdout.write("".join(f"{finding}\n" for finding in refused))
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
