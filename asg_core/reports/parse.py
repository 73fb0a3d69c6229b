"""Reports -> sentences, triplets, rejects: the entry function of the report side.

Conventions that every parser of the package follows:

- One row per region: "bibasilar opacities" are two rows, with the same words.
- A finding that names no place is where such findings are by definition
  (`lexicon_data/finding_places.tsv`): the heart for cardiomegaly, the costophrenic angle
  for an effusion, the apical zone for a pneumothorax, a lung for what is in the lungs.
- A denial without a side denies both sides. A present finding without a side is
  `unspecified`, unless a plural ("effusions", "lungs") or its nature (edema) spreads it.
- "Retrocardiac" and "lingula" are on the left, "middle lobe" is on the right.
- "Lungs are clear" denies opacity; a normal cardiac silhouette denies cardiomegaly; a
  normal cardiomediastinal one denies an enlarged cardiomediastinum too.
- A pacemaker or defibrillator is also a device.
- Questions, plans and limits of the study ("evaluate for", "recommend", "cannot be
  assessed") are no claims. What has been removed or has resolved is absent, in the
  context `removal`.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import polars as pl

from asg_core.reports.abbreviations import defined_abbreviations
from asg_core.reports.claims import Claim, read_claims
from asg_core.reports.config import ReportsConfig
from asg_core.reports.lexicon import Entry
from asg_core.reports.lexicon_files import shared_lexicon
from asg_core.reports.sections import split_sections
from asg_core.reports.sentences import split_sentences
from asg_core.tables.catalog import REJECTS, SENTENCES, TRIPLETS
from asg_core.terms.existence import Context, Existence
from asg_core.terms.regions import UNSPECIFIED

logger = logging.getLogger(__name__)

STAGE = "extract_triplets"
