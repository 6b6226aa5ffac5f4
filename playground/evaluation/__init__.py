"""Prompt evaluation: prompts x test cases x models, every answer scored, every rate with its uncertainty.

plan.py says what is to be run; promptfoo.py and cases.py read it; render.py fills prompts in; work.py runs it
with the providers and scores.py; store.py keeps what came; statistics.py and results.py say what it means.
"""
