"""import SOURCE: one module a source, each with a function `command`."""
