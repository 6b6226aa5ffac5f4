"""The viewer of the Diffusion steps tab: its look, and the scrubber, which works in the browser alone."""

SCRUB = """
const labels = (box) => box.labels ||= JSON.parse(box.dataset.labels);
const show = (box, step) => {
    const last = Number(box.dataset.last);
    step = Math.max(0, Math.min(last, step));
    box.style.setProperty('--i', step);
    box.querySelector('input').value = step;
    box.querySelector('output').textContent = labels(box)[step];
};
element.addEventListener('input', (event) => {
    const box = event.target.closest('.df');
    if (box) show(box, Number(event.target.value));
});
element.addEventListener('click', (event) => {
    const box = event.target.closest('.df');
    if (!box) return;
    const strip = event.target.closest('.df-strip, .df-curves');
    if (strip) {
        const place = strip.getBoundingClientRect();
        show(box, Math.floor((event.clientX - place.left) / place.width * (Number(box.dataset.last) + 1)));
    }
    if (event.target.closest('.df-play')) {
        clearInterval(element.playing);
        let step = Number(box.querySelector('input').value);
        if (step >= Number(box.dataset.last)) step = -1;
        element.playing = setInterval(() => {
            if (!box.isConnected || step >= Number(box.dataset.last)) { clearInterval(element.playing); return; }
            show(box, ++step);
        }, Math.max(40, 2400 / Number(box.dataset.last)));
    }
});
"""

