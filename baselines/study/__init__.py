"""How success grows with the number of scenes that a policy is trained in: one resumable study from nothing."""
