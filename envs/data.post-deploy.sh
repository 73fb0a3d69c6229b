#!/usr/bin/env bash
# Run by Snakemake inside the new environment, in the checkout.
set -euo pipefail
pip install --constraint requirements.lock --editable ".[workflow,reports,checking,images,alignment,synthetic,progress]"
