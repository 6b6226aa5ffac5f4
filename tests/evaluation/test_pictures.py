"""Picture prompts: drawing as the Diffusion tab does, references, CLIP or why not, the visitor's check list."""

import dataclasses
import io
import json

import numpy as np
import pytest
from PIL import Image

from playground.diffusion import clip, models, requests, trace
from playground.errors import BadInput, ModelMissing
from playground.evaluation import (
    exports,
    kinds,
    library,
    looking,
    pictures,
    plan,
    promptfoo,
    providers,
    runs,
    verdicts,
    work,
)
from playground.evaluation.plan import Case, Plan, Prompt, Provider
from tests.evaluation.test_work import finished

POCKET = Provider(models.POCKET, steps=2)
LIST = kinds.made("checklist", ["shark, beach", "shark"])


def png(colour, size=(80, 60)):
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def made(*checks, **more):
    values = {"repeats": 2, "seed": 3, **more}
    return Plan((Prompt("a {{a}}"),), (POCKET,), (Case({"a": "shark"}, checks),), **values)


@pytest.fixture(scope="module")
def drawn(context):
    """A run of two pictures with every check of pictures, and one of texts."""
    reference = pictures.reference(png("red"))
    checks = (kinds.made("picture-similar", "red"), kinds.made("clip-score", None), kinds.made("contains", "e"), LIST)
    return finished(context, made(*checks, pictures={"red": reference}))


def test_a_picture_is_the_one_that_the_engine_draws(context, drawn):
    first, second = drawn.run().results.values()
    *_, expected = trace.draw(context, requests.check("a shark", steps=2, guidance=3.0, seed=3))
    ours = np.asarray(drawn.store.album.picture(first.output.picture))
    np.testing.assert_array_equal(ours, expected.film.final)
    assert first.output.picture != second.output.picture and second.seed == 4
    assert first.output.prompt_tokens > 2 and first.output.finish == "end" and not first.output.text


def test_pictures_lie_in_the_runs_own_folder_and_go_with_it(context):
    kept = finished(context, made(repeats=1))
    found = [path.relative_to(kept.job.folder) for path in kept.job.folder.rglob("*.png")]
    assert len(found) == 2 and all(path.parts[0] == "pictures" for path in found)
    again = finished(context, made(repeats=1, description="again"), previous=kept.id)
    context.jobs.delete(kept.id)
    assert not kept.job.folder.exists()
    (result,) = again.run().results.values()
    assert again.store.album.picture(result.output.picture).size == (64, 64)  # taken over, not linked


def test_what_is_taken_over_is_not_drawn_again(context, drawn, monkeypatch):
    monkeypatch.setattr(trace, "advance", lambda *_, **__: pytest.fail("drawn again"))
    assert len(finished(context, drawn.sheet.plan, previous=drawn.id).run().results) == 2


def test_the_likeness_is_the_cosine_in_the_feature_space(drawn):
    from playground.diffusion.pocket import features

    (result, _) = drawn.run().results.values()
    similar = result.score["verdicts"][0]
    both = np.stack([np.asarray(drawn.store.album.picture(result.output.picture)),
                     np.full((64, 64, 3), (255, 0, 0), np.uint8)])
    made_ = np.concatenate([features.outlines(both), features.colours(both) - 0.5], axis=1)
    cosine = made_[0] @ made_[1] / np.linalg.norm(made_[0]) / np.linalg.norm(made_[1])
    assert similar["evidence"].startswith(f"cosine {cosine:.3f}") and similar["passed"] is bool(cosine >= 0.8)


def test_likeness_of_plain_pictures(tmp_path):
    album = pictures.Album(tmp_path)
    album.add("red", np.full((64, 64, 3), (255, 0, 0), np.uint8))
    known = {name: pictures.reference(png(name)) for name in ("red", "cyan", "white")}
    found = looking.likeness(album, known, [(name, "red") for name in known])
    assert found["red", "red"] == pytest.approx(1) and found["cyan", "red"] == pytest.approx(-1)
    assert abs(found["white", "red"]) < 0.4


def test_without_clip_the_cell_is_neither_passed_nor_failed_and_says_how_to_get_it(context, drawn):
    assert not clip.available(context)
    for result in drawn.run().results.values():
        found = result.score["verdicts"][1]
        assert found["passed"] is None and found["score"] is None
        assert "not measured" in found["evidence"] and "CLIP" in found["evidence"] and "offline" in found["evidence"]
        assert found["wanted"] == "a shark"  # without a value the caption is the prompt


