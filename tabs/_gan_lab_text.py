"""The words of the lab, and the two scripts of its page."""

SUMMARY = ("Train both networks yourself: a **generator** G that makes points or pictures from noise, and a "
           "**discriminator** D that learns to tell them from real ones. Each button below is a whole experiment; "
           "failures run beside their cure.")

HOW = """
In each **joint update** D sees a batch of real and a batch of generated samples and learns to score the real ones
higher, then G learns, through D, to get higher scores. Neither loss says how good the samples are: they are the state
of a game. What to look at instead:

* **Gradient that reaches G**: the length of the gradient over all of G's weights. When D is sure of itself, log(1 − D)
  is flat, and G learns nothing: the *vanishing gradient*. −log D is steep exactly there.
* **Modes covered** (of the ring and the grid): a mode counts when at least 1 % of 2,500 samples lie within three
  standard deviations of it. *Mode collapse*: G finds one place that D likes, and leaves the rest.
* **Duplicates**: the share of samples with another one nearer than 95 of 100 real samples have; real data show 5 %.
* **Diversity**: the mean distance between two generated samples over that between two real ones; 1 is as diverse.
* **Fréchet**: the distance between Gaussians fitted to real and to generated samples; for pictures on their 48
  principal components, so it is comparable within this lab only.

Tricks: *noise* on whatever D sees makes the two distributions overlap; *label smoothing* tells D that real data are
real with probability 1 − s; *spectral norm* bounds how steep D can be; *R1* punishes a steep D at real data;
*augmentation* shows D the same random changes on real and on generated pictures, so that it cannot learn a small set by
heart. *Head start* trains D for some updates before G begins.

The faces are drawn from the generator on top of this tab: rendered people, imitated once already, and here again. The
digits are those of scikit-learn, 8 x 8 pixels.

Sources: [Goodfellow et al. 2014](https://arxiv.org/abs/1406.2661) (GAN, −log D),
[Arjovsky and Bottou 2017](https://arxiv.org/abs/1701.04862) (vanishing gradient, noise),
[Metz et al. 2016](https://arxiv.org/abs/1611.02163) (ring, collapse),
[Srivastava et al. 2017](https://arxiv.org/abs/1705.07761) (modes covered),
[Mao et al. 2017](https://arxiv.org/abs/1611.04076) (least squares),
[Lim and Ye 2017](https://arxiv.org/abs/1705.02894) (hinge),
[Gulrajani et al. 2017](https://arxiv.org/abs/1704.00028) (Wasserstein with gradient penalty),
[Salimans et al. 2016](https://arxiv.org/abs/1606.03498) (label smoothing),
[Miyato et al. 2018](https://arxiv.org/abs/1802.05957) (spectral norm),
[Mescheder et al. 2018](https://arxiv.org/abs/1801.04406) (R1),
[Zhao et al. 2020](https://arxiv.org/abs/2006.10738) (augmentation),
[Heusel et al. 2017](https://arxiv.org/abs/1706.08500) (Fréchet distance).
"""

SCRUBBER = """const slide = element.querySelector('input');
const steps = JSON.parse(slide.dataset.steps);
slide.addEventListener('input', () => {
    const at = Number(slide.value);
    const words = at < steps.length ? 'after update ' + steps[at].toLocaleString() : 'live';
    element.querySelector('output').textContent = words;
    trigger('input', { place: at });
});"""
