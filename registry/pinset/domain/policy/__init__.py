"""The policy: who may make an alias serve what, on what evidence and when. Text in, gates out; pure, without a clock."""
