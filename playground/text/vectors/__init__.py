"""Words and sentences as vectors: stores, expressions, comparisons, maps, the analogy test, sentence embeddings."""