def test_a_check_of_texts_does_not_judge_a_picture(drawn):
    for result in drawn.run().results.values():
        assert result.score["verdicts"][2]["evidence"] == "not measured: it reads texts, and the output is a picture"
    asked = Plan((Prompt("the {{a}}"),), (Provider(providers.NGRAM, max_tokens=3),),
                 (Case({"a": "whale"}, (kinds.made("clip-score", None),)),))
    measured = verdicts.Verdict("clip-score", None, None, "")
    assert plan.checked(asked) and measured.passed is None


def test_clip_is_asked_for_pairs_some_at_a_time(context, tmp_path, monkeypatch):
    album = pictures.Album(tmp_path)
    for number in range(10):
        album.add(str(number), np.full((8, 8, 3), number, np.uint8))
    asked = []

    def match(_, shown, captions):
        asked.append(len(shown))
        values = [[np.asarray(picture)[0, 0, 0] + int(caption) / 100 for caption in captions] for picture in shown]
        return clip.Match(np.array(values), np.array(values))

    monkeypatch.setattr(clip, "match", match)
    pairs = [(str(number), str(number)) for number in range(10)]
    found, why = looking.fits(context, album, pairs, lambda: None)
    assert asked == [8, 2] and not why
    assert found == {pair: pytest.approx(number * 1.01) for number, pair in enumerate(pairs)}


def test_a_check_list_waits_then_counts(context):
    kept = finished(context, made(LIST))
    (first, second) = kept.run().results.values()
    assert first.passed is None and first.opinion is None and first.score["verdicts"][0]["evidence"].startswith("waits")
    assert [part["wanted"] for part in first.score["verdicts"][0]["parts"]] == ["shark", "beach"]
    assert kept.run().summaries()[0].rate.trials == 0
    kept.store.tick(first.cell.id, "shark", True)
    assert kept.run().results[first.cell].passed is None
    kept.store.tick(first.cell.id, "beach", False)
    run = kept.run()
    assert run.results[first.cell].passed is False and run.results[first.cell].opinion is False
    assert run.results[first.cell].score["score"] == 0.5
    assert run.summaries()[0].metrics == {"shark": 1.0, "beach": 0.0}
    for item in ("shark", "beach"):
        kept.store.tick(second.cell.id, item, True)
    run = kept.run()
    assert run.results[second.cell].passed and run.summaries()[0].rate.share == 0.5
    kept.store.tick(second.cell.id, "beach", None)
    assert kept.run().results[second.cell].passed is None
    assert run.agreement() == ([[0, 0], [0, 0]], None)  # there is no check beside the list to agree with


def test_ticks_agree_or_not_with_the_checks_and_calibrate_them(context):
    kept = finished(context, made(kinds.made("picture-similar", "red", -1.0), LIST,
                                  pictures={"red": pictures.reference(png("red"))}))
    for number, result in enumerate(kept.run().results.values()):
        for item in ("shark", "beach"):
            kept.store.tick(result.cell.id, item, number == 0)
    run = kept.run()
    assert all(each.checked for each in run.results.values())  # the list itself is no check of a machine
    assert run.agreement() == ([[1, 0], [1, 0]], 0.0)
    assert [opinion for _, opinion in run.judged("picture-similar")] == [True, False]


def test_a_negated_list_wants_nothing_of_it_and_a_threshold_a_share():
    none = verdicts.listed(verdicts.Verdict("not-checklist", None, None, ""), ["a", "b"], {"a": False, "b": False})
    assert none.passed and none.score == 1
    half = verdicts.listed(verdicts.Verdict("checklist", None, None, "", threshold=0.5), ["a", "b"],
                           {"a": True, "b": False})
    assert half.passed and half.score == 0.5


@pytest.mark.parametrize(("found", "threshold", "expected"), [
    ([True, None], None, (None, 1.0)), ([False, None], None, (False, 0.0)), ([None], None, (None, None)),
    ([True, None], 0.5, (None, 1.0)), ([], None, (True, 1.0)), ([True, False], 0.5, (True, 0.5))])
def test_what_is_not_known_leaves_it_open(found, threshold, expected):
    given = [verdicts.Verdict("x", each, None if each is None else float(each), "") for each in found]
    assert verdicts.aggregate(given, threshold) == expected


# ---- references from outside

def test_a_reference_is_decoded_and_encoded_anew():
    file = io.BytesIO()
    note = Image.Exif()
    note[0x010E] = "a secret note"
    Image.new("RGB", (300, 200), "red").save(file, "JPEG", exif=note)
    uri = pictures.reference(file.getvalue())
    assert b"secret" not in pictures.decoded(uri) and uri.startswith("data:image/png;base64,")
    assert pictures.pixels(uri).shape == (64, 64, 3) and len(uri) < 2000


@pytest.mark.parametrize("uri", ["data:image/png;base64,AAAA", "data:image/svg+xml;base64,PHN2Zy8+", "data:image/png,x",
                                 "data:image/png;base64,@@@", "https://example.com/x.png", 7])
