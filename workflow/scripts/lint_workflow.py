"""Run `snakemake --lint` and fail on every finding that is not justified here."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Findings that are decisions, by title, with the reason.
ALLOWED = {
    # The inputs of the target rules are the point of them; they run nothing.
    "No log directive defined": {"all", "triplets", "boxes", "alignments"},
}


def findings() -> list[str]:
    """Return one line per finding that is not allowed."""
    command = [sys.executable, "-m", "snakemake", "--lint", "json", "--cores", "1"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    start = done.stdout.find("{")
    if start < 0:
        raise RuntimeError(
            f"snakemake --lint: expected JSON, found {done.stdout + done.stderr!r}"
        )
    report = json.loads(done.stdout[start:])
    lines = [
        f"{part['rule']}: {finding['title']}"
        for part in report.get("rules", [])
        for finding in part["lints"]
        if part["rule"] not in ALLOWED.get(finding["title"], set())
    ]
    for part in report.get("snakefiles", []):
        lines += [f"{part['snakefile']}: {lint['title']}" for lint in part["lints"]]
    return lines


def main() -> int:
    """Print what is not allowed; return 1 when there is something."""
    lines = findings()
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