CSS = """
.df { --i: 0; --n: 1; container-type: inline-size; }
.df-panels { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .8rem; }
.df figure { margin: 0; min-width: 0; }
.df figcaption { font-size: .8rem; line-height: 1.3; color: var(--body-text-color-subdued); padding: .25rem 0; }
.df figcaption b { color: var(--body-text-color); }
.df-tile { aspect-ratio: 1; border-radius: 6px; background-color: var(--background-fill-secondary);
           background-repeat: no-repeat; background-size: calc((var(--n) + 1) * 100%) 100%;
           background-position-x: calc(var(--i) / var(--n) * 100%); }
.df-s0 { background-image: var(--s0); }
.df-s1 { background-image: var(--s1); }
.df-s2 { background-image: var(--s2); image-rendering: pixelated; }
.df-bar { display: grid; grid-template-columns: auto 1fr; gap: .2rem .7rem; align-items: center; margin: .5rem 0; }
.df-bar input { width: 100%; accent-color: var(--color-accent); margin: 0; }
.df-bar output { grid-column: 1 / -1; font-size: .85rem; font-variant-numeric: tabular-nums; min-height: 1.3em; }
.df-play { border: 1px solid var(--border-color-primary); border-radius: 6px; padding: .1rem .6rem; cursor: pointer;
           background: var(--background-fill-secondary); color: var(--body-text-color); }
.df-scroll { overflow-x: auto; }
.df-rows { position: relative; min-width: calc((var(--n) + 1) * 22px); }
.df-strip { aspect-ratio: calc(var(--n) + 1) / 1; background-size: 100% 100%; cursor: pointer; margin-bottom: 2px; }
.df-mark { position: absolute; top: 0; bottom: 0; width: calc(100% / (var(--n) + 1)); pointer-events: none;
           left: calc(var(--i) / (var(--n) + 1) * 100%); border: 2px solid var(--color-accent); border-radius: 4px;
           box-sizing: border-box; }
.df-curves { display: block; width: 100%; height: 110px; cursor: pointer; margin-top: .3rem;
             border-bottom: 1px solid var(--border-color-primary); }
.df-curves polyline { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; }
.df-noise { stroke: #6366f1; } .df-change { stroke: #f59e0b; }
.df-key { font-size: .8rem; color: var(--body-text-color-subdued); padding-top: .3rem; }
.df-key i { display: inline-block; width: 1rem; height: 3px; vertical-align: middle; margin: 0 .3rem 0 .8rem; }
.df-key i:first-child { margin-left: 0; }
.df-live { display: flex; flex-wrap: wrap; gap: 1rem; align-items: center; }
.df-live img { flex: 1 1 12rem; max-width: 16rem; border-radius: 6px; }
.df-live > div { flex: 1 1 12rem; }
.df-meter { height: .5rem; border-radius: 1rem; background: var(--border-color-primary); overflow: hidden; }
.df-meter i { display: block; height: 100%; background: var(--color-accent); }
.df-many { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(9rem, 45%), 1fr)); gap: .8rem; }
.df-many img { width: 100%; border-radius: 6px; display: block; }
.df-long { display: grid; gap: .7rem; }
.df-long figure { overflow-x: auto; }
.df-long figcaption { position: sticky; left: 0; }
.df-long img { width: 100%; min-width: 30rem; display: block; border-radius: 4px; }
.df-table { border-collapse: collapse; border: 0; font-size: .9rem; margin: .5rem 0; }
.df-table tr { border: 0; }
.df-table :is(th, td) { text-align: left; padding: .3rem 1.2rem .3rem 0; font-weight: 400; border: 0;
                        border-bottom: 1px solid var(--border-color-primary); }
.df-table thead th { color: var(--body-text-color-subdued); vertical-align: bottom; }
.df-card figure { display: grid; grid-template-columns: minmax(0, 24rem) 1fr; gap: 0 .8rem; align-items: center; }
.df-card img { width: 100%; display: block; }
@container (max-width: 520px) { .df-card figure { grid-template-columns: 1fr; }
                                .df-card figcaption { grid-row: 1; } }
.df-heat :is(td, thead th) { text-align: center; padding: .35rem .5rem; min-width: 5.2rem; max-width: 8rem; }
.df-heat tbody th { min-width: 9rem; max-width: 16rem; padding-right: .8rem; overflow-wrap: anywhere; }
.df-heat thead th { font-size: .8rem; line-height: 1.25; overflow-wrap: anywhere; }
.df-heat thead img { width: 72px; height: 72px; object-fit: cover; border-radius: 4px; display: block;
                     margin: 0 auto .25rem; }
.df-heat td { font-variant-numeric: tabular-nums;
              background: color-mix(in srgb, #6366f1 calc(var(--heat) * 55%), transparent); }
.df-heat small { display: block; font-size: .78rem; }
.df-heat .df-cut { color: var(--body-text-color-subdued); }
.df-three { display: grid; grid-template-columns: 1fr 1fr 1.25fr; gap: .8rem; align-items: start; max-width: 56rem; }
.df-three img { width: 100%; border-radius: 6px; display: block; }
@container (max-width: 520px) { .df-three { grid-template-columns: 1fr 1fr; } .df-plot { grid-column: 1 / -1; } }
.df-plot svg { width: 100%; display: block; }
.df-plot polyline { fill: none; stroke-width: 2; }
.df-plot line { stroke: var(--border-color-primary); }
.df-plot .df-here { stroke: var(--color-accent); stroke-width: 2; stroke-dasharray: 4 3; }
.df-plot text { fill: var(--body-text-color-subdued); font-size: 12px; }
.df-signal { stroke: #10b981; }
.df-faces { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(6rem, 22%), 1fr)); gap: .4rem; }
.df-faces img { width: 100%; max-width: 9rem; border-radius: 4px; display: block; }
.df-tokens { line-height: 2; }
.df-tokens span { display: inline-block; line-height: 1.5; padding: .1rem .35rem; border-radius: 4px;
                  background: var(--background-fill-secondary);
                  margin-right: .2rem; font-family: var(--font-mono); font-size: .85rem; }
.df-tokens .cut { text-decoration: line-through; opacity: .6; outline: 1px dashed #ef4444; }
.df-note { color: var(--body-text-color-subdued); font-size: .88rem; margin: .3rem 0; }
.df-note b { color: var(--body-text-color); }
.df-absent { border: 1px dashed var(--border-color-primary); border-radius: 8px; padding: .9rem 1.1rem; }
"""
