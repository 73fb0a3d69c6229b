"""Everything under results/ -> a folder of HTML, and the tables as CSV, Markdown, LaTeX."""
