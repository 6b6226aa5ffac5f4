// What a token tells on hover and focus, arrow keys from token to token, and a click that picks one.
// `element` and `trigger` are given by gr.HTML; the tokens inside are drawn anew at every key, so all
// listeners sit on the element itself.
const tip = document.createElement("div");
tip.className = "tok-tip";
tip.setAttribute("role", "status");
tip.hidden = true;
document.body.append(tip);

const token = (event) => event.target.closest && event.target.closest(".t[data-d]");
const line = (words, bold) => {
    const node = document.createElement(bold ? "b" : "div");
    node.textContent = words;
    tip.append(node);
};
const range = (start, end) => end - start === 1 ? start : `${start} to ${end - 1}`;
const points = (text) => [...text].slice(0, 4).map((letter) =>
    `U+${letter.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`).join(" ");
const note = (kind, covers) => ({
    special: "special token",
    split: `part of ${covers} (${points(covers)})`,
    other: `stands for ${covers.length > 60 ? covers.slice(0, 60) + "…" : covers}`,
}[kind]);

const show = (target) => {
    const [, number, id, bytes, start, end, byteStart, byteEnd, kind, ...covers] = target.dataset.d.split("|");
    tip.replaceChildren();
    line(`token ${number} · id ${id}`, true);
    line(`bytes ${bytes}`);
    line(+end === +start ? "added by the model, not in the text"
        : `character ${range(+start, +end)} · byte ${range(+byteStart, +byteEnd)}`);
    if (kind) line(note(kind, covers.join("|")));
    tip.hidden = false;
    const box = target.getBoundingClientRect(), own = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(box.left, innerWidth - own.width - 4))}px`;
    tip.style.top = `${box.bottom + own.height + 8 < innerHeight ? box.bottom + 6 : box.top - own.height - 6}px`;
};
const hide = () => { tip.hidden = true; };

element.addEventListener("mouseover", (event) => { const at = token(event); if (at) show(at); else hide(); });
element.addEventListener("mouseleave", hide);
element.addEventListener("focusin", (event) => { const at = token(event); if (at) show(at); });
element.addEventListener("focusout", hide);
addEventListener("scroll", hide, { capture: true, passive: true });
watch("value", hide);

const pick = (at) => {
    const [column, number] = at.dataset.d.split("|");
    trigger("click", { column: +column, token: +number });
};
element.addEventListener("click", (event) => { const at = token(event); if (at) pick(at); });
element.addEventListener("keydown", (event) => {
    const at = token(event);
    if (!at) return;
    if (event.key === "Enter") return pick(at);
    if (event.key === "Escape") return hide();
    const column = at.dataset.d.split("|")[0];
    const all = [...element.querySelectorAll(`.t[data-d^="${column}|"]`)], place = all.indexOf(at);
    const to = { ArrowRight: place + 1, ArrowLeft: place - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || !all[to]) return;
    event.preventDefault();
    all[to].focus();
});
