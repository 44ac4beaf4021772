"""What releases, components, aliases and moves are, and the rules they obey. Pure: no I/O, no clock."""
