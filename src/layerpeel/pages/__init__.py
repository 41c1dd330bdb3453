"""How results are said and shown: text for a terminal, JSON, figures and pages of one style, files that are whole or not there."""
