"""What may differ from episode to episode: every quantity by name, drawn with the environment's generator."""
