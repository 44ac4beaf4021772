"""Texts: strict parsers, template formats, tool shapes, and what a reviewer cannot see."""
