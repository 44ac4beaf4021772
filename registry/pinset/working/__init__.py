"""Working copies: author's files of this machine, read and assembled without being published."""
