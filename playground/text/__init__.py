"""Language models, tokenizers, word vectors, sentence embeddings and n-grams."""
