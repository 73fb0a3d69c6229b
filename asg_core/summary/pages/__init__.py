"""One module for each page: it gathers what the page shows and names its template."""
