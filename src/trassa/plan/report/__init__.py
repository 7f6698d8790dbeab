"""The report: one HTML file that a ministry can file, with pictures drawn here and nothing fetched from anywhere."""

from trassa.plan.report.render import ReportInput, render_report

__all__ = ["ReportInput", "render_report"]
