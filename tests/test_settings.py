"""Options: the command line wins over the environment, and a bad value names its remedy."""

from pathlib import Path

import pytest

from playground import settings
from playground.errors import BadInput

EVERY_OPTION = ["host", "port", "share", "auth", "device", "memory_budget", "offline", "data_dir", "models_dir",
                "endpoints", "mode", "limits", "public_url", "trusted_proxy"]
ARGUMENTS = ["--host", "0.0.0.0", "--port", "8000", "--share", "--auth", "users.txt", "--device", "cuda:1",
             "--memory-budget", "6GB", "--offline", "--data-dir", "/d", "--models-dir", "/m",
             "--endpoints", "private", "--mode", "class", "--limits", "joins=9", "--public-url", "https://x.org/p",
             "--trusted-proxy", "127.0.0.1,10.0.0.0/8"]
VARIABLES = {"PLAYGROUND_HOST": "0.0.0.0", "PLAYGROUND_PORT": "8000", "PLAYGROUND_SHARE": "yes",
             "PLAYGROUND_AUTH": "users.txt", "PLAYGROUND_DEVICE": "cuda:1", "PLAYGROUND_MEMORY_BUDGET": "6GB",
             "PLAYGROUND_OFFLINE": "1", "PLAYGROUND_DATA_DIR": "/d", "PLAYGROUND_MODELS_DIR": "/m",
             "PLAYGROUND_ENDPOINTS": "private", "PLAYGROUND_MODE": "class", "PLAYGROUND_LIMITS": "joins=9",
             "PLAYGROUND_PUBLIC_URL": "https://x.org/p", "PLAYGROUND_TRUSTED_PROXY": "127.0.0.1,10.0.0.0/8"}


def test_every_option_works_as_argument_and_as_variable():
    from_arguments = settings.from_command_line(ARGUMENTS, {})
    assert from_arguments == settings.from_command_line([], VARIABLES)
    assert from_arguments == settings.Settings("0.0.0.0", 8000, True, Path("users.txt"), "cuda:1", 6 * 10**9, True,
                                               Path("/d"), Path("/m"), "private", "class", "joins=9",
                                               "https://x.org/p", "127.0.0.1,10.0.0.0/8")


def test_the_argument_wins():
    assert settings.from_command_line(["--port", "1"], {"PLAYGROUND_PORT": "2"}).port == 1


@pytest.mark.parametrize(("arguments", "words"), [
    (["--port", "seventy"], "--port"), (["--port", "70000"], "--port"), (["--device", "tpu"], "--device"),
    (["--memory-budget", "lots"], "6GB"), (["--memory-budget", "0"], "--memory-budget"),
    (["--endpoints", "everywhere"], "--endpoints"), (["--mode", "open"], "--mode"),
    (["--mode", "private", "--share"], "--mode class"), (["--mode", "private", "--host", "0.0.0.0"], "--mode class"),
    (["--mode", "private", "--public-url", "https://x.org"], "--mode class"),
    (["--mode", "public", "--endpoints", "public"], "--endpoints"), (["--public-url", "x.org"], "--public-url"),
    (["--trusted-proxy", "localhost"], "--trusted-proxy"), (["--limits", "speed=9"], "joins"),
    (["--limits", "joins"], "name=number"), (["--limits", "joins=-1"], "whole number"),
    (["--limits", "joins=0"], "larger")])
def test_a_bad_value_names_the_remedy(arguments, words):
    with pytest.raises(BadInput, match=words):
        settings.from_command_line(arguments, {})


@pytest.mark.parametrize(("arguments", "reach"), [
    ([], "off"), (["--endpoints", "public"], "public"), (["--endpoints", "private"], "private"),
    (["--endpoints", "private", "--share"], "off"), (["--endpoints", "public", "--share"], "off"),
    (["--endpoints", "public", "--offline"], "off"), (["--endpoints", "private", "--offline"], "loopback")])
def test_how_far_endpoints_may_lie(arguments, reach):
    assert settings.from_command_line(arguments, {}).reach == reach


@pytest.mark.parametrize(("text", "size"), [
    ("6GB", 6 * 10**9), ("800 mb", 8 * 10**8), ("2GiB", 2**31), ("123", 123), ("1.5G", 15 * 10**8)])
def test_sizes(text, size):
    assert settings.parse_size(text) == size


def test_the_login_file(tmp_path):
    path = tmp_path / "users"
    path.write_text("# class of 26\nada:lovelace:1\n\nalan:enigma\n")
    assert settings.read_users(path) == [("ada", "lovelace:1"), ("alan", "enigma")]


@pytest.mark.parametrize("content", ["", "# nobody\n", "ada\n", ":x\n", "ada:\n"])
def test_a_login_file_that_lets_nobody_in_is_refused(tmp_path, content):
    path = tmp_path / "users"
    path.write_text(content)
    with pytest.raises(BadInput, match="user:password"):
        settings.read_users(path)


def test_a_missing_login_file_is_named(tmp_path):
    with pytest.raises(BadInput, match="nowhere"):
        settings.read_users(tmp_path / "nowhere")
