"""The engine of the playground: models, the cache that shares them, and what is done with them.

Nothing in here imports gradio or the tabs. Importing any module of it loads no weights, opens no
socket and imports no torch, transformers, diffusers or gensim.
"""
