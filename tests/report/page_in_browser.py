#!/usr/bin/env python3
"""page_in_browser.py TEST_REPORT: the page's script at work, in headless Chromium. Exit 77 (skipped) where there is none.

Looks at the document after the script ran: a hundred rows are there, hostile texts are text and did nothing, and search,
filters, sorting and opening a fact do what they say. The steps are driven by a script put in beside ours, so here, and only
here, the page's policy is taken out."""
import re
import shutil
import subprocess
import sys
import tempfile

STEPS = """
const out = {}, q = (s) => document.querySelector(s), all = (s) => [...document.querySelectorAll(s)];
const rows = () => all("#facts-table tbody tr.row"), cell = (i) => rows().map((r) => r.cells[i].textContent);
const later = (ms) => new Promise((r) => setTimeout(r, ms));
window.alert = () => { out.alerted = true; };
(async () => {
  await later(50);
  out.first = rows().length; out.where = q(".where").textContent; out.images = all("img, #facts-table svg").length;
  out.hostile = cell(1).some((t) => t.includes("<img src=x onerror"));
  q("#search").value = "KESH capital"; q("#search").dispatchEvent(new Event("input")); await later(300);
  out.found = rows().length;
  q("#search").value = "no such thing anywhere"; q("#search").dispatchEvent(new Event("input")); await later(300);
  out.none = q(".nothing") !== null;
  q("#search").value = ""; q("#search").dispatchEvent(new Event("input")); await later(300);
  q("button[data-key=p]").click();
  const p = cell(3).map((t) => t === ">0.999" ? 1 : t === "<1e-6" ? 0 : Number(t));
  out.sorted = p.every((x, i) => i === 0 || p[i - 1] >= x - 1e-3); out.aria = q("th[aria-sort]").getAttribute("aria-sort");
  all(".chip").forEach((c) => { if (c.dataset.category !== "3") c.click(); });
  out.only = [...new Set(cell(0))].join(); q("tr.row").click(); out.opened = all("tr.more").length;
  q("tr.row").click(); out.closed = all("tr.more").length;
  q("#theme").click(); out.theme = document.documentElement.dataset.theme;
  document.title = "RESULT " + JSON.stringify(out);
})();
"""


def main():
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        print("no Chromium here: skipped")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        page = folder + "/page.html"
        subprocess.run([sys.argv[1], page, "600"], check=True)
        html = open(page).read()
        html, n = re.subn(r'<meta http-equiv="Content-Security-Policy".*?>\n', "", html, count=1)
        assert n == 1
        html = html.replace("</body>", "<script>" + STEPS + "</script></body>")
        open(page, "w").write(html)
        dom = subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=" + folder + "/profile",
                              "--virtual-time-budget=4000", "--dump-dom", "file://" + page], capture_output=True, text=True, timeout=90).stdout
    found = re.search(r"<title>RESULT (.*?)</title>", dom, re.S)
    if found is None:
        print("the page's script did not come to its end; title:", re.findall(r"<title>.*?</title>", dom)[:1])
        return 1
    import json
    out = json.loads(found.group(1).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))
    want = {"first": 100, "images": 0, "hostile": True, "none": True, "sorted": True, "aria": "descending", "only": "Unknown",
            "opened": 1, "closed": 0}
    bad = {k: (out.get(k), v) for k, v in want.items() if out.get(k) != v}
    if out.get("alerted") or not 0 < out.get("found", 0) < 100 or "600" not in out.get("where", "") or out.get("theme") not in ("light", "dark"):
        bad["other"] = out
    print("as wished" if not bad else f"found, wished: {bad}")
    return 1 if bad else 0


sys.exit(main())
