"""export --to FORMAT: one module a format, each with a function `export`."""
