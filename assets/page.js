// Keyboard: arrow keys, Home and End move between the tabs (WAI-ARIA tabs pattern), as Gradio leaves that out.
() => {
    document.addEventListener("keydown", (event) => {
        const keys = { ArrowRight: 1, ArrowLeft: -1, Home: "first", End: "last" };
        const from = event.target.closest && event.target.closest('[role="tab"]');
        if (!from || !(event.key in keys)) return;
        const row = from.closest('[role="tablist"]') || from.parentElement;
        const all = [...row.querySelectorAll('[role="tab"]')].filter((tab) => tab.offsetParent !== null);
        const at = all.indexOf(from), step = keys[event.key];
        const to = step === "first" ? 0 : step === "last" ? all.length - 1 : (at + step + all.length) % all.length;
        if (at < 0) return;
        event.preventDefault();
        all[to].focus();
        all[to].click();
    });
    document.body.dataset.keys = "ready";
}
