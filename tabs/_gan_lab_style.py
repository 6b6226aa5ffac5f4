"""The look of the lab's own HTML."""

CSS = """
.lab-cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 330px), 1fr)); }
.lab-card { min-width: 0; border: 1px solid var(--border-color-primary); border-radius: var(--radius-lg);
    padding: .6rem .8rem; }
.lab-card header { margin-bottom: .4rem; }
.lab-card header span { color: var(--body-text-color-subdued); font-variant-numeric: tabular-nums; }
.lab-one .lab-body { display: grid; gap: 1.2rem;
    grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); }
.lab-plane { display: block; width: 100%; max-width: 440px; aspect-ratio: 1; margin: 0 auto; border-radius: 6px;
             background: var(--background-fill-secondary); }
.lab-sheet { display: block; width: 100%; max-width: 440px; margin: 0 auto; border-radius: 4px; }
.lab-tiny { image-rendering: pixelated; }
.lab-key { margin: .3rem 0; font-size: .82rem; color: var(--body-text-color-subdued); }
.lab-card i { display: inline-block; width: .7rem; height: .7rem; border-radius: 50%; margin: 0 .15rem 0 .4rem; }
.lab-figures { display: flex; flex-wrap: wrap; gap: .1rem 1rem; margin: .3rem 0; font-size: .88rem;
               color: var(--body-text-color-subdued); font-variant-numeric: tabular-nums; }
.lab-figures b { color: var(--body-text-color); }
.lab-card figure { margin: 0 0 .5rem; }
.lab-card figcaption { display: flex; justify-content: space-between; gap: .6rem; font-size: .82rem; }
.lab-card figcaption span { white-space: nowrap; color: var(--body-text-color-subdued); }
.lab-card figure svg { display: block; width: 100%; height: 88px; background: var(--background-fill-secondary);
    border-radius: 4px; }
.lab-card polyline { fill: none; stroke-width: 1.5; vector-effect: non-scaling-stroke; }
.lab-runaway { stroke: #ef4444; stroke-dasharray: 4 3; vector-effect: non-scaling-stroke; }
.lab-mark { stroke: var(--body-text-color-subdued); vector-effect: non-scaling-stroke; }
.lab-axis { display: flex; justify-content: space-between; font-size: .75rem; color: var(--body-text-color-subdued);
            font-variant-numeric: tabular-nums; }
.lab-pictures { display: grid; gap: .5rem; grid-template-columns: repeat(auto-fill, minmax(6rem, 1fr)); }
.lab-pictures figure { margin: 0; max-width: 12rem; }
.lab-pictures img { display: block; width: 100%; margin: 0; border-radius: 4px; }
.lab-pictures figcaption { font-size: .82rem; text-align: center; color: var(--body-text-color-subdued); }
.lab-empty { border: 1px dashed var(--border-color-primary); border-radius: 8px; padding: 1rem 1.2rem;
            color: var(--body-text-color-subdued); }
.lab-empty b { color: var(--body-text-color); }
.lab-status { font-size: .9rem; min-height: 1.5rem; font-variant-numeric: tabular-nums; }
.lab-wait { min-height: 320px; display: grid; place-items: center; color: var(--body-text-color-subdued); }
.lab-film { display: flex; flex-wrap: wrap; gap: .3rem .8rem; align-items: center; font-size: .9rem; }
.lab-film input { flex: 1 1 220px; min-width: 0; accent-color: var(--color-accent); }
.lab-film output { min-width: 9rem; font-variant-numeric: tabular-nums; }
"""
