#!/usr/bin/env python3
"""page_in_browser.py TEST_REPORT: the page at work, in headless Chromium. Exit 77 (skipped) where there is none.

The browser is driven through its own pipe (--remote-debugging-pipe: one JSON object a message, ended by NUL), so that the page is the
very file that ken writes, policy included, keys are real keys, a phone is 360 wide, and every request and console line is seen."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

TIME = 60  # seconds for one answer


class Browser:
    def __init__(self, program, folder):
        to_browser, self.out = os.pipe()
        self.back, from_browser = os.pipe()

        def fds():  # the browser reads 3 and writes 4
            a, b = os.dup(to_browser), os.dup(from_browser)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--user-data-dir=" + folder + "/profile",
             "--remote-debugging-pipe", "about:blank"],
            preexec_fn=fds, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.number, self.events, self.session = b"", 0, [], None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for part in ("Page", "Runtime", "Log", "Network"):
            self.ask(part + ".enable")

    def read(self):
        while b"\0" not in self.buffer:
            part = os.read(self.back, 1 << 20)
            if not part:
                raise SystemExit("the browser went away")
            self.buffer += part
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        end = time.time() + TIME
        while time.time() < end:
            got = self.read()
            if got.get("id") == self.number:
                if "error" in got:
                    raise SystemExit(f"{method}: {got['error']}")
                return got["result"]
            self.events.append(got)
        raise SystemExit(f"{method}: no answer")

    def run(self, script):
        got = self.ask("Runtime.evaluate", expression="(async () => {" + script + "})()", awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in got:
            raise SystemExit("in the page: " + json.dumps(got["exceptionDetails"])[:600] + "\n" + script)
        return got["result"].get("value")

    def open(self, path, width=1280, height=900, dark=False):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.ask("Page.navigate", url="file://" + path)
        self.run("for (let i = 0; i < 400 && !(document.documentElement && document.documentElement.dataset.ready === 'true') && (document.readyState !== 'complete' || "
                 "document.getElementById('rows')); i++) await new Promise((r) => setTimeout(r, 20));")

    def key(self, key, text=""):
        code = {"Enter": 13, "ArrowDown": 40, "ArrowUp": 38}.get(key, 0)
        for kind in ("keyDown", "keyUp"):
            extra = {"text": text or ("\r" if key == "Enter" else "")} if kind == "keyDown" else {}
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **extra)

    def close(self):
        try:
            self.process.kill()
        finally:
            self.process.wait()


HELP = """
const q = (s) => document.querySelector(s), all = (s) => [...document.querySelectorAll(s)];
const rows = () => all("#facts-table tbody tr.row"), cells = (key) => rows().map((r) => r.querySelector(".k-" + key).textContent);
const later = (ms) => new Promise((r) => setTimeout(r, ms));
const found = () => Number(q(".where").textContent.replace(/,/g, "").match(/of (\\d+) facts/)[1]);
const type = async (s) => { q("#search").value = s; q("#search").dispatchEvent(new Event("input")); await later(180); };
const choose = (id, v) => { q(id).value = v; q(id).dispatchEvent(new Event("change")); };
"""

bad = 0


def check(name, good, found=""):
    global bad
    print(("ok" if good else "NOT OK") + f" - {name}" + ("" if good else f": {found}"))
    bad += not good


def one_run(b, page):
    b.open(page)
    got = b.run(HELP + """
      const out = { rows: rows().length, found: found(), h1: all("h1").length, images: all("img, iframe, object, link").length, foreign: all("#facts-table svg").length };
      out.hostile = cells("q").some((t) => t.includes("<img src=x onerror"));
      out.live = q(".where").getAttribute("aria-live");
      out.unlabelled = all("button, input, select").filter((e) => !e.hidden && !e.textContent.trim() && !e.getAttribute("aria-label") && !e.closest("label")).length;
      await type("KESH capital"); out.search = found();
      await type("no such thing anywhere"); out.none = q(".nothing") !== null;
      await type("");
      q("th[data-key=p] button").click();
      const p = cells("p").map((t) => t === ">0.999" ? 1 : t === "<1e-6" ? 0 : Number(t));
      out.sorted = p.length === 100 && p.every((x, i) => i === 0 || p[i - 1] >= x); out.aria = q("th[aria-sort]").getAttribute("aria-sort");
      q("th[data-key=p] button").click(); out.rising = q("th[aria-sort]").getAttribute("aria-sort");
      q("th[data-key=p] button").click(); out.unsorted = q("th[aria-sort]") === null;
      all(".chip").forEach((c) => { if (c.dataset.category !== "3") c.click(); });
      out.only = [...new Set(cells("cat"))].join(); all(".chip").forEach((c) => { if (c.dataset.category !== "3") c.click(); });
      out.everything = found();
      choose("#relation", [...q("#relation").options].find((o) => o.text === "capital").value); out.relation = [...new Set(cells("rel"))].join(); choose("#relation", "");
      choose("#flag", [...q("#flag").options].find((o) => o.text === "echo").value); out.flagged = cells("flags").every((t) => t.includes("echo")); choose("#flag", "");
      q("[aria-label='Next page']").click(); out.second = q(".page").textContent;
      return out;""")
    want = {"rows": 100, "found": 600, "h1": 1, "images": 0, "foreign": 0, "hostile": True, "live": "polite", "unlabelled": 0, "none": True, "sorted": True,
            "aria": "descending", "rising": "ascending", "unsorted": True, "only": "Unknown", "everything": 600, "relation": "capital", "flagged": True, "second": "page 2 of 6"}
    for k, v in want.items():
        check("one run: " + k, got[k] == v, got[k])
    check("one run: search narrows", 0 < got["search"] < 100, got["search"])
    # by keyboard alone: to the search, to a fact, down, open, close
    b.run("document.activeElement.blur();")
    b.key("/", "/")
    check("keyboard: / goes to the search", b.run("return document.activeElement.id") == "search")
    b.run("document.querySelector('#facts-table button.open').focus();")
    b.key("ArrowDown")
    check("keyboard: down", b.run("return [...document.querySelectorAll('button.open')].indexOf(document.activeElement)") == 1)
    b.key("Enter")
    got = b.run(HELP + """
      for (let i = 0; i < 100 && !q("tr.more table.prompts tbody tr"); i++) await later(20);
      const t = q("tr.more table.prompts"), out = { open: document.activeElement.getAttribute("aria-expanded"), prompts: t.tBodies[0].rows.length };
      out.heads = [...t.tHead.rows[0].cells].map((c) => c.textContent).join("|"); out.tokens = t.querySelectorAll(".token").length;
      out.interval = /\\d/.test(t.tBodies[0].rows[0].cells[3].textContent); out.shown = q("tr.more .ids code").textContent.length > 3; return out;""")
    check("keyboard: Enter opens", got["open"] == "true", got)
    check("detail: ten prompts", got["prompts"] == 10, got)
    check("detail: what a prompt has", got["heads"] == "Prompt|Greedy answer|Its probability|P correct|Margin|Likeliest first tokens", got["heads"])
    check("detail: five tokens a prompt", got["tokens"] == 50 and got["interval"] and got["shown"], got)
    b.key("Enter")
    check("keyboard: Enter closes", b.run("return document.querySelectorAll('tr.more').length") == 0)
    b.run("document.getElementById('theme').click();")
    check("theme: a click makes it dark", b.run("return document.documentElement.dataset.theme + getComputedStyle(document.body).backgroundColor") == "darkrgb(16, 21, 27)")


def contrast(b):
    """Of every text that is there, the worst contrast with what is behind it (WCAG 2.1: 4.5 for text of this size)."""
    return b.run("""
      const lum = (c) => { const f = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); return 0.2126 * f(c[0]) + 0.7152 * f(c[1]) + 0.0722 * f(c[2]); };
      const rgb = (s) => (s.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
      const behind = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] === 1) return c; } return [255, 255, 255]; };
      let worst = [99, ""];
      const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (walk.nextNode()) {
        const e = walk.currentNode.parentElement;
        if (!walk.currentNode.data.trim() || e.closest("script, style, svg, noscript, .skip, .hide, [hidden], button:disabled") || !e.getClientRects().length) continue;
        const a = lum(rgb(getComputedStyle(e).color)), z = lum(behind(e)), ratio = (Math.max(a, z) + 0.05) / (Math.min(a, z) + 0.05);
        if (ratio < worst[0]) worst = [ratio, e.tagName + "." + e.className + ": " + walk.currentNode.data.trim().slice(0, 30)];
      }
      return worst;""")


def looks(b, name, page):
    for dark in (False, True):
        b.open(page, dark=dark)
        worst = contrast(b)
        check(f"{name}: contrast, {'dark' if dark else 'light'}", worst[0] >= 4.5, worst)
    for width in (360, 390):
        b.open(page, width=width, height=740)
        b.run(HELP + "if (q('details.run')) q('details.run').open = true; if (q('button.open')) { q('button.open').click(); await later(200); } all('figure details').forEach((d) => { d.open = true; });")
        got = b.run("""const over = [...document.querySelectorAll("body *")].filter((e) => { const r = e.getBoundingClientRect(); if (r.right <= innerWidth + 1 || !r.width) return false;
            for (let p = e.parentElement; p; p = p.parentElement) if (/auto|scroll|hidden/.test(getComputedStyle(p).overflowX)) return false; return true; });
          return [document.documentElement.scrollWidth, over.slice(0, 3).map((e) => e.tagName + "." + e.className + " " + e.textContent.slice(0, 40)).join("; ")];""")
        check(f"{name}: no sideways scrolling at {width}", got[0] <= width and got[1] == "", got)
    b.open(page)
    pdf = b.ask("Page.printToPDF", printBackground=True)["data"]
    check(f"{name}: prints", len(pdf) > 20000, len(pdf))


def two_runs(b, page):
    b.open(page)
    got = b.run(HELP + """
      const out = { h1: q("h1").textContent, finding: q(".finding").textContent, rows: rows().length, before: !q("#from-field").hidden, chips: q("#chips").hidden };
      q("a.to-table[data-move='1']").click(); await later(50);
      out.lost = found(); out.moves = [...new Set(cells("move"))].join(); out.listed = Number(q("#lost-0 h3").textContent.replace(/\\D/g, ""));
      const known = ["HighlyKnown", "MaybeKnown"]; out.right = rows().every((r) => known.includes(r.querySelector(".k-ca").textContent) && !known.includes(r.querySelector(".k-cb").textContent));
      choose("#move", ""); choose("#from", "0"); choose("#to", "1"); out.fromto = [...new Set(cells("ca"))].concat([...new Set(cells("cb"))]).join(); out.some = found();
      choose("#from", ""); choose("#to", ""); choose("#move", "other"); out.other = rows().every((r) => r.querySelector(".k-ca").textContent !== r.querySelector(".k-cb").textContent); choose("#move", "");
      q("th[data-key=dp] button").click(); const x = cells("dp").map((t) => Number(t.replace("\\u2212", "-"))); out.sorted = x.every((v, i) => i === 0 || x[i - 1] >= v);
      rows()[0].click(); for (let i = 0; i < 100 && all("tr.more table.prompts").length < 2; i++) await later(20);
      out.sides = all("tr.more table.prompts").length; out.titles = all("tr.more .side h3").map((e) => e.textContent).join("|");
      choose("#view", "r1"); out.single = q("th[data-key=cat]") !== null && q("#from-field").hidden && !q("#chips").hidden; out.in_one = found();
      out.folded = q("details.run").open; location.hash = "#by-relation-0"; await later(100); out.unfolded = q("details.run").open;
      return out;""")
    check("two runs: the finding comes first", got["finding"].startswith("From the first to the second,") and "lost" in got["finding"], got["finding"])
    want = {"before": True, "chips": True, "moves": "lost", "right": True, "fromto": "HighlyKnown,MaybeKnown", "other": True, "sorted": True, "sides": 2,
            "single": True, "in_one": 300, "folded": False, "unfolded": True}
    for k, v in want.items():
        check("two runs: " + k, got[k] == v, got[k])
    check("two runs: lost facts, listed and in the table", got["lost"] == got["listed"] > 5 and got["some"] > 0, got)
    check("two runs: both sides have names", got["titles"].startswith("Before: ") and "|After: trained" in got["titles"], got["titles"])


def multiple_choice(b, page, mixed):
    b.open(page)
    name = "multiple choice " + ("beside facts" if mixed else "alone")
    got = b.run(HELP + """
      const out = {}; const options = (id) => [...q(id).options].map((o) => o.text).join("|");
      out.from = options("#from"); out.heads = all("#facts-table thead th").map((e) => e.textContent).join("|");
      const wrong = [...q("#to").options].find((o) => o.text === "wrong").value, right = [...q("#from").options].find((o) => o.text === "right").value;
      choose("#from", right); choose("#to", wrong); out.fromto = [...new Set(cells("move"))].join();
      const lost = found(); choose("#from", ""); choose("#to", ""); q("a.to-table[data-move='1']").click(); await later(50); out.table = found() - lost; out.listed = found();
      choose("#move", "other"); out.other = rows().every((r) => r.querySelector(".k-ca").textContent !== r.querySelector(".k-cb").textContent); choose("#move", "");
      choose("#view", "r0"); out.chips = all(".chip").map((e) => e.textContent.replace(/[ \\d,]+$/, "")).join("|");
      all(".chip").forEach((c) => { if (!c.textContent.startsWith("right")) c.click(); }); out.only = [...new Set(cells("cat"))].join(); out.single = all("#facts-table thead th").map((e) => e.textContent).join("|");
      rows()[0].click(); for (let i = 0; i < 100 && !q("tr.more table.prompts tbody tr"); i++) await later(20);
      out.prompts = [...q("tr.more table.prompts").tHead.rows[0].cells].map((c) => c.textContent).join("|"); out.hits = q("tr.more dl").textContent.includes("Prompts right");
      return out;""")
    known = "HighlyKnown|MaybeKnown|WeaklyKnown|Unknown|unlabelled|"
    want = {"from": ("any category|" + known if mixed else "any|") + "right|wrong", "fromto": "lost", "other": True, "only": "right", "hits": True,
            "prompts": "Prompt|Chosen option|P correct|Margin", "chips": "HighlyKnown|MaybeKnown|WeaklyKnown|Unknown|right|wrong" if mixed else "right|wrong"}
    if not mixed:
        want["heads"] = "Moved|Question|Answer|Before|After|P correct|Change|Chose before|Chooses now|Subject"
        want["single"] = "Verdict|Question|Answer|P correct|Prompts right|Chooses instead|Score|Subject"
        want["table"] = 0
    for k, v in want.items():
        check(name + ": " + k, got[k] == v, got[k])
    check(name + ": lost ones are listed", got["listed"] > 3, got["listed"])


def without_script(b, page):
    b.ask("Emulation.setScriptExecutionDisabled", value=True)
    b.ask("Page.navigate", url="file://" + page)
    time.sleep(0.5)
    b.ask("Emulation.setScriptExecutionDisabled", value=False)
    got = b.run("return [document.querySelectorAll('figure svg').length, document.querySelectorAll('#facts-table tbody tr.row').length, document.querySelector('noscript').textContent.length > 0,"
                " document.getElementById('tools').hidden, document.documentElement.dataset.ready]")
    check("without script: plots, first rows, no dead controls", got[0] > 3 and got[1] == 20 and got[2] and got[3] and len(got) == 5 and got[4] is None, got)


def main():
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        print("no Chromium here: skipped")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        one, two, choice, mixed = (folder + "/" + name + ".html" for name in ("one", "two", "choice", "mixed"))
        for page in (choice, mixed):
            subprocess.run([sys.argv[1], page, "90", os.path.basename(page)[:-5]], check=True)
        subprocess.run([sys.argv[1], one, "600"], check=True)
        subprocess.run([sys.argv[1], two, "300", "two"], check=True)
        b = Browser(program, folder)
        try:
            one_run(b, one)
            two_runs(b, two)
            multiple_choice(b, choice, False)
            multiple_choice(b, mixed, True)
            looks(b, "one run", one)
            looks(b, "two runs", two)
            looks(b, "multiple choice", choice)
            looks(b, "multiple choice beside facts", mixed)
            without_script(b, two)
            for e in b.events:
                what, p = e.get("method"), e.get("params", {})
                if what == "Runtime.consoleAPICalled" or what == "Runtime.exceptionThrown" or (what == "Log.entryAdded" and p["entry"]["level"] != "verbose"):
                    check("nothing on the console", False, json.dumps(p)[:400])
                if what == "Page.javascriptDialogOpening":
                    check("no dialog", False, p)
                if what == "Network.requestWillBeSent" and not p["request"]["url"].startswith(("file://" + folder, "about:", "blob:")):
                    check("nothing is loaded", False, p["request"]["url"])
        finally:
            b.close()
    return 1 if bad else 0


sys.exit(main())
