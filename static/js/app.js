// The one script of the pages: everything works without it, this makes it quick.
// One listener for each kind of event, on the document; what an element does stands in its data-*:
//   data-dialog="id"         opens that <dialog>
//   data-close               removes the toast that it stands in
//   data-copy="text"         copies the text
//   data-clears-selection    a form after which no order is selected any more
//   data-clear-selection     a button that unselects everything
//   data-search              the field that `/` goes to
//   data-rows                a table that j, k, x and Enter work on; data-open is the link of a row
//   data-key="o"             a link that `g o` follows
//   data-announce="words"    read out when htmx has put the element into the page

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const live = (text) => { const region = $("#live"); if (region) region.textContent = text; };

// --- Reader's time zone: the server writes times in it, from the next page on.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) document.cookie = `tz=${zone}; path=/; max-age=31536000; samesite=lax`;

// --- On a phone the navigation and the pills scroll sideways: what is shown now is in sight.
function showCurrent() {
  for (const link of $$(".site-nav [aria-current], .pills [aria-current]")) {
    const bar = link.parentElement;
    if (bar.dataset.shown) continue; // once: a person may have scrolled it since
    bar.dataset.shown = "yes";
    bar.scrollLeft = link.offsetLeft - bar.offsetLeft - (bar.clientWidth - link.offsetWidth) / 2;
  }
}
showCurrent();

// --- Toasts
function toast(text, tone = "bad") {
  const box = document.createElement("div");
  box.className = `toast notice ${tone}`;
  const words = document.createElement("span");
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button quiet small";
  close.dataset.close = "";
  close.setAttribute("aria-label", "Dismiss");
  close.textContent = "×";
  box.append(words, close);
  // Polls that fail alike are told once.
  if ($$("#toasts .toast span").some((said) => said.textContent === text)) return;
  $("#toasts").append(box);
  live(text);
}

// Good news goes by itself; bad news stays until it was read.
new MutationObserver((changes) => {
  for (const change of changes) {
    for (const node of change.addedNodes) {
      const box = node.nodeType === 1 && (node.matches(".toast") ? node : $(".toast", node));
      if (box && !box.classList.contains("bad")) setTimeout(() => box.remove(), 8000);
    }
  }
}).observe($("#toasts"), { childList: true });

// --- Selection of orders. Ids alone are kept, for this tab: pages come and go, the selection stays.
const KEPT = "selected-orders";
const selection = {
  ids: new Set(JSON.parse(sessionStorage.getItem(KEPT) || "[]")),
  last: null,
  allOf: null, // the filter of which all orders are selected

  boxes: () => $$('input[name="order"][form="selection"]'),
  allBox: () => $('#selection input[name="all_matching"]'),

  keep() {
    if (this.ids.size) sessionStorage.setItem(KEPT, JSON.stringify([...this.ids]));
    else sessionStorage.removeItem(KEPT);
  },

  set(box, on) {
    box.checked = on;
    if (on) this.ids.add(box.value);
    else this.ids.delete(box.value);
  },

  toggle(box, range) {
    const boxes = this.boxes();
    const from = boxes.findIndex((other) => other.value === this.last);
    const to = boxes.indexOf(box);
    if (range && from >= 0) {
      const [low, high] = from < to ? [from, to] : [to, from];
      boxes.slice(low, high + 1).forEach((other) => this.set(other, box.checked));
    } else this.set(box, box.checked);
    this.last = box.value;
    this.keep();
    this.show();
  },

  page(on) {
    this.boxes().forEach((box) => this.set(box, on));
    this.keep();
    this.show();
  },

  all(on) {
    this.allOf = on ? $("#orders").dataset.filter : null;
    this.show();
  },

  clear() {
    this.ids.clear();
    this.allOf = null;
    this.last = null;
    this.keep();
    this.show();
  },

  show() {
    const form = $("#selection");
    const all = this.allBox();
    if (!form || !all) return;
    const isAll = this.allOf !== null && this.allOf === $("#orders").dataset.filter;
    if (!isAll) this.allOf = null;
    all.checked = isAll;
    const boxes = this.boxes();
    for (const box of boxes) {
      box.checked = isAll || this.ids.has(box.value);
      box.disabled = isAll;
    }
    const onPage = boxes.filter((box) => box.checked).length;
    const header = $("#select-page");
    header.checked = onPage > 0 && onPage === boxes.length;
    header.indeterminate = onPage > 0 && onPage < boxes.length;
    header.disabled = isAll;
    const number = isAll ? all.dataset.number : this.ids.size.toLocaleString("en");
    const elsewhere = isAll ? 0 : this.ids.size - onPage;
    const words = number === "0" ? "Nothing selected" : `${number} selected`;
    $("#selection-count").textContent =
      elsewhere > 0 ? `${words}, ${elsewhere.toLocaleString("en")} not on this page` : words;
    $("[data-clear-selection]", form).hidden = number === "0";
    const submit = $("#selection-submit");
    submit.disabled = number === "0";
    const message = $("#selection-message");
    const isOver = Number(number.replace(/\D/g, "")) > Number(message.dataset.most);
    message.disabled = number === "0" || isOver;
    message.textContent = isOver ? message.dataset.over : message.dataset.many;
    submit.textContent = number === "0" ? submit.dataset.none
      : number === "1" ? submit.dataset.one : submit.dataset.many.replace("{}", number);
  },

  // The ids of other pages go along as hidden fields.
  submit(form) {
    $$("input[data-elsewhere]", form).forEach((field) => field.remove());
    if (this.allOf !== null) return;
    const here = new Set(this.boxes().map((box) => box.value));
    for (const id of this.ids) {
      if (here.has(id)) continue;
      const field = document.createElement("input");
      field.type = "hidden";
      field.name = "order";
      field.value = id;
      field.dataset.elsewhere = "";
      form.append(field);
    }
  },
};

