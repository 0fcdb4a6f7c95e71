"""One self-contained HTML page that shows and explains who can reach whom."""

from podwall.reports.page.building import page_document
from podwall.reports.page.document import PageDocument
from podwall.reports.page.rendering import PageHeading, html_page, rendered_page

__all__ = ["PageDocument", "PageHeading", "html_page", "page_document", "rendered_page"]
