"""Which table names images and reports, and what its columns are called."""

from pathlib import Path

from asg_core.settings import Settings
from asg_core.sources.config import SourceConfig
from asg_core.terms.views import View


class TableColumnsConfig(Settings):
    """Names of the columns of a table source; null says that there is no such column."""

    image_path: str | None = None
    """Image files, relative to `corpus.root`, with forward slashes."""

    text: str | None = None
    """Report texts. Rows of one study may repeat it; empty cells are no report."""

    image_id: str | None = None
    """Ids of the images; null takes the path."""

    study_id: str | None = None
    """Ids of the studies; null makes every row a study, named as its image."""

    patient_id: str | None = None
    """Ids of the patients; null takes the study."""

    view: str | None = None
    """Views, in any spelling of `asg_core/terms/views.tsv`, which may be added to; another
    spelling counts as UNKNOWN. Null takes `default_view`."""

    split: str | None = None
    """Splits: train, validate (or valid, val) or test; null draws them by patient, see
    `corpus.validate_share`."""


class TableSourceConfig(SourceConfig):
    """A CSV or Parquet file that names image files, report texts, or both."""

    file: Path | None = None
    """The table, relative to `corpus.root`: .csv, .csv.gz or .parquet, with a header."""

    columns: TableColumnsConfig = TableColumnsConfig()
    """Which column holds what."""

    default_view: View = View.UNKNOWN
    """View of every image when no column names it; FRONTAL is PA or AP."""

    @property
    def only_view(self) -> View | None:
        """The default view where no column names another."""
        return self.default_view if self.columns.view is None else None

    def problem(self, *, has_images: bool) -> str | None:
        """Return why there would be nothing to read, as a sentence, or None."""
        if self.file is None:
            return (
                "corpus.table.file is not set while corpus.source is 'table': name the "
                "CSV or Parquet file, relative to corpus.root"
            )
        if has_images and self.columns.image_path is None:
            return (
                "corpus.table.columns.image_path is not set while corpus.images is "
                "'files': name the column of image files, or set corpus.images to 'none'"
            )
        if not has_images and self.columns.text is None:
            return (
                "corpus.table.columns.text is not set while corpus.images is 'none': "
                "there would be nothing to read; name the column of report texts"
            )
        return None
