"""Draw the rule graph of the demo into README.md; with `--check` say if it differs."""

import re
import subprocess
import sys
from pathlib import Path

from asg_core.terms.stages import Stage
from asg_core.terms.targets import ALL

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- rule graph: `make docs` -->\n", "<!-- end of rule graph -->"


def rule_graph() -> str:
    """Return the rules of the demo and what they hand on, as a Mermaid flow chart."""
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js"]
    command += ["--configfile", "config/config.yaml", "--forceall"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    names = dict(re.findall(r"^\s*(id\d+)\[(\w+)\]$", done.stdout, flags=re.MULTILINE))
    edges = re.findall(r"^\s*(id\d+) --> (id\d+)$", done.stdout, flags=re.MULTILINE)
    lines = {
        f"  {names[start]} --> {names[end]}"
        for start, end in edges
        if names[end] not in (ALL, Stage.COUNT_TABLES)
    }
    note = f"  all_tables[every table] --> {Stage.COUNT_TABLES}"
    return "\n".join(["```mermaid", "flowchart LR", *sorted(lines), note, "```", ""])


def with_graph(text: str, graph: str) -> str:
    """Return the page with `graph` between its two marks."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}{graph}{END}{tail}"


def main() -> int:
    """Write README.md, or with `--check` return 1 when it is out of date."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    drawn = with_graph(text, rule_graph())
    if "--check" not in sys.argv:
        readme.write_text(drawn, encoding="utf-8")
        return 0
    if drawn != text:
        sys.stdout.write(
            "The rule graph of README.md is out of date: run `make docs`\n"
        )
    return int(drawn != text)


if __name__ == "__main__":
    sys.exit(main())
