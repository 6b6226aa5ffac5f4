"""Text as the pieces that language models read: encodings, places, merges replayed, encodings compared."""
