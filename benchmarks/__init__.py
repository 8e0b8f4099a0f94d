"""Measurements behind the README's figures; each script prints a Markdown table."""
