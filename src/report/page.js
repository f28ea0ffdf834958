/* The table of facts: search, filter, sort, pages of 100 rows. All data is put into the page as text, never as markup. */
"use strict";
(function () {
  const parse = (id) => JSON.parse(document.getElementById(id).textContent);
  const about = parse("about");
  /* a row: see put_row in report.c */
  const F = { run: 0, cat: 1, rel: 2, id: 3, q: 4, a: 5, p: 6, lo: 7, hi: 8, g: 9, prompts: 10, hits: 11, samples: 12, pu: 13, flip: 14, flags: 15, pop: 16, says: 17, score: 18, guess: 19 };
  const el = (id) => document.getElementById(id);
  const make = (tag, cls, text) => {
    const e = document.createElement(tag);
    if (cls) e.className = cls;
    if (text !== undefined) e.textContent = text;
    return e;
  };
  const count = (n) => n.toLocaleString("en-US");
  const prob = (p) => p === null ? "" : p === 0 ? "0" : p === 1 ? "1" : p < 1e-6 ? "<1e-6" : p < 0.001 ? p.toExponential(0) : p > 0.999 ? ">0.999" : p.toFixed(3);

  const root = document.documentElement;
  el("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  const rows = parse("rows");
  const table = el("facts-table"), body = table.tBodies[0], search = el("search"), relation = el("relation"), flag = el("flag");
  const PAGE = 100, collator = new Intl.Collator("en", { numeric: true });
  let shown = [], page = 0, sortBy = null, down = false;
  const off = new Set();
  const hay = new Array(rows.length); /* what the search looks through, made when first needed */

  /* the likeliest greedy answer that was not accepted */
  const instead = (r) => r[F.says].find((s) => !s[2]) || null;
  const keys = {
    cat: (r) => r[F.cat], q: (r) => r[F.q], a: (r) => r[F.a][0] || "", p: (r) => r[F.p], g: (r) => r[F.g] / (r[F.prompts] || 1),
    says: (r) => { const s = instead(r); return s ? s[0] : ""; }, pu: (r) => r[F.pu], rel: (r) => r[F.rel], score: (r) => r[F.score], pop: (r) => r[F.pop],
    flags: (r) => r[F.flags],
  };
  const text = (i) => {
    if (hay[i] === undefined) {
      const r = rows[i];
      hay[i] = [r[F.q], r[F.a].join("\n"), r[F.id], about.relations[r[F.run]][r[F.rel]], r[F.says].map((s) => s[0]).join("\n")].join("\n").toLowerCase();
    }
    return hay[i];
  };

  function select() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const [run, rel] = relation.value === "" ? [-1, -1] : relation.value.split(":").map(Number);
    const bit = flag.value === "" ? -1 : Number(flag.value);
    shown = [];
    for (let i = 0; i < rows.length; i++) {
      const r = rows[i];
      if (off.has(r[F.cat]) || (run >= 0 && r[F.run] !== run) || (rel >= 0 && r[F.rel] !== rel)) continue;
      if (bit >= 0 && !(r[F.flags] >>> bit & 1)) continue;
      if (words.length > 0 && !words.every((w) => text(i).includes(w))) continue;
      shown.push(i);
    }
    if (sortBy) {
      const key = keys[sortBy], sign = down ? -1 : 1, of = new Map(shown.map((i) => [i, key(rows[i])]));
      shown.sort((x, y) => {
        const a = of.get(x), b = of.get(y);
        if (a === b) return x - y;
        if (a === null || a === "") return 1; /* nothing to sort by: last either way */
        if (b === null || b === "") return -1;
        return sign * (typeof a === "string" ? collator.compare(a, b) : a - b) || x - y;
      });
    }
    page = 0;
    draw();
  }

  function cells(r) {
    const tr = make("tr", "row"), td = (cls, t) => tr.appendChild(make("td", cls, t));
    td("").appendChild(make("span", "tag c" + r[F.cat], about.categories[r[F.cat]]));
    const open = td("q").appendChild(make("button", "", r[F.q]));
    open.setAttribute("aria-expanded", "false");
    td("", r[F.a][0]);
    const p = td("n");
    const m = p.appendChild(make("span", "meter"));
    m.setAttribute("aria-hidden", "true");
    m.appendChild(make("i")).style.width = 100 * (r[F.p] || 0) + "%";
    p.appendChild(document.createTextNode(prob(r[F.p])));
    td("n", r[F.prompts] ? r[F.g] + "\u2009/\u2009" + r[F.prompts] : "");
    if (about.texts) {
      const s = instead(r), c = td("says");
      if (s) {
        c.appendChild(document.createTextNode(s[0] === "" ? "(nothing)" : s[0]));
        c.appendChild(make("span", "times", " \u00d7" + s[1]));
      }
    }
    td("n", r[F.cat] < 4 ? prob(r[F.pu]) : "");
    if (about.scores) td("n", r[F.score] === null ? "" : r[F.score].toFixed(3));
    td("", about.relations[r[F.run]][r[F.rel]]);
    const f = td("");
    about.flags.forEach((name, bit) => { if (r[F.flags] >>> bit & 1) f.appendChild(make("span", "flag", name)); });
    tr.addEventListener("click", () => toggle(tr, r, open));
    return tr;
  }

  function toggle(tr, r, button) {
    const next = tr.nextElementSibling;
    if (next && next.className === "more") {
      next.remove();
      button.setAttribute("aria-expanded", "false");
      return;
    }
    const more = make("tr", "more"), td = more.appendChild(make("td")), dl = td.appendChild(make("dl"));
    td.colSpan = tr.cells.length;
    const put = (name, value) => {
      if (value === "" || value === null) return;
      dl.appendChild(make("dt", "", name));
      dl.appendChild(make("dd", "", value));
    };
    put("Id", r[F.id]);
    if (about.runs.length > 1) put("Run", about.runs[r[F.run]]);
    put("Accepted answers", r[F.a].join(" \u00b7 "));
    r[F.says].forEach((s, i) => put(i ? "" : "Greedy answers", (s[0] === "" ? "(nothing)" : s[0]) + " \u00d7" + s[1] + (s[2] ? " \u2713" : "")));
    if (r[F.says].length === 0) put("Greedy answers", "not stored in this run");
    put("P_Correct between", r[F.lo] === null ? "" : prob(r[F.lo]) + " and " + prob(r[F.hi]));
    put("Hits among samples", r[F.samples] ? r[F.hits] + " of " + r[F.samples] : "");
    put("Chance that a repeat changes the label", r[F.cat] < 4 ? prob(r[F.flip]) : "");
    if (r[F.guess] !== null) put("P_Correct asked of other subjects", prob(r[F.guess]));
    if (r[F.pop] !== null) put("Popularity", count(r[F.pop]));
    tr.after(more);
    button.setAttribute("aria-expanded", "true");
  }

  function draw() {
    const pages = Math.max(1, Math.ceil(shown.length / PAGE));
    page = Math.min(Math.max(page, 0), pages - 1);
    const part = document.createDocumentFragment();
    for (const i of shown.slice(page * PAGE, (page + 1) * PAGE)) part.appendChild(cells(rows[i]));
    if (shown.length === 0) {
      const td = part.appendChild(make("tr")).appendChild(make("td", "nothing", "No fact matches. Clear the search or switch a category back on."));
      td.colSpan = table.tHead.rows[0].cells.length;
    }
    body.replaceChildren(part);
    const first = shown.length ? page * PAGE + 1 : 0, last = Math.min(shown.length, (page + 1) * PAGE);
    for (const p of document.querySelectorAll(".pager")) {
      p.querySelector(".where").textContent = count(first) + " to " + count(last) + " of " + count(shown.length) +
        (shown.length < rows.length ? " (of " + count(rows.length) + " in all)" : "");
      const b = p.querySelectorAll("button");
      b[0].disabled = b[1].disabled = page === 0;
      b[2].disabled = b[3].disabled = page === pages - 1;
      p.querySelector(".page").textContent = "page " + count(page + 1) + " of " + count(pages);
    }
  }

  for (const p of document.querySelectorAll(".pager")) {
    const go = [() => 0, () => page - 1, () => page + 1, () => Infinity];
    p.querySelectorAll("button").forEach((b, i) => b.addEventListener("click", () => { page = go[i](); draw(); }));
  }
  for (const chip of document.querySelectorAll(".chip")) {
    chip.addEventListener("click", () => {
      const c = Number(chip.dataset.category), on = off.has(c);
      if (on) off.delete(c); else off.add(c);
      chip.setAttribute("aria-pressed", String(on));
      select();
    });
  }
  for (const b of table.tHead.querySelectorAll("button")) {
    b.addEventListener("click", () => {
      const key = b.dataset.key, number = b.parentNode.classList.contains("n");
      if (sortBy !== key) { sortBy = key; down = number; }
      else if (down === number) down = !down;
      else sortBy = null; /* third click: data order again */
      for (const th of table.tHead.querySelectorAll("th")) th.removeAttribute("aria-sort");
      if (sortBy) b.parentNode.setAttribute("aria-sort", down ? "descending" : "ascending");
      select();
    });
  }
  about.relations.forEach((names, run) => {
    const into = about.runs.length > 1 ? relation.appendChild(document.createElement("optgroup")) : relation;
    if (about.runs.length > 1) {
      into.label = about.runs[run];
      into.appendChild(new Option("all of this run", run + ":-1"));
    }
    names.forEach((name, i) => into.appendChild(new Option(name === "" ? "(no relation)" : name, run + ":" + i)));
  });
  about.flags.forEach((name, bit) => { if (about.flagged >>> bit & 1) flag.appendChild(new Option(name, bit)); });
  let wait = 0;
  search.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(select, 120); });
  relation.addEventListener("change", select);
  flag.addEventListener("change", select);
  select();
})();
