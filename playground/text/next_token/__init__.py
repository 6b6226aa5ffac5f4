"""What a language model says comes next: distributions, draws, and what happens inside."""
