"""line.xlsx: the papers that builders, splicers and transmission engineers take the optical line from."""

from trassa.plan.optical.papers.workbook import LinePapers, line_papers_bytes

__all__ = ["LinePapers", "line_papers_bytes"]
