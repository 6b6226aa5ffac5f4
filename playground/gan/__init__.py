"""Faces from a generator: latents, truncation, walks, arithmetic, and what happens inside."""
