"""The pocket model: a 64 x 64 text-to-image pipeline trained from nothing by this package.

    data         pictures and captions: faces a DCGAN drew, open emoji art
    autoencoder  64 x 64 x 3 pictures <-> 16 x 16 x 4 latents
    denoiser     noise -> latents, told by the caption
    pipeline     export to, and load from, a diffusers folder
    evaluate     the numbers of the model card

`python -m playground.diffusion.pocket --help` lists the commands.
"""
