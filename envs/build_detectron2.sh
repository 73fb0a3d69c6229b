#!/usr/bin/env bash
# Build detectron2, which is not on the package index, beside the torch that is there. Run in
# the checkout with the environment's pip first on the PATH: by `make detectron2`, and by
# detectron2.post-deploy.sh. Takes a C++ compiler.
set -euo pipefail
source=${DETECTRON2:-git+https://github.com/facebookresearch/detectron2.git@02b5c4e295e990042a714712c21dc79b731e8833}
# What detectron2 declares, and what its build needs: its setup imports torch, hence no
# isolation.
pip install --disable-pip-version-check --constraint requirements.lock \
    setuptools wheel ninja fvcore==0.1.5.post20221221 iopath==0.1.9 omegaconf==2.3.1 \
    hydra-core==1.3.8 pycocotools==2.0.11 yacs tabulate cloudpickle termcolor tensorboard \
    black packaging matplotlib
pip install --disable-pip-version-check --no-build-isolation --no-deps "$source"
