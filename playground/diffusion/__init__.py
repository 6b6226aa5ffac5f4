"""Diffusion: the pocket model of this project and what takes a diffusion pipeline apart.

Importing this package loads no torch, diffusers or transformers.
"""
