"""Banks: many certified scenes made from one plan, in parallel, resumable and the same everywhere."""
