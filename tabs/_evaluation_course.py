"""The words of the Prompt evaluation tab's course fold. Each claim names the example that shows it."""

HOW = """
**What effectiveness can mean.** A prompt works if its outputs do what they are for. That has to be said as checks
before looking: the right word is in it, it is valid JSON, it is close to a reference, a judge says yes. Each check
sees only one side. *Contains* knows no meaning, *similar* misses a "not", a judge is a model too.

**How sure one can be.** A rate over a few cases is a guess with a wide interval
([Wilson 1927](https://doi.org/10.1080/01621459.1927.10502953)): 3 of 3 can still be a prompt that fails every second
time. Two prompts are compared on the same cases and the same seeds, and only the cases where they differ count
(exact sign test, [McNemar 1947](https://doi.org/10.1007/BF02295996)). Repeats of one case are not independent, so
they are worth less than new cases ([Kish 1965](https://archive.org/details/surveysampling0000kish)), and at temperature
0 they are worth nothing: the same text comes again. More *different* cases are what helps.

**The judge.** It reads a question that ends before "yes" or "no", and its next token is looked at: P(yes) against
P(no) from the logits. Nothing is generated and nothing has to be parsed. Judges favour long answers, the first of two,
and their own style ([Zheng et al. 2023](https://arxiv.org/abs/2306.05685)): ask in both orders, and give thumbs to see
whether it agrees with you ([Cohen 1960](https://doi.org/10.1177/001316446002000104)).

**Checks.** BLEU ([Papineni et al. 2002](https://aclanthology.org/P02-1040/)) as sacreBLEU computes it, ROUGE-1 as F1
([Lin 2004](https://aclanthology.org/W04-1013/)), edit distance
([Levenshtein 1966](https://en.wikipedia.org/wiki/Levenshtein_distance)), cosine of MiniLM vectors, perplexity of the
output under the model that wrote it. For pictures: the cosine with a reference in a fixed space of outlines and
colours ([Dalal & Triggs 2005](https://doi.org/10.1109/CVPR.2005.177)), the cosine of CLIP's vectors of picture and
caption ([Radford et al. 2021](https://arxiv.org/abs/2103.00020)), and your own check list. What could not be measured,
or waits for you, is neither a pass nor a failure. A case passes when all its checks do. The format of the YAML is
[promptfoo's](https://www.promptfoo.dev/docs/configuration/reference/); its scripts, files and cloud models are listed
as not supported, line by line.

**Limits of generated text.** It is likely, not true. It fills in what it does not know, repeats what is common in
what it was trained on, and sounds the same when it is wrong. The bundled model is small; larger ones fail less often,
and in ways that are harder to see.
"""

# the example that shows it, the claim
LESSONS = (
    ("Few-shot against zero-shot", "**Show, don't tell.** Solved examples say more than an instruction "
     "([Brown et al. 2020](https://arxiv.org/abs/2005.14165))."),
    ("Extract to JSON", "**Show the format once.** One example of the wanted JSON makes its form likely; it does not "
     "make what is in it true."),
    ("Role and format", "**Begin the answer yourself.** The first characters of the answer bind more than a role."),
    ("Story writing", "**Repeat before you believe.** With a temperature, one sample is luck; look at several seeds."),
    ("Education: grade an answer", "**Check the grader.** A model that always says the same passes half of a balanced "
     "set."),
    ("Beach, shark, umbrella, lighthouse", "**Count what is there.** By hand, and over several seeds: "
     "a pretty picture can leave out half of what was asked for."),
    ("Health: plain language", "**Read what passed.** A check that passes is not a text that is right."),
)
