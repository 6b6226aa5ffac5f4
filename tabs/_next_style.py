"""The look of the Next token tab's own HTML, and how a click on a bar or a token becomes an event."""

CLICKS = """element.addEventListener('click', (event) => {
    const hit = event.target.closest('[data-way], [data-place]');
    if (hit) trigger('click', { way: hit.dataset.way ?? '', place: hit.dataset.place ?? '' });
});"""

CSS = """
.bars { display: grid; gap: 2px; font-size: .9rem; }
.bar { display: grid; grid-template-columns: minmax(5.5rem, 10rem) 1fr 4.2rem; gap: .6rem; align-items: center;
       width: 100%; min-height: 1.72rem; padding: 0 .3rem; border: 0; border-radius: 4px; background: none;
       color: inherit; font: inherit; text-align: left; }
.counted .bar { grid-template-columns: minmax(5.5rem, 10rem) 1fr 4.2rem 3rem; }
button.bar { cursor: pointer; }
button.bar:hover, button.bar:focus-visible { background: var(--background-fill-secondary); outline: none;
    box-shadow: inset 0 0 0 1px var(--border-color-accent); }
.bar .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; text-align: right;
             font-family: var(--font-mono); }
.bar .track { position: relative; height: 1.15rem; }
.bar .track i { position: absolute; left: 0; top: 0; bottom: 0; min-width: 1px; border-radius: 2px; }
.bar .now { background: #6366f1; }
.bar .ghost { border: 1.5px dashed #7c8496; background: none; box-sizing: border-box; }
.bar .drawn { background: #f59e0b; top: 65% !important; }
.bar .number, .bar .count { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.bar .count { color: #b45309; }
.dark .bar .count { color: #fbbf24; }
.bar.rest .now { background: #94a3b8; }
.bar.rest .name { font-family: inherit; color: var(--body-text-color-subdued); }
.bar.off { opacity: .55; }
.bar.here { box-shadow: inset 3px 0 0 #10b981; }
.mark { opacity: .45; }
.where { margin: 0 0 .4rem; font-size: .9rem; }
.caption { color: var(--body-text-color-subdued); font-size: .85rem; margin: .5rem 0 0; }
.caption b { color: var(--body-text-color); }
.key { display: inline-block; width: 1rem; height: .65rem; border-radius: 2px; margin: 0 .25rem 0 .6rem; }
.line { position: relative; display: flex; height: 2rem; margin-top: 1.3rem; border-radius: 4px;
        background: var(--border-color-primary); }
.line span { overflow: hidden; text-align: center; font: .78rem/2rem var(--font-mono); white-space: nowrap;
             color: white !important; box-sizing: border-box; border-right: 1px solid var(--background-fill-primary); }
.line span .mark, .line span bdi { color: white !important; }
.line .hit { outline: 2px solid #f59e0b; outline-offset: -1px; z-index: 1; }
.line .pin { position: absolute; top: -1.2rem; bottom: -4px; width: 2px; background: #f59e0b; z-index: 2; border: 0; }
.line .pin b { position: absolute; top: -2px; left: 5px; font-size: .78rem; white-space: nowrap; }
.line .pin.left b { left: auto; right: 5px; }
.trail { line-height: 2; max-height: 16rem; overflow-y: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
.trail button { border: 0; margin: 0 1px 0 0; padding: .1rem; border-radius: 3px; font: inherit; color: inherit;
                cursor: pointer; white-space: pre-wrap; text-align: left;
                background: var(--background-fill-secondary); }
.trail button:hover, .trail button:focus-visible { outline: 2px solid #6366f1; }
.trail .cut { text-decoration: line-through; opacity: .5; }
.trail .picked { outline: 2px solid #10b981; }
.meter { display: inline-block; width: 7rem; height: .5rem; border-radius: 1rem; overflow: hidden;
         vertical-align: middle; background: var(--border-color-primary); margin: 0 .4rem; }
.meter i { display: block; height: 100%; background: #6366f1; }
.meter.full i { background: #ef4444; }
.ramp { display: inline-block; width: 6rem; height: .65rem; border-radius: 2px; margin: 0 .3rem;
        background: linear-gradient(90deg, rgba(239,68,68,.04), rgba(239,68,68,.75)); }
@media (max-width: 640px) {
    .bar { grid-template-columns: minmax(4.5rem, 6rem) 1fr 3.6rem; }
    .counted .bar { grid-template-columns: minmax(4.5rem, 6rem) 1fr 3.6rem 2.4rem; }
}
"""
