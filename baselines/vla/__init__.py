"""A small vision-language-action policy by flow matching, its demonstrations and its imitation training."""
