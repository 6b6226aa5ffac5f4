"""The look of the Prompt evaluation tab's own HTML, and how a click on a cell becomes an event."""

CLICKS = """element.addEventListener('click', (event) => {
    const hit = event.target.closest('[data-cell], [data-tick]');
    if (!hit) return;
    const { cell, tick, item, seen } = hit.dataset;
    trigger('click', cell ? { cell } : { cell: tick, item, seen });
});"""

# A run that was started here is in the address bar at once, so that a reload finds it again.
SHOW_LINK = """new MutationObserver(() => {
    const link = element.querySelector('[data-link]')?.dataset.link;
    if (link && link !== location.search) history.replaceState(null, '', link);
}).observe(element, { childList: true, subtree: true });"""

CSS = """
.matrix { overflow: auto; max-height: 34rem; border: 1px solid var(--border-color-primary);
          border-radius: var(--radius-lg); }
.matrix table { border-collapse: separate; border-spacing: 0; width: 100%; font-size: .85rem; margin: 0; border: 0; }
.matrix th, .matrix td { border: 0; border-bottom: 1px solid var(--border-color-primary); padding: .35rem .5rem;
                         text-align: left; vertical-align: top; }
.matrix thead th { position: sticky; top: 0; z-index: 1; background: var(--background-fill-secondary);
                   font-weight: 600; min-width: 9rem; }
.matrix th.case { font-weight: 400; min-width: 8rem; max-width: 16rem; overflow-wrap: anywhere; }
.matrix td { min-width: 9rem; }
.cell { display: block; width: 100%; border: 0; border-left: 3px solid #94a3b8; border-radius: 3px; margin: 0 0 2px;
        padding: .15rem .4rem; font: inherit; color: inherit; text-align: left; cursor: pointer; overflow: hidden;
        background: var(--background-fill-secondary); white-space: pre-wrap; overflow-wrap: anywhere; }
.cell:hover, .cell:focus-visible { outline: 2px solid #6366f1; outline-offset: -2px; }
.cell.pass { border-left-color: #10b981; background: rgba(16,185,129,.13); }
.cell.fail { border-left-color: #ef4444; background: rgba(239,68,68,.12); }
.cell.picked { outline: 2px solid #6366f1; outline-offset: -2px; }
.cell .sign { font-weight: 600; margin-right: .3rem; }
.cell.pass .sign { color: #0d9f70; } .cell.fail .sign { color: #ef4444; }
.cell.picture { display: inline-block; width: auto; margin-right: 2px; }
.side-by-side h4 { margin-top: 0 !important; }
.cell.open { border-left-color: #f59e0b; background: rgba(245,158,11,.12); }
.cell.open .sign { color: #d97706; }
.cell .why { display: block; font-size: .75rem; color: var(--body-text-color-subdued); }
.cell .rest { opacity: .6; }
.drawn { display: inline-block; width: 6rem; height: 6rem; object-fit: contain; border-radius: 4px; margin: .15rem 0;
         vertical-align: top; background: #fff; }
.drawn.large { width: 12rem; height: 12rem; }
.side-by-side { display: flex; flex-wrap: wrap; gap: .8rem; }
.side-by-side figure { margin: 0; } .side-by-side figcaption { font-size: .8rem; color: var(--body-text-color-subdued);
         max-width: 12rem; overflow-wrap: anywhere; }
ul.ticks { list-style: none; margin: .2rem 0; padding: 0; font-size: .9rem; }
ul.ticks li { margin: 0 0 .25rem; }
.tick { min-width: 2rem; min-height: 1.8rem; border: 1px solid var(--border-color-primary); border-radius: 4px;
        background: var(--background-fill-secondary); color: inherit; cursor: pointer; margin-right: .2rem; }
.tick:hover, .tick:focus-visible { outline: 2px solid #6366f1; outline-offset: -1px; }
.tick.yes[aria-pressed=true] { background: #0d9f70; color: #fff; }
.tick.no[aria-pressed=true] { background: #dc2626; color: #fff; }
.alert { border-left: 3px solid #ef4444; padding: .25rem .7rem; margin: .3rem 0; overflow-wrap: anywhere; }
.note { color: var(--body-text-color-subdued); font-size: .85rem; margin: .4rem 0; }
.note b { color: var(--body-text-color); }
.verdict { border-left: 3px solid #f59e0b; padding: .25rem .7rem; margin: .3rem 0; }
.verdict.settled { border-left-color: #10b981; }
.lesson { max-width: 110ch; border-left: 3px solid #6366f1; padding: .25rem .7rem; margin: .3rem 0; }
.story h4 { margin: .7rem 0 .2rem; font-size: .85rem; color: var(--body-text-color-subdued); font-weight: 600; }
.story pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; padding: .5rem .7rem; font-size: .85rem;
             border-radius: var(--radius-lg); background: var(--background-fill-secondary); max-height: 16rem;
             overflow-y: auto; color: inherit; font-family: var(--font-mono); }
.story pre mark { background: rgba(245,158,11,.35); color: inherit; border-radius: 2px; }
.story table { width: 100%; border: 0 !important; border-collapse: collapse; font-size: .85rem; margin: 0; }
.story td, .story th { border: 0; border-bottom: 1px solid var(--border-color-primary); padding: .25rem .6rem .25rem 0;
                       text-align: left; vertical-align: top; overflow-wrap: break-word; max-width: 24rem; }
.story tr, .matrix tr { border: 0 !important; }
.story .good { color: #0d9f70; font-weight: 600; } .story .bad { color: #ef4444; font-weight: 600; }
.story .open { color: #d97706; font-weight: 600; }
.run-bar { height: .5rem; border-radius: 1rem; overflow: hidden; background: var(--border-color-primary);
           max-width: 30rem; margin: .3rem 0; }
.run-bar i { display: block; height: 100%; background: #6366f1; }
.issues { font-size: .85rem; margin: .3rem 0; padding-left: 1.2rem; }
"""
