"""How the n-gram tab's own HTML looks (scoped to its components by Gradio) and what a click in it does."""

STYLE = """
.ng-text { white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.75; font-size: 1rem;
           border: 1px solid var(--border-color-primary); border-radius: var(--radius-lg); padding: .7rem .9rem;
           min-height: 5rem; max-height: 22rem; overflow-y: auto; }
.ng-start { color: var(--body-text-color-subdued); }
.ng-s { cursor: pointer; border-bottom: 2px solid transparent; }
.ng-s:hover { background: var(--border-color-primary); }
.ng-forced { border-bottom-color: var(--border-color-primary); }
.ng-shortened { border-bottom: 2px dotted #ef4444; }
.ng-chosen { font-weight: 700; color: #6366f1; }
.ng-run { background: rgba(245, 158, 11, .26); border-radius: 3px; }
.ng-run a, .ng-places a { font-size: .72rem; vertical-align: super; padding: 0 .15rem; }
.ng-cursor { display: inline-block; width: 2px; height: 1.15em; margin: 0 1px -.2em; background: #6366f1; }
.ng-key { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .8rem; margin: .4rem 0 0;
          color: var(--body-text-color-subdued); }
.ng-note { font-size: .85rem; color: var(--body-text-color); margin: .35rem 0; }
.ng-warn { color: #dc2626; font-weight: 600; }
.ng-sym { font-family: ui-monospace, monospace; background: var(--border-color-primary); border-radius: 4px;
          padding: 0 .3em; white-space: pre-wrap; color: var(--body-text-color); }
.ng-places { font-size: .85rem; margin: .5rem 0 0; padding: 0; list-style: none; max-height: 15rem;
             overflow-y: auto; }
.ng-places li { padding: .45rem .6rem; border-left: 3px solid #f59e0b; margin: .4rem 0; }
.ng-places li.ng-open { background: rgba(245, 158, 11, .16); }
.ng-places blockquote { margin: .25rem 0 0 !important; padding: 0 !important; border: 0 !important;
                        color: var(--body-text-color-subdued); }
.ng-places mark { background: rgba(245, 158, 11, .35); color: var(--body-text-color); }
.ng-bars { display: grid; grid-template-columns: max-content 1fr max-content max-content; gap: 1px .6rem;
           max-height: 26rem; overflow-y: auto; }
.ng-bar { display: grid; grid-column: 1 / -1; grid-template-columns: subgrid; align-items: center;
          background: none; border: 0; border-radius: 4px; padding: 1px .3rem; width: 100%;
          cursor: pointer; text-align: left; color: var(--body-text-color); font-size: .85rem; }
.ng-bar:hover, .ng-bar:focus-visible { background: var(--border-color-primary); }
.ng-bar .ng-sym { max-width: 9rem; overflow: hidden; text-overflow: ellipsis; white-space: pre; }
.ng-bar i { display: block; height: .8rem; border-radius: 2px; background: #6366f1; min-width: 1px; }
.ng-bar.ng-taken i { background: #f59e0b; }
.ng-bar span:nth-child(n+3) { text-align: right; font-variant-numeric: tabular-nums; }
.ng-bar span:nth-child(4) { color: var(--body-text-color-subdued); }
.ng-rest { cursor: default; }
.ng-meter { height: .55rem; border-radius: 1rem; background: var(--border-color-primary); overflow: hidden;
            margin: .15rem 0 .1rem; }
.ng-meter i { display: block; height: 100%; background: #6366f1; }
.ng-scroll { overflow: auto; max-height: 28rem; }
.ng-scroll.ng-all { max-height: none; }
.ng-table { width: 100%; border-collapse: collapse; font-size: .85rem; }
.ng-table th { text-align: left; color: var(--body-text-color-subdued); font-weight: 600; vertical-align: bottom; }
.ng-table, .ng-table tr { border: 0 !important; }
.ng-table th, .ng-table td { padding: .25rem .7rem .25rem 0 !important; border: 0 !important;
                             border-bottom: 1px solid var(--border-color-primary) !important; }
.ng-table td.ng-num, .ng-table th.ng-num { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.ng-table td.ng-prose { white-space: pre-wrap; overflow-wrap: anywhere; min-width: 14rem; }
.ng-best { color: #059669; font-weight: 700; }
.ng-wrap td.ng-num, .ng-wrap th.ng-num { white-space: normal; }
@media (max-width: 640px) {
    .ng-all thead { display: none; }
    .ng-all tr { display: grid; grid-template-columns: 2rem auto auto 1fr; padding: .3rem 0; }
    .ng-all td { border: 0 !important; padding: 0 .5rem 0 0 !important; text-align: left !important; }
    .ng-all td:nth-child(n+2):nth-child(-n+3)::before { content: "unseen "; color: var(--body-text-color-subdued); }
    .ng-all td:nth-child(3)::before { content: "counted " !important; }
    .ng-all td:first-child::before { content: "n "; }
    .ng-all td.ng-prose { grid-column: 1 / -1; }
}
.ng-two { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: .2rem 1.4rem; }
"""

# Clicks become events of the component: which symbol of the babble, which bar; a reference opens its passage here.
ON_LOAD = """
element.addEventListener('click', (event) => {
    const place = event.target.closest('a[data-place]');
    const picked = event.target.closest('[data-pick]');
    if (place) {
        event.preventDefault();
        element.querySelectorAll('.ng-open').forEach((each) => each.classList.remove('ng-open'));
        const passage = element.querySelector(`li[data-passage="${place.dataset.place}"]`);
        passage.classList.add('ng-open');
        passage.scrollIntoView({ behavior: 'smooth', block: 'center' });
    } else if (picked) {
        trigger('select', { index: Number(picked.dataset.pick) });
    }
});
"""
