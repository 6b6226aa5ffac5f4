"""The commands that make the pocket model: python -m playground.diffusion.pocket COMMAND --work DIR

    data         draw the faces, fetch and render the emoji
    adopt        go on from the exported folder, where the checkpoints are gone
    autoencoder  train the autoencoder
    latents      standardise its latents, encode the set
    denoiser     train the denoiser
    grid         draw prompts from the training folder
    export       write the diffusers folder in half precision; it says how the page comes to draw with it
    evaluate     measure the exported folder, write numbers.json
    card         write the model card from the numbers
Every training can be stopped at any moment and goes on with --resume from its last checkpoint, or begins if it had
none yet; latents --resume keeps what this autoencoder has encoded already.
The bundled folder's checksums are pinned in the catalog. The page refuses another one in its place until they are
changed there: export prints the lines. It takes any folder as it is that lies in a --models-dir.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

MODEL = Path("assets/models/pocket-diffusion-64")
DEFAULTS = {  # steps, batch, learning rate, part of the steps in which it falls
    "autoencoder": (5000, 8, 1e-3, 0.6),
    "denoiser": (40000, 16, 5e-4, 0.25),
}


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m playground.diffusion.pocket", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    commands = top.add_subparsers(dest="command", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--work", type=Path, required=True, help="folder for data and checkpoints")
    shared.add_argument("--seed", type=int, default=0)
    shared.add_argument("--threads", type=int, default=os.cpu_count(), help="CPU threads")
    add = {
        name: commands.add_parser(name, parents=[shared])
        for name in ("data", "adopt", "latents", "grid", "export", "evaluate", "card", *DEFAULTS)
    }
    add["data"].add_argument("--faces", type=int, default=20000)
    add["latents"].add_argument("--faces", type=int, default=None, help="encode only so many")
    add["latents"].add_argument("--resume", action="store_true", help="keep what fits already")
    for name, (steps, batch, rate, cooldown) in DEFAULTS.items():
        add[name].add_argument("--steps", type=int, default=steps)
        add[name].add_argument("--seconds", type=float, default=float("inf"), help="time limit")
        add[name].add_argument("--batch", type=int, default=batch)
        add[name].add_argument("--rate", type=float, default=rate, help="highest learning rate")
        add[name].add_argument("--cooldown", type=float, default=cooldown)
        add[name].add_argument("--resume", action="store_true")
        add[name].add_argument("--bf16", action="store_true", help="faster where the CPU has it")
        add[name].add_argument("--keep", type=int, nargs="*", default=(), help="steps to keep")
    add["denoiser"].add_argument(
        "--channels", type=int, nargs=3, default=(64, 128, 256), help="at 16, 8 and 4 pixels a side"
    )
    for name in ("autoencoder", "latents"):
        add[name].add_argument(
            "--decoder-only", action="store_true", help="leave the latents what they are"
        )
    add["adopt"].add_argument("--steps", type=int, required=True, help="denoiser's, by its card")
    add["adopt"].add_argument("--autoencoder-steps", type=int, required=True)
    for name in ("adopt", "denoiser"):
        add[name].add_argument("--faces-share", type=float, default=0.45, help="of a batch")
    for name in ("adopt", "export", "evaluate", "card"):
        add[name].add_argument(
            "--model", type=Path, default=MODEL, help="the exported folder; the bundled one by default"
        )
    add["evaluate"].add_argument("--faces", type=int, default=500, help="faces drawn")
    add["grid"].add_argument("prompts", nargs="+")
    add["grid"].add_argument("--guidance", type=float, default=2.0)
    add["grid"].add_argument("--columns", type=int, default=8, help="pictures a prompt")
    add["grid"].add_argument("--out", type=Path, default=None)
    return top


def main(argv: list[str] | None = None) -> None:
    """Run one command."""
    args = parser().parse_args(argv)
    import torch

    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)  # tiny gradients make some CPUs many times slower
    COMMANDS[args.command](args)


def _data(args: argparse.Namespace) -> None:
    from playground.diffusion.pocket import data, frozen

    archive = data.fetch_emoji(args.work / "npm")
    generator = frozen.load_face_generator()
    sizes = data.Sizes(faces=args.faces)
    data.build(args.work, sizes, seed=args.seed, generator=generator, archive=archive)


def _run(args: argparse.Namespace):
    from playground.diffusion.pocket.training import Run

    return Run(
        steps=args.steps, batch=args.batch, peak=args.rate, seconds=args.seconds,
        cooldown=args.cooldown, seed=args.seed, keep=tuple(args.keep), bf16=args.bf16,
    )  # fmt: skip


def _adopt(args: argparse.Namespace) -> None:
    from playground.diffusion.pocket import adopt

    steps = {"autoencoder": args.autoencoder_steps, "denoiser": args.steps}
    batches = {name: batch for name, (_, batch, _, _) in DEFAULTS.items()}
    adopt.write(args.work, args.model, steps, batches, args.faces_share)


def _autoencoder(args: argparse.Namespace) -> None:
    from playground.diffusion.pocket import autoencoder

    autoencoder.train(
        args.work, _run(args), resume=args.resume, decoder_only=args.decoder_only
    )


def _latents(args: argparse.Namespace) -> None:
    from playground.diffusion.pocket import frozen, latents

    if args.decoder_only:
        latents.write_autoencoder(args.work)
        return
    latents.prepare(
        args.work, *frozen.load_text_encoder(), faces=args.faces, resume=args.resume
    )


def _denoiser(args: argparse.Namespace) -> None:
    from playground.diffusion.pocket import denoiser

    channels = tuple(args.channels)
    denoiser.train(
        args.work, _run(args), resume=args.resume, channels=channels, faces_share=args.faces_share
    )


def _grid(args: argparse.Namespace) -> None:
    from playground.diffusion.pocket import denoiser, training

    prompts = [prompt for prompt in args.prompts for _ in range(args.columns)]
    drawn = denoiser.pictures_for(args.work, prompts, seed=args.seed, guidance=args.guidance)
    out = args.out or args.work / "grids" / "prompts.png"
    training.save_grid(drawn, args.columns, out)
    print(out)


def _export(args: argparse.Namespace) -> None:
    from diffusers import AutoencoderKL

    from playground.diffusion.pocket import denoiser, pipeline

    vae = AutoencoderKL.from_pretrained(args.work / "vae")
    unet, scheduler = denoiser.averaged(args.work), denoiser.new_scheduler()
    pipeline.export(args.model, unet, vae, scheduler)
    print(pipeline.bringing_in(args.model))


def _evaluate(args: argparse.Namespace) -> None:
    from playground.diffusion.pocket import evaluate

    evaluate.write(args.work, args.model, faces=args.faces)


def _card(args: argparse.Namespace) -> None:
    from playground.diffusion.pocket import card

    card.write(args.work, args.model)


COMMANDS = {
    "data": _data, "adopt": _adopt, "autoencoder": _autoencoder, "latents": _latents, "denoiser": _denoiser,
    "grid": _grid, "export": _export, "evaluate": _evaluate, "card": _card,
}  # fmt: skip

if __name__ == "__main__":
    main()
