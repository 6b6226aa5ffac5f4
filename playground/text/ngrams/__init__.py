"""N-gram models: texts cut into symbols, counted, searched, continued and measured.

An n-gram model of order n predicts a symbol from the n - 1 symbols before it, its context.
"""
