"""Reviewing a promotion: which release both sides come from, what is lacking in words, and what to run then."""
