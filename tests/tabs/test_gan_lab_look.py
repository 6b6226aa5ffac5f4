"""What the lab's live picture shows when it cannot be looked at: a run deleted elsewhere, a disk that takes nothing."""

from types import SimpleNamespace

import gradio as gr
import pytest

from playground.errors import BadInput, StorageTrouble
from tabs import _gan_lab, _gan_lab_delete


@pytest.mark.parametrize(("problem", "picture"), [
    (StorageTrouble("Cannot write here: the disk is <full>.", "Free some space."), gr.skip()),
    (BadInput("There is no job with this id.", "It may have been deleted."), _gan_lab_delete.EMPTY)])
def test_a_look_that_fails_says_so_once_and_ends(monkeypatch, problem, picture):
    def look(*_args):
        raise problem

    monkeypatch.setattr(_gan_lab.client, "look", look)
    shown, words, _, timer = _gan_lab.looker(SimpleNamespace())("J" * 22, (), 0)
    assert shown == picture
    assert problem.remedy in words
    assert "<full>" not in words
    assert timer.active is False
