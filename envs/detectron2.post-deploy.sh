#!/usr/bin/env bash
# Run by Snakemake inside the new environment, in the checkout.
set -euo pipefail
pip install --constraint requirements.lock --editable ".[workflow,regions,progress]"
bash envs/build_detectron2.sh
