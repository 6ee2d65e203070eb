"""The formats in which verbs print tables; a file of its own, so that parsing a command loads no pandas."""

FORMATS = ("text", "csv", "markdown", "latex")
