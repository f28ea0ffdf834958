/* The page at work: the table of facts (search, filter, sort, pages of 100 rows, details), light and dark, print. Everything that comes
   from a run is put into the document as text, never as markup. The rows are columns of numbers, deflated one by one (columns.h,
   facts.c); the numbers of single prompts are unpacked when a fact is first opened. */
"use strict";
(function () {
  const el = (id) => document.getElementById(id);
  const make = (tag, cls, text) => {
    const e = document.createElement(tag);
    if (cls) e.className = cls;
    if (text !== undefined) e.textContent = text;
    return e;
  };
  const count = (n) => n.toLocaleString("en-US");
  const number = (x) => Number.isInteger(x) ? count(x) : String(x); /* of the data's own: all its digits */

  /* ---- light, dark, print, folded parts ---- */

  const root = document.documentElement, theme = el("theme");
  theme.hidden = false;
  theme.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details.run:not([open])")];
    for (const d of folded) d.open = true;
  });
  addEventListener("afterprint", () => { for (const d of folded) d.open = false; });
  const unfold = () => {
    const at = location.hash.length > 1 ? el(decodeURIComponent(location.hash.slice(1))) : null, run = at ? at.closest("details.run") : null;
    if (run) run.open = true;
    if (run) at.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  unfold();

  if (!el("rows")) return; /* a page about trainings alone */

  /* ---- unpacking ---- */

  const about = JSON.parse(el("about").textContent), where = new Map();
  let packed = null;
  for (const [name, width, n, at, length] of JSON.parse(el("columns").textContent)) where.set(name, { width, n, at, length });
  const bytes = () => {
    if (packed) return packed;
    const text = atob(el("rows").textContent);
    packed = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
    el("rows").textContent = "";
    return packed;
  };
  async function column(name) {
    const c = where.get(name);
    if (!c) return null;
    const part = bytes().subarray(c.at, c.at + c.length);
    const stream = new Blob([part]).stream().pipeThrough(new DecompressionStream("deflate"));
    const planes = new Uint8Array(await new Response(stream).arrayBuffer());
    if (c.width === 1) return planes;
    const n = planes.length / c.width, out = new Uint32Array(n);
    for (let b = c.width - 1; b >= 0; b--)
      for (let i = 0; i < n; i++) out[i] = out[i] << 8 | planes[b * n + i];
    return out;
  }
  async function columns(prefix, names) {
    const got = await Promise.all(names.map((name) => column(prefix + name)));
    return Object.fromEntries(names.map((name, i) => [name, got[i]]));
  }
  const strings = (planes) => {
    const list = planes ? new TextDecoder().decode(planes).split("\0") : [""];
    list.pop();
    return list;
  };
  /* where the values of each row begin, from how many each row has */
  const starts = (counts) => {
    const out = new Uint32Array(counts.length + 1);
    for (let i = 0; i < counts.length; i++) out[i + 1] = out[i] + counts[i];
    return out;
  };
  const real = (u) => { const v = new Float32Array(new Uint32Array([u]).buffer)[0]; return Number.isNaN(v) ? null : v; };
  const exact = (low, high) => { const v = new Float64Array(new Uint32Array([low, high]).buffer)[0]; return Number.isNaN(v) ? null : v; };
  /* probabilities in 16 and in 8 bits: columns.h */
  const p16 = (c) => {
    if (c === 0xffff) return null;
    if (c === 0 || c === 0xfffe) return c === 0 ? 0 : 1;
    const e = 30 - (c - 1 >>> 11), m = c - 1 & 2047;
    return (1 + m / 2048) * Math.pow(2, -(e + 1));
  };
  const p8 = (c) => c === 0 ? 0 : c === 255 ? 1 : (1 + (c - 1 & 31) / 32) * Math.pow(2, -(6 - (c - 1 >>> 5) + 1));

  /* ---- numbers as people read them ---- */

  const prob = (p) => p === null ? "" : p === 0 ? "0" : p === 1 ? "1" : p < 1e-6 ? "<1e-6" : p < 0.001 ? p.toExponential(0) : p > 0.999 ? ">0.999" : p.toFixed(3);
  const two = (p) => p === null ? "" : p === 0 ? "0" : p === 1 ? "1" : p < 0.001 ? p.toExponential(0) : p > 0.99 ? ">0.99" : p.toFixed(p < 0.01 ? 3 : 2);
  const shown = (text) => text === "" ? "(nothing)" : text;
  const signed = (x) => x === null ? "" : Math.abs(x) < 0.0005 ? "0" : (x < 0 ? "\u2212" : "+") + Math.abs(x).toFixed(3);

  const PAGE = 100, PRINTED = 40, collator = new Intl.Collator("en", { numeric: true });
  const names = ["fact", "category", "mode", "p", "lo", "hi", "greedy", "prompts", "hits", "samples", "unknown", "flip", "margin", "flags", "score",
    "guess", "nsaid", "said", "saidhit", "rows", "says"];
  const table = el("facts-table"), body = table.tBodies[0], head = table.tHead, search = el("search");
  const control = (id) => el(id);
  let facts = null, runs = [], diffs = [];

  async function load() {
    const f = await columns("", ["id", "question", "relation", "split", "popularity", "popularity.upper", "answers", "answer", "text"]);
    const text = strings(f.text), at = starts(f.answers);
    facts = { n: about.facts, id: strings(f.id), question: strings(f.question), relation: f.relation, split: f.split, popular: (i) => exact(f.popularity[i], f["popularity.upper"][i]), text,
      answers: (i) => [...f.answer.subarray(at[i], at[i + 1])].map((s) => text[s]) };
    if (!f.answer) facts.answers = () => [];
    runs = await Promise.all(about.runs.map(async (run, k) => {
      const c = await columns(k + ".", names), row = new Int32Array(facts.n).fill(-1);
      for (let i = 0; i < run.rows; i++) row[c.fact[i]] = i;
      return { ...run, c, row, said: starts(c.nsaid || []), prompt: starts(c.rows || []), detail: null };
    }));
    diffs = await Promise.all(about.diffs.map(async (d, k) => {
      const c = await columns("d" + k + ".", ["fact", "move", "near"]);
      const move = new Uint8Array(facts.n), near = new Uint8Array(facts.n);
      (c.fact || []).forEach((i, j) => { move[i] = c.move[j]; near[i] = c.near[j]; });
      return { ...d, facts: Array.from(c.fact || []), move, near_of: near };
    }));
  }

  /* a row's distinct greedy answers, the most frequent first: { text, count, hit } */
  function said(run, r) {
    const list = [];
    for (let i = run.said[r]; i < run.said[r + 1]; i++) list.push({ text: facts.text[run.c.said[i]], count: 0, hit: run.c.saidhit[i] === 1 });
    for (let i = run.prompt[r]; i < run.prompt[r + 1]; i++) if (run.c.says[i] < list.length) list[run.c.says[i]].count++;
    return list.sort((a, b) => b.count - a.count);
  }
  const instead = (run, r) => said(run, r).find((s) => !s.hit) || null;
  const commonest = (run, r) => said(run, r)[0] || null;

  /* ---- what is looked at: one run, or two side by side ---- */

  const CHOICE = 1 << about.flags.indexOf("choice");
  const MOVES = ["", "lost", "gained", "unlabelled"];
  let view = null, list = [], page = 0, sortBy = null, down = false;
  const off = new Set(), hay = [];

  const rel = (i) => about.relations[facts.relation[i]] || "(no relation)";
  /* Names of relations are long and have no spaces: they may break behind an underscore. */
  const name = (td, s) => s.split(/(?<=_)/).forEach((part, i) => td.append(...(i ? [make("wbr"), part] : [part])));
  const category = (run, i) => run.row[i] < 0 ? null : run.c.category[run.row[i]];
  const value = (run, i, name) => run.row[i] < 0 ? null : p16(run.c[name][run.row[i]]);
  /* categories, "not annotated", and behind them the verdicts of multiple choice */
  const RIGHT = 6, WRONG = 7, colour = (c) => "c" + (c === RIGHT ? 0 : c === WRONG ? 3 : Math.min(c, 4));
  const tag = (td, c) => { if (c !== null) td.appendChild(make("span", "tag " + colour(c), about.categories[c])); };
  const meter = (td, p) => {
    if (p === null) return;
    const m = td.appendChild(make("span", "meter"));
    m.setAttribute("aria-hidden", "true");
    m.appendChild(make("i")).style.width = 100 * p + "%";
    td.appendChild(document.createTextNode(prob(p)));
  };
  const greedy = (run, i) => { const r = run.row[i]; return r < 0 || !run.c.prompts[r] ? null : run.c.greedy[r] / run.c.prompts[r]; };
  const puts = (td, s, n) => {
    if (!s) return;
    td.appendChild(make("bdi", s.hit ? "right" : "", shown(s.text)));
    if (n > 1) td.appendChild(make("span", "times", " \u00d7" + s.count));
  };
  /* A flag of every row tells no row from another: the table of flags says it once. */
  const common = (run) => run.common ??= run.c.flags && run.c.flags.length > 1 ? run.c.flags.reduce((x, y) => x & y, ~0) : 0;
  const flags = (run, i) => run.row[i] < 0 ? 0 : run.c.flags[run.row[i]];
  const own_flags = (run, i) => flags(run, i) & ~common(run);

  /* a column: key, heading, value to sort by, how to fill a cell, is it a number */
  function columns_of(v) {
    const a = v.a, b = v.b, out = [], add = (key, name, of, put, number) => out.push({ key, name, of, put, number });
    const question = () => add("q", "Question", (i) => facts.question[i], null);
    const answer = () => add("a", "Answer", (i) => facts.answers(i)[0] || "", (td, i) => td.appendChild(make("bdi", "", facts.answers(i)[0] || "")));
    if (b) {
      const d = v.d;
      add("move", "Moved", (i) => d.move[i], (td, i) => { if (d.move[i]) td.appendChild(make("span", "moved " + MOVES[d.move[i]], MOVES[d.move[i]])); });
      question();
      answer();
      add("ca", "Before", (i) => category(a, i), (td, i) => tag(td, category(a, i)));
      add("cb", "After", (i) => category(b, i), (td, i) => tag(td, category(b, i)));
      if (a.annotated) {
        const change = (i) => value(b, i, "p") === null || value(a, i, "p") === null ? null : value(b, i, "p") - value(a, i, "p");
        add("p", "P correct", (i) => value(b, i, "p"), (td, i) => td.textContent = prob(value(a, i, "p")) + " \u2192 " + prob(value(b, i, "p")), true);
        add("dp", "Change", change, (td, i) => td.textContent = signed(change(i)), true);
      }
      if (a.texts || b.texts) {
        add("sa", a.only ? "Chose before" : "Said before", (i) => a.row[i] < 0 ? "" : (commonest(a, a.row[i]) || { text: "" }).text, (td, i) => { if (a.row[i] >= 0) puts(td, commonest(a, a.row[i]), a.c.prompts[a.row[i]]); });
        add("sb", a.only ? "Chooses now" : "Says now", (i) => b.row[i] < 0 ? "" : (commonest(b, b.row[i]) || { text: "" }).text, (td, i) => { if (b.row[i] >= 0) puts(td, commonest(b, b.row[i]), b.c.prompts[b.row[i]]); });
      }
      add("rel", a.only ? "Subject" : "Relation", (i) => rel(i), (td, i) => name(td, rel(i)));
      if (d.near) add("near", "Nearest trained", (i) => d.near_of[i], (td, i) => td.textContent = about.near[d.near_of[i]]);
      return out;
    }
    add("cat", a.only ? "Verdict" : "Category", (i) => category(a, i), (td, i) => tag(td, category(a, i)));
    question();
    answer();
    if (where.has(a.k + ".p") && a.annotated) add("p", "P correct", (i) => value(a, i, "p"), (td, i) => meter(td, value(a, i, "p")), true);
    add("g", a.only ? "Prompts right" : "Greedy", (i) => greedy(a, i), (td, i) => { const r = a.row[i]; td.textContent = a.c.prompts[r] ? a.c.greedy[r] + "\u2009/\u2009" + a.c.prompts[r] : ""; }, true);
    if (a.texts) add("says", a.only ? "Chooses instead" : "Says instead", (i) => (instead(a, a.row[i]) || { text: "" }).text, (td, i) => puts(td, instead(a, a.row[i]), a.c.prompts[a.row[i]]));
    if (a.annotated && !a.only) add("pu", "P unknown", (i) => category(a, i) < 4 ? value(a, i, "unknown") : null, (td, i) => td.textContent = category(a, i) < 4 ? prob(value(a, i, "unknown")) : "", true);
    if (a.scores) add("score", "Score", (i) => real(a.c.score[a.row[i]]), (td, i) => { const x = real(a.c.score[a.row[i]]); td.textContent = x === null ? "" : x.toFixed(3); }, true);
    add("rel", a.only ? "Subject" : "Relation", (i) => rel(i), (td, i) => name(td, rel(i)));
    if (about.popular) add("pop", "Popularity", (i) => facts.popular(i), (td, i) => { const x = facts.popular(i); td.textContent = x === null ? "" : number(x); }, true);
    if (about.flagged && !(a.only && about.flagged === CHOICE)) add("flags", "Flags", (i) => flags(a, i), (td, i) => about.flags.forEach((name, bit) => { if (own_flags(a, i) >>> bit & 1) td.appendChild(make("span", "flag", name)); }));
    return out;
  }

  function look_at(choice) {
    const [what, k] = [choice[0], Number(choice.slice(1))];
    const d = what === "d" ? diffs[k] : null;
    view = d ? { a: runs[d.a], b: runs[d.b], d, all: d.facts } : { a: runs[k], b: null, d: null, all: [] };
    if (!d) for (let r = 0; r < view.a.rows; r++) view.all.push(view.a.c.fact[r]);
    view.columns = columns_of(view);
    hay.length = 0;
    sortBy = null;
    off.clear();
    for (const id of ["move", "from", "to", "near"]) {
      el(id + "-field").hidden = !d || (id === "near" && !d.near) || ((id === "from" || id === "to") && !view.a.annotated);
      el(id).value = "";
    }
    for (const id of ["from", "to"]) el(id).options[0].text = view.a.only ? "any" : "any category";
    el("move").options[4].text = view.a.only ? "lost or gained" : "into another category";
    el("chips").hidden = d !== null;
    table.classList.toggle("pair", d !== null);
    make_chips();
    make_head();
    const sort = control("sort"), first = sort.options[0];
    sort.replaceChildren(first);
    for (const c of view.columns) sort.appendChild(new Option(c.name, c.key));
    sort.value = "";
    select();
  }

  function make_chips() {
    const n = new Array(about.categories.length).fill(0);
    if (!view.b) for (const i of view.all) n[category(view.a, i)]++;
    el("chips").replaceChildren(...n.map((x, c) => {
      if (!x) return null;
      const b = make("button", "chip");
      b.type = "button";
      b.dataset.category = c;
      b.setAttribute("aria-pressed", "true");
      b.append(make("i", colour(c)), about.categories[c] + " " + count(x));
      b.addEventListener("click", () => {
        if (off.has(c)) off.delete(c); else off.add(c);
        b.setAttribute("aria-pressed", String(!off.has(c)));
        select();
      });
      return b;
    }).filter(Boolean));
  }

  function make_head() {
    const tr = make("tr");
    for (const c of view.columns) {
      const th = tr.appendChild(make("th", c.number ? "n" : "")), b = th.appendChild(make("button", "", c.name));
      th.scope = "col";
      th.dataset.key = c.key;
      b.type = "button";
      b.addEventListener("click", () => {
        if (sortBy !== c) sort_by(c, !!c.number);
        else if (down === !!c.number) sort_by(c, !down);
        else sort_by(null, false); /* third click: data order again */
      });
    }
    head.replaceChildren(tr);
  }

  function sort_by(c, falling) {
    sortBy = c;
    down = falling;
    for (const th of head.querySelectorAll("th")) {
      if (c && th.dataset.key === c.key) th.setAttribute("aria-sort", down ? "descending" : "ascending");
      else th.removeAttribute("aria-sort");
    }
    control("sort").value = c ? c.key : "";
    select();
  }

  /* ---- searching and sorting ---- */

  const text_of = (i) => {
    if (hay[i] === undefined) {
      const words = [facts.question[i], facts.answers(i).join("\n"), facts.id[i], rel(i)];
      for (const run of [view.a, view.b]) if (run && run.row[i] >= 0) words.push(said(run, run.row[i]).map((s) => s.text).join("\n"));
      hay[i] = words.join("\n").toLowerCase();
    }
    return hay[i];
  };

  function select() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean), { a, b, d } = view;
    const chosen = (id) => control(id).value === "" ? -1 : Number(control(id).value);
    const relation = chosen("relation"), bit = chosen("flag"), from = chosen("from"), to = chosen("to"), near = chosen("near"), move = control("move").value;
    list = view.all.filter((i) => {
      if (relation >= 0 && facts.relation[i] !== relation) return false;
      if (bit >= 0 && !((flags(a, i) | (b ? flags(b, i) : 0)) >>> bit & 1)) return false;
      if (b) {
        if (from >= 0 && category(a, i) !== from) return false;
        if (to >= 0 && category(b, i) !== to) return false;
        if (near >= 0 && d.near_of[i] !== near) return false;
        if (move === "other" ? category(a, i) === category(b, i) : move !== "" && d.move[i] !== Number(move)) return false;
      } else if (off.has(category(a, i))) return false;
      return words.length === 0 || words.every((w) => text_of(i).includes(w));
    });
    if (sortBy) {
      const sign = down ? -1 : 1, place = new Map(list.map((i, n) => [i, n])), of = new Map(list.map((i) => [i, sortBy.of(i)]));
      list.sort((x, y) => {
        const p = of.get(x), q = of.get(y);
        if (p === q) return place.get(x) - place.get(y);
        if (p === null || p === "") return 1; /* nothing to sort by: last either way */
        if (q === null || q === "") return -1;
        return sign * (typeof p === "string" ? collator.compare(p, q) : p - q) || place.get(x) - place.get(y);
      });
    }
    page = 0;
    draw();
  }

  /* ---- rows ---- */

  function row_of(i) {
    const tr = make("tr", "row");
    let button = null;
    for (const c of view.columns) {
      const td = tr.appendChild(make("td", (c.number ? "n " : "") + "k-" + c.key));
      td.dataset.label = c.name;
      if (c.key === "q") {
        button = td.appendChild(make("button", "open", facts.question[i]));
        button.type = "button";
        button.dir = "auto";
        button.setAttribute("aria-expanded", "false");
      } else c.put(td, i);
    }
    tr.addEventListener("click", () => { if (String(getSelection()) === "") toggle(tr, i, button); });
    return tr;
  }

  const detail_names = ["finish", "textp", "plo", "pwide", "pmargin"];
  async function details_of(run) {
    if (run.detail) return run.detail;
    const prefix = run.k + ".", c = await columns(prefix, detail_names);
    c.ranks = [];
    for (let k = 0; k < 5 && where.has(prefix + "new" + k); k++) {
      const r = await columns(prefix, ["new" + k, "tok" + k, "oth" + k, "othp" + k]);
      c.ranks.push({ start: starts(r["new" + k]), token: r["tok" + k], place: r["oth" + k], p: r["othp" + k] });
    }
    return run.detail = c;
  }

  function prompts_table(run, r, c) {
    const t = make("table", "prompts"), tr = t.createTHead().insertRow(), tb = t.createTBody();
    const list = [], tokens = [];
    for (let i = run.said[r]; i < run.said[r + 1]; i++) list.push(facts.text[run.c.said[i]]);
    for (const k of c.ranks) for (let i = k.start[r]; i < k.start[r + 1]; i++) tokens.push(facts.text[k.token[i]]);
    const numbers = c.textp !== null, choice = run.c.category[r] >= RIGHT;
    for (const name of ["Prompt", choice ? "Chosen option" : "Greedy answer"].concat(!numbers ? [] : choice ? ["P correct", "Margin"] : ["Its probability", "P correct", "Margin"], c.ranks.length && !choice ? ["Likeliest first tokens"] : [])) {
      const th = tr.appendChild(make("th", "", name));
      th.scope = "col";
    }
    for (let i = run.prompt[r], n = 1; i < run.prompt[r + 1]; i++, n++) {
      const row = tb.insertRow(), says = run.c.says[i], no = row.appendChild(make("th", "", String(n)));
      no.scope = "row";
      const hit = says === 254 || (says < list.length && run.c.saidhit[run.said[r] + says] === 1);
      const td = row.insertCell();
      td.appendChild(make("span", hit ? "verdict right" : "verdict wrong", hit ? "right" : "wrong"));
      td.appendChild(make("bdi", "", says < list.length ? shown(list[says]) : "not stored"));
      if (numbers) {
        const lo = p16(c.plo[i]), hi = c.plo[i] === 0xffff ? null : p16(Math.min(c.plo[i] + c.pwide[i], 0xfffe)), margin = p16(c.pmargin[i]);
        if (!choice) row.insertCell().textContent = two(p16(c.textp[i]));
        row.insertCell().textContent = lo === null ? "" : two(lo) === two(hi) ? two(lo) : two(lo) + "\u2013" + two(hi);
        row.insertCell().textContent = margin === null ? "" : (64 * margin).toFixed(2);
      }
      if (c.ranks.length && !choice) {
        const td = row.insertCell();
        c.ranks.forEach((k) => {
          if (k.place[i] >= tokens.length) return;
          const other = td.appendChild(make("span", "token"));
          other.append(make("bdi", "", shown(tokens[k.place[i]].trim())), " " + (k.p[i] === 1 ? "<0.01" : two(p8(k.p[i]))));
        });
      }
    }
    const scroll = make("div", "scroll-x");
    scroll.tabIndex = 0;
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", "The prompts one by one");
    scroll.appendChild(t);
    return scroll;
  }

  async function side(run, i, title) {
    const box = make("div", "side"), r = run.row[i], c = run.c;
    if (title) box.appendChild(make("h3", "", title));
    if (r < 0) {
      box.appendChild(make("p", "note", "Not in this run."));
      return box;
    }
    const dl = box.appendChild(make("dl"));
    const put = (name, text) => {
      if (text === "" || text === null) return;
      const div = dl.appendChild(make("div"));
      div.append(make("dt", "", name), make("dd", "", text));
    };
    if (title) put(c.category[r] >= RIGHT ? "Verdict" : "Category", about.categories[c.category[r]]);
    put("P correct", value(run, i, "lo") === null ? "" : prob(value(run, i, "lo")) + " to " + prob(value(run, i, "hi")));
    put(c.category[r] >= RIGHT ? "Prompts right" : "Right greedy answers", c.prompts[r] ? c.greedy[r] + " of " + c.prompts[r] : "");
    put("Hits among samples", c.samples[r] ? c.hits[r] + " of " + c.samples[r] : "");
    if (run.annotated && c.category[r] < 4) {
      put("A repeat changes the label with", prob(value(run, i, "flip")));
      if (c.mode[r] !== c.category[r] && c.mode[r] < 4) put("Likelier label", about.categories[c.mode[r]]);
    }
    if (value(run, i, "guess") !== null) put("Asked of other subjects", prob(value(run, i, "guess")));
    put("Flags", about.flags.filter((name, bit) => c.flags[r] >>> bit & 1).join(", "));
    if (run.prompt[r + 1] > run.prompt[r]) box.appendChild(prompts_table(run, r, await details_of(run)));
    return box;
  }

  async function toggle(tr, i, button) {
    const next = tr.nextElementSibling;
    if (next && next.classList.contains("more")) {
      next.remove();
      button.setAttribute("aria-expanded", "false");
      return;
    }
    const more = make("tr", "more"), td = more.appendChild(make("td"));
    td.colSpan = view.columns.length;
    button.setAttribute("aria-expanded", "true");
    tr.after(more);
    const p = td.appendChild(make("p", "ids")), x = facts.popular(i), split = about.splits[facts.split[i]];
    p.append(make("code", "", facts.id[i]), split ? " \u00b7 " + split : "", x === null ? "" : " \u00b7 popularity " + number(x),
      " \u00b7 accepted: ", make("bdi", "", facts.answers(i).join(" \u00b7 ")));
    if (view.d && view.d.near) p.append(" \u00b7 nearest trained: " + about.near[view.d.near_of[i]]);
    const sides = td.appendChild(make("div", view.b ? "sides two" : "sides"));
    for (const [run, title] of view.b ? [[view.a, "Before: " + view.a.name], [view.b, "After: " + view.b.name]] : [[view.a, ""]])
      sides.appendChild(await side(run, i, title));
  }

  function draw() {
    const pages = Math.max(1, Math.ceil(list.length / PAGE));
    page = Math.min(Math.max(page, 0), pages - 1);
    const part = document.createDocumentFragment();
    for (const i of list.slice(page * PAGE, (page + 1) * PAGE)) part.appendChild(row_of(i));
    if (list.length === 0) {
      const td = part.appendChild(make("tr")).appendChild(make("td", "nothing", view.all.length ? "No fact matches. Clear the search or loosen a filter." : "There are no facts here."));
      td.colSpan = view.columns.length;
    }
    body.replaceChildren(part);
    const first = list.length ? page * PAGE + 1 : 0, last = Math.min(list.length, (page + 1) * PAGE);
    for (const p of document.querySelectorAll(".pager")) {
      p.querySelector(".where").textContent = count(first) + " to " + count(last) + " of " + count(list.length) + " facts" +
        (list.length < view.all.length ? " (of " + count(view.all.length) + " in all)" : "");
      const b = p.querySelectorAll("button");
      b[0].disabled = b[1].disabled = page === 0;
      b[2].disabled = b[3].disabled = page === pages - 1;
      p.querySelector(".page").textContent = "page " + count(page + 1) + " of " + count(pages);
      p.querySelector("div").hidden = pages === 1;
    }
    el("print-note").textContent = last - first + 1 > PRINTED || list.length > PAGE ?
      "Printed are " + PRINTED + " of " + count(list.length) + " facts; all of them are in the page itself." : "";
  }

  /* ---- controls ---- */

  function wire() {
    for (const p of document.querySelectorAll(".pager")) {
      const go = [() => 0, () => page - 1, () => page + 1, () => Infinity];
      p.hidden = false;
      p.querySelectorAll("button").forEach((b, i) => b.addEventListener("click", () => { page = go[i](); draw(); }));
    }
    let wait = 0;
    search.addEventListener("input", () => { clearTimeout(wait); wait = setTimeout(select, 120); });
    for (const id of ["move", "from", "to", "near", "relation", "flag"]) control(id).addEventListener("change", select);
    control("view").addEventListener("change", () => look_at(control("view").value));
    control("sort").addEventListener("change", () => {
      const c = view.columns.find((x) => x.key === control("sort").value) || null;
      sort_by(c, c ? !!c.number : false);
    });
    const order = about.relations.map((name, i) => i).sort((x, y) => collator.compare(about.relations[x], about.relations[y]));
    for (const i of order) control("relation").appendChild(new Option(about.relations[i] || "(no relation)", i));
    about.flags.forEach((name, bit) => { if (about.flagged >>> bit & 1) control("flag").appendChild(new Option(name, bit)); });
    MOVES.forEach((name, i) => { if (i) control("move").appendChild(new Option(name, i)); });
    control("move").appendChild(new Option("into another category", "other"));
    about.categories.forEach((name, i) => {
      const there = i < 5 ? !runs.every((run) => run.only) : i > 5 && runs.some((run) => run.choice);
      if (there) for (const id of ["from", "to"]) control(id).appendChild(new Option(name, i));
    });
    about.near.forEach((name, i) => { if (diffs.some((d) => d.near && d.near_of.includes(i))) control("near").appendChild(new Option(name, i)); });
    diffs.forEach((d, k) => control("view").appendChild(new Option("from " + runs[d.a].name + " to " + runs[d.b].name, "d" + k)));
    runs.forEach((run, k) => control("view").appendChild(new Option(run.name, "r" + k)));
    el("view-field").hidden = runs.length < 2;
    el("relation-field").hidden = about.relations.length < 2;
    el("flag-field").hidden = !about.flagged || about.flagged === CHOICE && runs.every((run) => run.only);
    el("sort-field").hidden = false;
    el("tools").hidden = false;
    for (const e of document.querySelectorAll(".with-script")) e.hidden = false;
    for (const a of document.querySelectorAll("a.to-table")) {
      a.addEventListener("click", () => {
        control("view").value = "d" + a.dataset.diff;
        look_at(control("view").value);
        control("move").value = a.dataset.move;
        search.value = "";
        select();
      });
    }
    addEventListener("keydown", (e) => {
      const into = e.target instanceof Element ? e.target : document.body;
      if (e.ctrlKey || e.metaKey || e.altKey) return;
      if (e.key === "/" && !into.matches("input, select, textarea")) {
        e.preventDefault();
        search.focus();
        el("facts").scrollIntoView();
      }
      if ((e.key === "ArrowDown" || e.key === "ArrowUp") && into.matches("#facts-table button.open")) {
        const all = [...body.querySelectorAll("button.open")], next = all[all.indexOf(into) + (e.key === "ArrowDown" ? 1 : -1)];
        if (next) next.focus();
        e.preventDefault();
      }
    });
  }

  load().then(() => {
    runs.forEach((run, k) => { run.k = k; });
    wire();
    look_at(control("view").value);
    root.dataset.ready = "true";
  }).catch((e) => {
    const p = el("facts").insertBefore(make("p", "warn"), el("tools"));
    p.textContent = "The table could not be unpacked: " + e.message + ". It needs a browser of 2023 or later.";
  });
})();
