"""The state's migrations."""
