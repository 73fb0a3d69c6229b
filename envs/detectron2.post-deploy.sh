#!/usr/bin/env bash
# Run by Snakemake inside the new environment, in the checkout.
set -euo pipefail
pip install --constraint requirements.lock --editable ".[workflow,regions,progress]"
# What detectron2 declares, and what its build needs; torch has to be there before it.
pip install setuptools wheel ninja fvcore==0.1.5.post20221221 iopath==0.1.9 omegaconf==2.3.1 \
    hydra-core==1.3.8 pycocotools==2.0.11 yacs tabulate cloudpickle termcolor tensorboard \
    black packaging matplotlib
pip install --no-build-isolation --no-deps \
    "git+https://github.com/facebookresearch/detectron2.git@02b5c4e295e990042a714712c21dc79b731e8833"