def test_what_is_no_picture_is_refused(uri):
    with pytest.raises(BadInput):
        pictures.checked({"x": uri})


def test_pictures_in_a_file_get_names_and_survive_being_written():
    uri = pictures.reference(png("blue"))
    text = json.dumps({"prompts": ["a {{what}}"], "providers": [{"id": models.POCKET, "config": {
        "steps": 5, "guidance": 2, "temperature": 1}}], "tests": [{"vars": {"what": "sky", "ref": uri}, "assert": [
            {"type": "picture-similar", "value": "{{ref}}"}, {"type": "clip-score"},
            {"type": "checklist", "value": ["sky", "cloud"]}]}]})
    asked, issues = promptfoo.read(text)
    assert asked.cases[0].variables["ref"] == "picture" and asked.pictures == {"picture": uri}
    assert asked.providers == (Provider(models.POCKET, steps=5, guidance=2.0),)
    assert ["temperature" in str(issue) for issue in issues] == [True]
    assert work.sheet(asked)
    assert promptfoo.read(exports.to_yaml(asked))[0] == asked


def test_a_reference_that_is_not_there_names_its_cell():
    with pytest.raises(BadInput, match=r"Case 1 \(shark\): There is no reference picture 'blue'"):
        work.sheet(made(kinds.made("picture-similar", "blue")))


def test_too_many_references_are_refused():
    with pytest.raises(BadInput, match="at most 50"):
        pictures.checked({str(number): "" for number in range(51)})


# ---- providers

@pytest.mark.parametrize(("settings", "words"), [({"steps": 1000}, "steps"), ({"guidance": 99}, "guidance")])
def test_settings_out_of_range_are_refused(settings, words):
    with pytest.raises(BadInput, match=words):
        plan.checked(made(repeats=1) if not settings else dataclasses.replace(
            made(repeats=1), providers=(Provider(models.POCKET, **settings),)))


def test_a_prompt_too_long_to_draw_is_the_error_of_its_output(context):
    asked = Plan((Prompt("{{a}}"),), (POCKET,), (Case({"a": "x" * 3000}), Case({"a": "fish"})))
    long, short = finished(context, asked).run().results.values()
    assert "3,000 characters" in long.output.error and long.passed is False and short.passed


def test_a_model_that_is_not_here_ends_the_run(context):
    asked = dataclasses.replace(made(repeats=1), providers=(Provider(models.MODELS[1].key, steps=1),))
    kept = runs.add(context, runs.sized(context, asked)[0], "ada", here=True)
    with pytest.raises(ModelMissing, match=r"Stable Diffusion 1\.5"):
        list(runs.here(context, kept))


def test_large_drawings_go_to_a_process_of_their_own(context):
    small, cost = runs.sized(context, made())
    assert runs.is_small(cost, small) and cost.tokens == 0 and 0 < cost.drawing < 10
    large = dataclasses.replace(made(repeats=20), providers=(Provider(models.MODELS[1].key),))
    filled, cost = runs.sized(context, large)
    assert not runs.is_small(cost, filled)
    with pytest.raises(BadInput, match="too long to wait for"):
        runs.for_script(context, large, ())


def test_a_process_of_its_own_draws_the_same(context, drawn):
    import time

    kept = runs.add(context, drawn.sheet, "ada", here=False)
    deadline = time.monotonic() + 120
    while (job := context.jobs.get(kept.id)).state in ("queued", "running") and time.monotonic() < deadline:
        time.sleep(0.2)
    assert job.state == "done", (job.error, (job.folder / "log").read_text()[-2000:])
    for ours, theirs in zip(kept.run().results.values(), drawn.run().results.values(), strict=True):
        np.testing.assert_array_equal(np.asarray(kept.store.album.picture(ours.output.picture)),
                                      np.asarray(drawn.store.album.picture(theirs.output.picture)))


def test_exports_hold_pictures_where_they_can(drawn):
    data = json.loads(exports.to_json(drawn.run()))
    assert all(pictures.pixels(each["picture"]).shape == (64, 64, 3) for each in data["results"])
    assert data["stats"]["failed"] == 2 and data["stats"]["open"] == 0 and "max_tokens" not in data["providers"][0]
    assert exports.to_csv(drawn.run()).count("(picture)") == 2


@pytest.mark.parametrize("example", library.PICTURES, ids=lambda each: each.title)
def test_picture_examples_are_complete_plans(example):
    filled = work.sheet(plan.checked(example.plan()))
    assert all(provider.draws for provider in filled.plan.providers)
    assert promptfoo.read(exports.to_yaml(filled.plan))[0] == filled.plan
