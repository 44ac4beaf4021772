"""The coherence checks: what a person would wish somebody had said before it went to production."""
