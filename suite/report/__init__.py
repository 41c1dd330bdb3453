"""The theorem-check report: its schema, and renderers that read the JSON model and nothing else."""

from suite.report._bibliography import format_reference as format_reference
from suite.report._bibliography import parse_bibtex as parse_bibtex
from suite.report._bibliography import read_references as read_references
from suite.report._figure_file import figure_file as figure_file
from suite.report._figures import PALETTE_SIZE as PALETTE_SIZE
from suite.report._html import render_html as render_html
from suite.report._markdown import render_markdown as render_markdown
from suite.report._model import CheckResult as CheckResult
from suite.report._model import ControlResult as ControlResult
from suite.report._model import Environment as Environment
from suite.report._model import FigureData as FigureData
from suite.report._model import Mark as Mark
from suite.report._model import Number as Number
from suite.report._model import Reference as Reference
from suite.report._model import Report as Report
from suite.report._model import RoomResult as RoomResult
from suite.report._model import SeriesData as SeriesData
from suite.report._model import Summary as Summary
from suite.report._model import schema as schema
from suite.report._reading import headline as headline
from suite.report._reading import summary_line as summary_line
from suite.report._results_page import results_page as results_page
