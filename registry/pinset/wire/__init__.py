"""What goes over the wire: request bodies and problem documents. Answers are `pinset.domain.answers`."""
