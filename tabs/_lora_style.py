"""The look of Personal LoRA's own HTML, and the before/after slider, which works in the browser alone."""

COMPARE = """
element.addEventListener('input', (event) => {
    const box = event.target.closest('.lo-compare');
    if (box) box.style.setProperty('--at', event.target.value + '%');
});
"""

CSS = """
.lo-cards { display: grid; gap: .7rem; grid-template-columns: repeat(auto-fill, minmax(min(46%, 9.5rem), 1fr)); }
.lo-card { border: 1px solid var(--border-color-primary); border-radius: 8px; overflow: hidden; min-width: 0;
           font-size: .8rem; line-height: 1.35; }
.lo-card img { display: block; width: 100%; aspect-ratio: 1; object-fit: cover; }
.lo-card div { padding: .35rem .5rem; overflow-wrap: anywhere; }
.lo-card p { margin: .2rem 0 0; }
.lo-card.lo-out { opacity: .5; }
.lo-card b { color: var(--body-text-color); }
.lo-sub { color: var(--body-text-color-subdued); }
.lo-bad { border-left: 3px solid #ef4444; padding-left: .4rem !important; }
.lo-mild { border-left: 3px solid #f59e0b; padding-left: .4rem !important; }
.lo-good { border-left: 3px solid #10b981; padding-left: .4rem !important; }
.lo-list { margin: .2rem 0 .4rem; padding: 0; list-style: none; font-size: .88rem; display: grid; gap: .25rem; }
.lo-empty { border: 1px dashed var(--border-color-primary); border-radius: 8px; padding: 1rem 1.2rem;
            color: var(--body-text-color-subdued); }
.lo-empty b { color: var(--body-text-color); }
.lo-bar { height: .5rem; border-radius: 1rem; background: var(--border-color-primary); overflow: hidden;
          margin: .35rem 0; }
.lo-bar i { display: block; height: 100%; background: var(--color-accent); }
.lo-state { font-size: .92rem; font-variant-numeric: tabular-nums; }
.lo-state span { color: var(--body-text-color-subdued); margin-right: 1rem; white-space: nowrap; }
.lo-scroll { overflow-x: auto; }
.lo-scroll .lo-grid { border-collapse: separate; border-spacing: 4px; font-size: .8rem; border: 0; margin: 0;
                      width: auto; }
.lo-scroll .lo-grid :is(th, td) { border: 0; }
.lo-grid th { font-weight: 400; text-align: left; color: var(--body-text-color-subdued); vertical-align: middle;
              white-space: nowrap; }
.lo-grid tbody th { position: sticky; left: 0; background: var(--body-background-fill); white-space: normal;
                    min-width: 6.5rem; max-width: 11rem; padding-right: .5rem; z-index: 1; }
.lo-grid td { white-space: nowrap; padding: 0; }
.lo-grid img { width: 76px; height: 76px; border-radius: 4px; display: inline-block; margin: 0 2px 0 0; }
.lo-grid .lo-best { color: var(--body-text-color); font-weight: 600; }
.lo-grid td.lo-best { outline: 2px solid var(--color-accent); outline-offset: 1px; border-radius: 4px; }
.lo-grid tr.lo-control th { font-style: italic; }
.lo-pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 12rem), 16rem)); gap: .8rem; }
.lo-pair figure { margin: 0; }
.lo-pair figcaption { font-size: .82rem; color: var(--body-text-color-subdued); padding-top: .25rem; }
.lo-pair img { display: block; width: 100%; border-radius: 6px; }
.lo-compare { --at: 50%; max-width: 22rem; }
.lo-stack { position: relative; aspect-ratio: 1; border-radius: 6px; overflow: hidden; }
.lo-stack img { position: absolute; inset: 0; width: 100%; height: 100%; }
.lo-stack img + img { clip-path: inset(0 0 0 var(--at)); }
.lo-stack i { position: absolute; top: 0; bottom: 0; left: var(--at); width: 2px; margin-left: -1px;
              background: #fff; box-shadow: 0 0 3px #0009; }
.lo-compare input { width: 100%; accent-color: var(--color-accent); margin: .4rem 0 0; }
.lo-compare div.lo-ends { display: flex; justify-content: space-between; font-size: .82rem;
                          color: var(--body-text-color-subdued); }
.lo-cut { display: flex; gap: .6rem; align-items: center; font-size: .82rem; color: var(--body-text-color-subdued); }
.lo-cut img { width: 96px; height: 96px; border-radius: 6px; }
.lo-links a { margin-right: 1rem; white-space: nowrap; }
@media (max-width: 640px) { .lo-grid img { width: 56px; height: 56px; } .lo-grid tbody th { max-width: 7rem; } }
"""