// --- Clicks and changes
let shifted = false;
document.addEventListener("click", (event) => {
  shifted = event.shiftKey;
  const opener = event.target.closest("[data-dialog]");
  if (opener) document.getElementById(opener.dataset.dialog)?.showModal();
  if (event.target.matches("dialog")) event.target.close(); // beside it, on the backdrop
  event.target.closest("[data-close]")?.closest(".toast")?.remove();
  const copied = event.target.closest("[data-copy]");
  if (copied) {
    navigator.clipboard.writeText(copied.dataset.copy).then(
      () => toast("Copied.", "good"),
      () => toast("The browser did not let us copy. Select the text and copy it yourself."),
    );
  }
  if (event.target.closest("[data-clear-selection]")) {
    selection.clear();
    $("#select-page")?.focus();
  }
});

document.addEventListener("change", (event) => {
  const box = event.target;
  if (box.matches('input[name="order"][form="selection"]')) selection.toggle(box, shifted);
  else if (box.id === "select-page") selection.page(box.checked);
  else if (box.name === "all_matching") selection.all(box.checked);
});

document.addEventListener("submit", (event) => {
  if (event.target.id === "selection") selection.submit(event.target);
  if (event.target.matches("[data-clears-selection]")) selection.clear();
});

// --- Keyboard
function rows() { return $$("[data-rows] tbody tr"); }

function go(step) {
  const all = rows();
  const here = all.indexOf(document.activeElement?.closest("tr"));
  const next = all[here < 0 ? (step > 0 ? 0 : all.length - 1) : here + step];
  if (!next) return;
  $("[data-open]", next)?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

let waitsForPlace = false;
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches("input:not([type=checkbox]), select, textarea, [contenteditable]");
  if (isTyping && event.key === "Escape") event.target.blur();
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && $("#palette") && !$("dialog[open]")) {
    event.preventDefault();
    $("#palette").showModal();
  }
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
  if (waitsForPlace) {
    waitsForPlace = false;
    $$(".site-nav [data-key]").find((link) => link.dataset.key === event.key)?.click();
    return;
  }
  const box = $('input[name="order"]', document.activeElement?.closest("tr") || document.createElement("i"));
  const keys = {
    "?": () => $("#keys")?.showModal(),
    "/": () => $("[data-search]")?.focus(),
    g: () => { waitsForPlace = true; setTimeout(() => { waitsForPlace = false; }, 1500); },
    j: () => go(1),
    k: () => go(-1),
    x: () => { if (box && !box.disabled) { box.checked = !box.checked; selection.toggle(box, event.shiftKey); } },
  };
  const act = keys[event.key] || keys[event.key.toLowerCase()];
  if (!act) return;
  event.preventDefault();
  act();
});

// --- htmx: what was typed while an answer was under way stays; focus does not fall to the top.
let typed = null;
let focused = "";
document.addEventListener("htmx:beforeSwap", (event) => {
  // What polls (no event began it) must not replace a form or button whose own answer is under way: it would be lost.
  const { requestConfig, target } = event.detail;
  if (!requestConfig.triggeringEvent && $("form.htmx-request, button.htmx-request", target)) event.detail.shouldSwap = false;
  const field = document.activeElement;
  focused = field?.id || "";
  typed = field?.matches("[data-search]") ? field.value : null;
});
document.addEventListener("htmx:afterSwap", (event) => {
  // Not out of band: the answer to a poll may come when a click has replaced what polled.
  if (event.target.dataset.announce) live(event.target.dataset.announce);
  const field = $("[data-search]");
  if (typed !== null && field && field.value !== typed) field.value = typed;
  typed = null;
  const isLost = document.activeElement === document.body;
  if (isLost && focused) {
    const row = focused.startsWith("act-") && document.getElementById(focused.replace("act-", "open-"));
    (document.getElementById(focused) || row || $("#main"))?.focus({ preventScroll: true });
  }
  selection.show();
  showCurrent();
});
document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  if (xhr.status < 500) return;
  // A sentence of ours comes as a toast; a proxy's page is nothing to show.
  const ours = xhr.getResponseHeader("HX-Retarget") === "#toasts";
  const answer = new DOMParser().parseFromString(ours ? xhr.responseText : "", "text/html");
  const sentence = answer.querySelector(".toast span")?.textContent;
  toast(sentence || "The server could not answer. Reload in a minute to see what was done; nothing is sent twice.");
});
document.addEventListener("htmx:sendError", () => toast("No connection to the server. Try again."));
document.addEventListener("htmx:timeout", () => toast("The server took too long. Try again."));

if ($("form[action='/login/']")) selection.clear(); // the next person begins with nothing
selection.show();
