/* test_report.c - the HTML page: well-formed, safe against what runs may hold, and true to the numbers in them. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "made_choice.h"
#include "made_run.h"
#include "report/columns.h"
#include "report/html.h"
#include "report/summary.h"
#include "store/store.h"
#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>

static char folder[] = "/tmp/ken-report-XXXXXX";
static char run_path[64], page_path[64];

static ken_run *open_made(size_t n, bool hostile_texts)
{
    ken_run *run = NULL;
    ken_err err = {0};
    if (make_run(run_path, n, hostile_texts, &err) != KEN_OK || ken_run_open(&run, run_path, &err) != KEN_OK)
        fail_msg("%s", err.msg);
    return run;
}

static char *report_with(ken_run *const *runs, size_t n, const ken_report_options *o, size_t *size, ken_report **keep)
{
    ken_err err = {0};
    ken_report *r = NULL;
    if (ken_report_new(&r, runs, n, o, &err) != KEN_OK || ken_report_write(r, page_path, &err) != KEN_OK)
        fail_msg("%s", err.msg);
    if (keep != NULL) *keep = r;
    else ken_report_free(r);
    return read_all(page_path, size);
}

static int report_to(ken_run *const *runs, size_t n, const char *path, ken_err *err)
{
    ken_report *r = NULL;
    int rc = ken_report_new(&r, runs, n, NULL, err);
    if (rc == KEN_OK) rc = ken_report_write(r, path, err);
    ken_report_free(r);
    return rc;
}

static char *report_on(ken_run *const *runs, size_t n, size_t *size) { return report_with(runs, n, NULL, size, NULL); }

static size_t occurrences(const char *in, const char *what)
{
    size_t n = 0;
    for (const char *p = in; (p = strcasestr(p, what)) != NULL; p++) n++;
    return n;
}

/* ---- well-formed ----------------------------------------------------------------------------------------------------- */

static bool is_void(const char *name)
{
    static const char *const names[] = {"meta", "input", "br"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

/* Headings go down one level at a time, and there is one h1. */
static void check_heading(const char *name, int *level, int *first)
{
    if (name[0] != 'h' || name[1] < '1' || name[1] > '6' || name[2] != '\0') return;
    int h = name[1] - '0';
    if (h == 1) assert_int_equal((*first)++, 0);
    if (h > *level + 1) fail_msg("<%s> after <h%d>", name, *level);
    *level = h;
}

/* Every element is closed in order, every attribute quoted and given once, no stray < or &, ids unique, anchors lead somewhere. */
static void check_html(const char *html)
{
    enum { DEEPEST = 64, MOST_IDS = 300 };
    static char open[DEEPEST][24], ids[MOST_IDS][40], anchors[MOST_IDS][40];
    int depth = 0, n_ids = 0, n_anchors = 0, level = 0, first = 0;
    assert_int_equal(strncmp(html, "<!DOCTYPE html>\n", 16), 0);
    for (const char *p = html + 16; *p != '\0';) {
        if (*p == '&') {
            size_t k = strspn(p + 1, "abcdefghijklmnopqrstuvwxyz#0123456789");
            assert_true(k > 0 && p[k + 1] == ';');
            p += k + 2;
            continue;
        }
        if (*p != '<') {
            assert_int_not_equal(*p, '>');
            p++;
            continue;
        }
        bool closing = p[1] == '/', self = false;
        char name[24], seen[16][24];
        int n_seen = 0;
        size_t k = 0;
        for (p += closing ? 2 : 1; isalnum((unsigned char)*p) && k < sizeof name - 1; p++) name[k++] = *p;
        name[k] = '\0';
        if (k == 0) fail_msg("a < that begins no element: %.60s", p - 1);
        if (!closing) check_heading(name, &level, &first);
        while (*p == ' ') {
            char attribute[24];
            size_t a = 0;
            for (p++; (isalnum((unsigned char)*p) || *p == '-') && a < sizeof attribute - 1; p++) attribute[a++] = *p;
            attribute[a] = '\0';
            if (a == 0) fail_msg("<%s: %.40s", name, p);
            for (int i = 0; i < n_seen; i++) assert_string_not_equal(seen[i], attribute);
            assert_true(n_seen < 16);
            snprintf(seen[n_seen++], sizeof seen[0], "%s", attribute);
            if (*p != '=') continue;
            if (p[1] != '"') fail_msg("<%s %s is not quoted", name, attribute);
            const char *value = p + 2, *end = strchr(value, '"');
            assert_non_null(end);
            assert_null(memchr(value, '<', (size_t)(end - value)));
            assert_true(n_ids < MOST_IDS && n_anchors < MOST_IDS);
            if (strcmp(attribute, "id") == 0) snprintf(ids[n_ids++], sizeof ids[0], "%.*s", (int)(end - value), value);
            if (strcmp(attribute, "href") == 0 && *value == '#')
                snprintf(anchors[n_anchors++], sizeof anchors[0], "%.*s", (int)(end - value) - 1, value + 1);
            assert_true(strncmp(attribute, "on", 2) != 0); /* no event handlers in markup */
            assert_string_not_equal(attribute, "src");     /* nothing to load */
            p = end + 1;
        }
        if (*p == '/') self = true, p++;
        if (*p != '>') fail_msg("<%s is not ended: %.40s", name, p);
        p++;
        if (closing) {
            if (depth == 0 || strcmp(open[depth - 1], name) != 0)
                fail_msg("</%s> closes <%s>", name, depth > 0 ? open[depth - 1] : "");
            depth--;
        } else if (strcmp(name, "script") == 0 ||
                   strcmp(name, "style") == 0) { /* raw text: to its end tag, whatever it holds */
            char end[32];
            snprintf(end, sizeof end, "</%s", name);
            p = strcasestr(p, end);
            assert_non_null(p);
            p += strlen(end) + 1;
        } else if (!self && !is_void(name)) {
            assert_true(depth < DEEPEST);
            snprintf(open[depth++], sizeof open[0], "%s", name);
        }
    }
    assert_int_equal(depth, 0);
    assert_int_equal(first, 1);
    for (int i = 0; i < n_ids; i++)
        for (int j = 0; j < i; j++) assert_string_not_equal(ids[i], ids[j]);
    for (int i = 0; i < n_anchors; i++) {
        int j = 0;
        while (j < n_ids && strcmp(ids[j], anchors[i]) != 0) j++;
        if (j == n_ids) fail_msg("#%s leads nowhere", anchors[i]);
    }
}

static json_t *json_of(const char *html, const char *id)
{
    char begin[80];
    json_error_t why;
    snprintf(begin, sizeof begin, "<script type=\"application/json\" id=\"%s\">", id);
    const char *p = strstr(html, begin);
    assert_non_null(p);
    p += strlen(begin);
    const char *end = strstr(p, "</script>");
    assert_non_null(end);
    json_t *j = json_loadb(p, (size_t)(end - p), 0, &why);
    if (j == NULL) fail_msg("%s: %s", id, why.text);
    return j;
}

/* ---- the packed rows, as page.js unpacks them --------------------------------------------------------------------------- */

typedef struct packed {
    unsigned char *bytes; /* (n) */
    size_t n;
    json_t *columns;
} packed;

static packed packed_of(const char *html)
{
    packed p = {.columns = json_of(html, "columns")};
    const char *begin = strstr(html, "<script type=\"application/zlib\" id=\"rows\">");
    assert_non_null(begin);
    begin = strchr(begin, '>') + 1;
    size_t n = strspn(begin, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=");
    assert_int_equal(strncmp(begin + n, "</script>", 9), 0);
    assert_int_equal(n % 4, 0);
    p.bytes = malloc(n / 4 * 3 + 1);
    for (size_t i = 0; i < n; i += 4) {
        uint32_t v = 0;
        for (size_t k = 0; k < 4; k++)
            v = v << 6 |
                (begin[i + k] == '=' ? 0 : (uint32_t)(strchr(ken_base64_digits, begin[i + k]) - ken_base64_digits));
        for (int k = 2; k >= 0; k--) p.bytes[p.n++] = (unsigned char)(v >> 8 * k);
    }
    return p;
}

static void free_packed(packed *p)
{
    free(p->bytes);
    json_decref(p->columns);
}

/* The values of a column, or NULL when it is not on the page. */
static uint32_t *unpack(const packed *p, const char *name, size_t *n)
{
    size_t i;
    json_t *c;
    json_array_foreach(p->columns, i, c)
    {
        if (strcmp(json_string_value(json_array_get(c, 0)), name) != 0) continue;
        size_t width = (size_t)json_integer_value(json_array_get(c, 1)),
               at = (size_t)json_integer_value(json_array_get(c, 3)),
               len = (size_t)json_integer_value(json_array_get(c, 4));
        *n = (size_t)json_integer_value(json_array_get(c, 2));
        assert_true(at + len <= p->n);
        uLongf size = (uLongf)(*n * width);
        unsigned char *planes = malloc(size + 1);
        uint32_t *out = calloc(*n + 1, sizeof *out);
        assert_int_equal(uncompress(planes, &size, p->bytes + at, (uLong)len), Z_OK);
        assert_int_equal(size, *n * width);
        for (size_t b = 0; b < width; b++)
            for (size_t k = 0; k < *n; k++) out[k] |= (uint32_t)planes[b * *n + k] << 8 * b;
        free(planes);
        return out;
    }
    *n = 0;
    return NULL;
}

typedef struct texts {
    char *all;
    const char **text;
    size_t n;
} texts;

static texts unpack_text(const packed *p, const char *name)
{
    texts t = {0};
    size_t n;
    uint32_t *bytes = unpack(p, name, &n);
    t.all = malloc(n + 1);
    t.text = calloc(n + 1, sizeof *t.text);
    for (size_t i = 0; i < n; i++) t.all[i] = (char)bytes[i];
    for (size_t i = 0; i < n; i += strlen(t.all + i) + 1) t.text[t.n++] = t.all + i;
    free(bytes);
    return t;
}

static void free_texts(texts *t)
{
    free(t->all);
    free(t->text);
}

static double p_of(uint32_t c)
{
    if (c == 0xFFFF) return NAN;
    if (c == 0 || c == 0xFFFE) return c == 0 ? 0.0 : 1.0;
    return (1.0 + (double)((c - 1) & 2047) / 2048.0) * exp2(-(30.0 - (double)((c - 1) >> 11)) - 1.0);
}

/* The greedy answers of a row's prompts, as the page has them: what, and whether right. */
static void check_prompts(const packed *p, const texts *dictionary, ken_run *run)
{
    size_t n, n_said, n_says, n_new, at = 0, said_at = 0, new_at[5] = {0};
    uint32_t *rows = unpack(p, "0.rows", &n), *nsaid = unpack(p, "0.nsaid", &n), *said = unpack(p, "0.said", &n_said),
             *hit = unpack(p, "0.saidhit", &n_said), *says = unpack(p, "0.says", &n_says),
             *textp = unpack(p, "0.textp", &n_says), *lo = unpack(p, "0.plo", &n_says);
    uint32_t *fresh[5], *token[5], *other[5];
    for (int k = 0; k < 5; k++) {
        char name[16];
        snprintf(name, sizeof name, "0.new%d", k);
        fresh[k] = unpack(p, name, &n_new);
        snprintf(name, sizeof name, "0.tok%d", k);
        token[k] = unpack(p, name, &n_new);
        snprintf(name, sizeof name, "0.oth%d", k);
        other[k] = unpack(p, name, &n_new);
    }
    for (size_t i = 0; i < n; i++) {
        const ken_row *row = ken_run_row(run, i, NULL);
        uint32_t tokens[60];
        size_t n_tokens = 0;
        for (int k = 0; k < 5; k++)
            for (uint32_t j = 0; fresh[k] != NULL && j < fresh[k][i]; j++) tokens[n_tokens++] = token[k][new_at[k]++];
        assert_int_equal(rows[i], row->n_prompt_rows);
        for (int j = 0; j < row->n_prompt_rows; j++, at++) {
            const ken_prompt_row *x = &row->prompt_rows[j];
            assert_true(says[at] < nsaid[i]);
            assert_int_equal(hit[said_at + says[at]], x->greedy_hit);
            ken_buf clean = {0};
            ken_html_clean(&clean, x->text, strlen(x->text), 120);
            assert_string_equal(dictionary->text[said[said_at + says[at]]], ken_buf_str(&clean));
            ken_buf_free(&clean);
            assert_true(fabs(p_of(textp[at]) - x->text_p) <= 0.01 * x->text_p);
            assert_true(fabs(p_of(lo[at]) - x->p_lo) <= 0.01 * x->p_lo);
            for (int k = 0; k < x->n_other; k++) {
                assert_true(other[k][at] < n_tokens);
                assert_string_equal(dictionary->text[tokens[other[k][at]]], x->other[k].text);
            }
        }
        said_at += nsaid[i];
    }
    assert_int_equal(at, n_says);
    assert_int_equal(said_at, n_said);
    for (int k = 0; k < 5; k++) free(fresh[k]), free(token[k]), free(other[k]);
    free(rows), free(nsaid), free(said), free(hit), free(says), free(textp), free(lo);
}

static void page_is_well_formed_and_says_what_the_run_says(void **state)
{
    (void)state;
    ken_run *run = open_made(480, false);
    size_t size;
    char *html = report_on(&run, 1, &size), text[64], number[32];
    assert_int_equal(strlen(html), size);
    check_html(html);
    assert_non_null(strstr(html, "<h1>What SmolLM2-135M-Instruct knows</h1>"));
    assert_null(strstr(html, "not finished"));
    assert_int_equal(occurrences(html, "http"), 2); /* http-equiv, and the paper's address: a link, nothing to load */
    assert_null(strstr(html, "@import"));
    assert_null(strstr(html, "url("));
    const ken_counts *total = ken_run_total(run);
    uint64_t labelled = total->n - total->category[KEN_UNLABELLED];
    for (int c = 0; c < 4; c++) { /* the headline numbers */
        snprintf(text, sizeof text, "<div class=\"big\">%s</div>",
                 ken_html_percent(number, (double)total->category[c] / (double)labelled));
        assert_non_null(strstr(html, text));
        assert_true(total->category[c] > 0);
    }
    snprintf(text, sizeof text, ">%.1f</td><td class=\"n\" data-label=\"\xC2\xB1\">%.1f<", total->expected_unknown,
             total->sd_unknown);
    assert_non_null(strstr(html, text));
    assert_non_null(strstr(html, "What is the capital of \xE2\x80\xA6?"));
    assert_non_null(strstr(html, "id=\"by-popularity-0\""));
    assert_non_null(strstr(html, "about 0.71")); /* docs/method/knowledge.md#hk-again */

    json_t *about = json_of(html, "about");
    packed rows = packed_of(html);
    texts ids = unpack_text(&rows, "id"), questions = unpack_text(&rows, "question"),
          dictionary = unpack_text(&rows, "text");
    size_t n, n_answers, answer_at = 0;
    uint32_t *category = unpack(&rows, "0.category", &n), *p_t = unpack(&rows, "0.p", &n),
             *greedy = unpack(&rows, "0.greedy", &n), *unknown = unpack(&rows, "0.unknown", &n),
             *flags = unpack(&rows, "0.flags", &n), *fact = unpack(&rows, "0.fact", &n),
             *answers = unpack(&rows, "answers", &n), *answer = unpack(&rows, "answer", &n_answers);
    assert_int_equal(json_integer_value(json_object_get(about, "facts")), 480);
    assert_int_equal(json_array_size(json_object_get(about, "relations")), N_MADE);
    assert_int_equal(ids.n, 480);
    assert_int_equal(questions.n, 480);
    for (size_t i = 0; i < 480; i++) {
        const ken_row *row = ken_run_row(run, i, NULL);
        assert_int_equal(fact[i], i);
        assert_int_equal(category[i], row->category);
        assert_string_equal(ids.text[i], row->id);
        assert_string_equal(questions.text[i], row->question);
        assert_int_equal(answers[i], row->n_answers);
        assert_string_equal(dictionary.text[answer[answer_at]], row->answers[0]);
        answer_at += answers[i];
        assert_true(fabs(p_of(p_t[i]) - row->p_t) <= 3e-4 * row->p_t);
        assert_int_equal(greedy[i], row->greedy_hits);
        assert_true(fabs(p_of(unknown[i]) - row->p_unknown) <= 3e-4 * row->p_unknown + 1e-9);
        assert_int_equal(flags[i], row->flags);
    }
    check_prompts(&rows, &dictionary, run);
    free(category), free(p_t), free(greedy), free(unknown), free(flags), free(fact), free(answers), free(answer);
    free_texts(&ids);
    free_texts(&questions);
    free_texts(&dictionary);
    free_packed(&rows);
    json_decref(about);

    /* best known first */
    double last = 2;
    const char *p = strstr(html, "id=\"by-relation-0\"");
    for (size_t i = 0; i < ken_run_n_relations(run); i++) {
        char name[40];
        p = strstr(p, "<th scope=\"row\">") + 16;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(p, " <"), p);
        size_t j = 0;
        while (j < ken_run_n_relations(run) && strcmp(ken_run_relation(run, j)->relation, name) != 0) j++;
        assert_true(j < ken_run_n_relations(run));
        const ken_counts *c = ken_run_relation(run, j);
        double known = (double)(c->category[0] + c->category[1]) / (double)(c->n - c->category[KEN_UNLABELLED]);
        assert_true(known <= last);
        last = known;
    }
    ken_free(html);
    ken_run_free(run);
}

static void hostile_texts_stay_texts(void **state)
{
    (void)state;
    ken_run *run = open_made(96, true);
    size_t size, found = 0;
    char *html = report_on(&run, 1, &size);
    check_html(html);
    assert_int_equal(occurrences(html, "<script"), 4);
    assert_int_equal(occurrences(html, "</script"), 4);
    assert_int_equal(occurrences(html, "<img"), 0);
    assert_int_equal(occurrences(html, "<svg/"), 0);
    assert_int_equal(occurrences(html, "<!--"), 0);
    assert_null(strstr(html, "\xE2\x80\xA8")); /* JavaScript takes it for the end of a line */
    packed rows = packed_of(html);
    texts questions = unpack_text(&rows, "question");
    assert_int_equal(questions.n, 96);
    for (size_t i = 0; i < 96; i++) { /* and nothing is lost on the way, but for what would turn the text around it */
        const ken_row *row = ken_run_row(run, i, NULL);
        ken_buf want = {0};
        for (const char *s = row->question; *s != '\0'; s++)
            if (strncmp(s, "\xE2\x80\xAE", 3) == 0) ken_buf_puts(&want, "\xEF\xBF\xBD"), s += 2;
            else ken_buf_putc(&want, *s);
        assert_string_equal(questions.text[i], ken_buf_str(&want));
        ken_buf_free(&want);
        found += strcmp(row->question, hostile[0]) == 0;
    }
    assert_true(found > 0);
    assert_null(strstr(html, "\xE2\x80\xAE"));
    free_texts(&questions);
    free_packed(&rows);
    ken_free(html);
    ken_run_free(run);
}

static void policy_allows_our_script_only(void **state)
{
    (void)state;
    ken_run *run = open_made(9, false);
    size_t size;
    char *html = report_on(&run, 1, &size), hex[65], got[65];
    const char *p = strstr(html, "script-src 'sha256-"), *begin = strstr(html, "<script>") + 8,
               *end = strstr(begin, "</script>");
    assert_non_null(p);
    p += 19;
    ken_sha256 *h = ken_sha256_new();
    ken_sha256_add(h, begin, (size_t)(end - begin));
    ken_sha256_hex(h, hex);
    uint32_t bits = 0;
    int have = 0, at = 0;
    for (; *p != '=' && at < 64; p++) {
        bits = bits << 6 | (uint32_t)(strchr(ken_base64_digits, *p) - ken_base64_digits);
        have += 6;
        if (have >= 8) have -= 8, snprintf(got + at, 3, "%02x", bits >> have & 255), at += 2;
    }
    assert_string_equal(got, hex);
    assert_int_equal(strncmp(p, "='", 2), 0);
    ken_free(html);
    ken_run_free(run);
}

static size_t facts_on(const char *html)
{
    json_t *about = json_of(html, "about");
    size_t n = (size_t)json_integer_value(json_object_get(about, "facts"));
    json_decref(about);
    return n;
}

static void several_runs_and_odd_runs(void **state)
{
    (void)state;
    char other[80];
    ken_err err = {0};
    size_t size;
    snprintf(other, sizeof other, "%s/other.ken", folder);
    ken_run *runs[3];
    assert_int_equal(make_run(other, 40, true, &err), KEN_OK);
    assert_int_equal(ken_run_open(&runs[1], other, &err), KEN_OK);
    runs[0] = open_made(120, false);
    char *html = report_on(runs, 2, &size);
    check_html(html);
    assert_int_equal(facts_on(html), 157); /* three are the same by chance */
    assert_non_null(strstr(html, "were not asked the same facts: the 3 that both have are compared"));
    ken_free(html);
    ken_run_free(runs[0]);
    ken_run_free(runs[1]);

    static const size_t sizes[] = {0, 1, 2};
    for (size_t i = 0; i < 3; i++) {
        ken_run *run = open_made(sizes[i], false);
        html = report_on(&run, 1, &size);
        check_html(html);
        assert_null(strstr(html, "nan"));
        assert_null(strstr(html, "inf%"));
        assert_int_equal(facts_on(html), sizes[i]);
        ken_free(html);
        ken_run *const twice[] = {run, run}; /* a share of nothing, a change of one fact */
        html = report_on(twice, 2, &size);
        check_html(html);
        assert_null(strstr(html, "nan"));
        assert_null(strstr(html, "inf%"));
        ken_free(html);
        ken_run_free(run);
    }
    ken_report *none;
    assert_int_equal(ken_report_new(&none, NULL, 0, NULL, &err), KEN_EUSAGE);
    assert_null(none);
}

/* Two runs of hostile texts: before and after in sentences, lists and tables, and they stay texts there too. */
static void what_changed_comes_first(void **state)
{
    (void)state;
    char other[80], text[160];
    ken_err err = {0};
    size_t size, n;
    ken_diff *d;
    snprintf(other, sizeof other, "%s/other.ken", folder);
    ken_run *runs[2] = {open_made(300, true), NULL};
    assert_int_equal(make_run_shifted(other, 300, true, 0.5, &err), KEN_OK);
    assert_int_equal(ken_run_open(&runs[1], other, &err), KEN_OK);
    char *html = report_on(runs, 2, &size);
    check_html(html);
    assert_int_equal(occurrences(html, "<img"), 0);
    assert_int_equal(occurrences(html, "<svg/"), 0);
    assert_int_equal(occurrences(html, "<script"), 4);
    assert_null(strstr(html, "nan"));
    assert_int_equal(ken_diff_runs(&d, runs[0], runs[1], NULL, &err), KEN_OK);
    const ken_diff_group *g = ken_diff_find(d, "all", "");
    assert_non_null(g);
    assert_true(g->lost > 5 && g->gained > 0);
    snprintf(text, sizeof text, "<b>%d of %d</b> facts the model could answer are <b class=\"lost\">lost</b>",
             (int)g->lost, (int)g->known_a);
    assert_non_null(strstr(html, text));
    packed p = packed_of(html);
    uint32_t *fact = unpack(&p, "d0.fact", &n), *move = unpack(&p, "d0.move", &n);
    assert_int_equal(n, ken_diff_count(d));
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(fact[i], i);
        assert_int_equal(move[i], ken_diff_get(d, i)->move);
    }
    free(fact), free(move);
    free_packed(&p);
    ken_diff_free(d);
    ken_free(html);
    ken_run_free(runs[0]);
    ken_run_free(runs[1]);
}

/* Ten thousand facts with the details of their prompts stay under 2 MB, and so do two runs of them; the page says what is left out. */
static void large_pages_stay_small(void **state)
{
    (void)state;
    enum { N = 10000, MOST = 2000000 };
    char after[80];
    ken_err err = {0};
    ken_run *runs[2] = {open_made(N, false), NULL};
    ken_report *r;
    size_t size, n;
    char *html = report_with(runs, 1, NULL, &size, &r);
    assert_true(size < MOST);
    assert_int_equal(facts_on(html), N);
    assert_non_null(strstr(html, "\"0.textp\"")); /* the prompts' numbers are there */
    ken_free(html);
    ken_report_free(r);

    snprintf(after, sizeof after, "%s/other.ken", folder);
    assert_int_equal(make_run_shifted(after, N, false, 0.5, &err), KEN_OK);
    assert_int_equal(ken_run_open(&runs[1], after, &err), KEN_OK);
    html = report_with(runs, 2, NULL, &size, &r);
    assert_true(size < MOST);
    bool less = strstr(html, "To keep this page small, ") != NULL, said = false;
    for (size_t i = 0; ken_report_note(r, i) != NULL; i++) said |= strstr(ken_report_note(r, i), "left out") != NULL;
    assert_int_equal(less, said);
    ken_free(html);
    ken_report_free(r);

    ken_report_options o = ken_report_defaults(); /* so little room that only the rows are left */
    o.room = 1;
    html = report_with(runs, 1, &o, &size, &r);
    packed p = packed_of(html);
    assert_null(unpack(&p, "0.textp", &n));
    uint32_t *says = unpack(&p, "0.says", &n);
    assert_int_equal(n, (size_t)N * MADE_PROMPTS);
    free(says);
    free_packed(&p);
    assert_non_null(strstr(html, "the numbers of the single prompts and the likeliest first tokens are left out"));
    ken_free(html);
    ken_report_free(r);
    ken_run_free(runs[0]);
    ken_run_free(runs[1]);
}

/* Alone, and beside other facts: then each kind has its own numbers, sections and figures. */
static void multiple_choice_has_verdicts(void **state)
{
    (void)state;
    char other[80], text[200];
    snprintf(other, sizeof other, "%s/other.ken", folder);
    for (size_t others = 0; others <= 40; others += 40) {
        ken_err err = {0};
        ken_run *runs[2] = {NULL, NULL};
        ken_diff *d;
        size_t size, n;
        assert_int_equal(make_choice_run(run_path, others, 120, 0, &err), KEN_OK);
        assert_int_equal(make_choice_run(other, others, 120, 0.5, &err), KEN_OK);
        assert_int_equal(ken_run_open(&runs[0], run_path, &err), KEN_OK);
        assert_int_equal(ken_run_open(&runs[1], other, &err), KEN_OK);
        char *html = report_on(runs, 2, &size);
        check_html(html);
        assert_null(strstr(html, "nan"));
        assert_int_equal(occurrences(html, "<mito"), 0);
        assert_int_equal(ken_diff_runs(&d, runs[0], runs[1], NULL, &err), KEN_OK);
        const ken_diff_group *g = ken_diff_part(d, true);
        assert_true(g != NULL && g->lost > 3 && g->gained > 0);
        snprintf(text, sizeof text,
                 "<b>%d of %d</b> multiple-choice questions the model had right are <b class=\"lost\">lost</b>",
                 (int)g->lost, (int)g->known_a);
        assert_int_equal(occurrences(html, text), 1);
        assert_int_equal(occurrences(html, " facts the model could answer "), others > 0);
        assert_int_equal(occurrences(html, "<th scope=\"row\">questions</th>"), 1);
        assert_int_equal(occurrences(html, others > 0 ? "id=\"moved-choice-0\"" : "id=\"moved-0\""), 1);
        assert_int_equal(occurrences(html, "From category to category"), others > 0);
        snprintf(text, sizeof text, "<td class=\"n same\">%d</td><td class=\"n lost\">%d</td>",
                 (int)g->verdict[KEN_RIGHT][KEN_RIGHT], (int)g->lost);
        assert_int_equal(occurrences(html, text), 1);
        assert_int_equal(occurrences(html, others > 0 ? "lost-choice-0" : "lost-0"), others > 0 ? 1 : 2);
        packed p = packed_of(html);
        uint32_t *category = unpack(&p, "0.category", &n);
        assert_int_equal(n, others + 120);
        for (size_t i = others; i < n; i++) /* behind the categories and "not annotated" */
            assert_int_equal(category[i], ken_diff_get(d, i)->a.known ? KEN_N_CATEGORIES + 1 : KEN_N_CATEGORIES + 2);
        free(category);
        free_packed(&p);
        ken_free(html);
        html = report_on(runs, 1, &size);
        check_html(html);
        assert_int_equal(occurrences(html, "By subject</h2>"), others == 0);
        assert_int_equal(occurrences(html, "id=\"certainty-0\""), others > 0);
        assert_int_equal(occurrences(html, "<b>Multiple choice</b> has none of the four"), 1);
        ken_free(html);
        ken_diff_free(d);
        ken_run_free(runs[0]);
        ken_run_free(runs[1]);
    }
}

static void multiple_choice_has_scores(void **state)
{
    (void)state;
    ken_store *s;
    ken_err err = {0};
    const ken_setting settings[] = {{"model", "m", false}, {KEN_SETTING_ROWS, "9", false}};
    unlink(run_path);
    assert_int_equal(ken_store_open(&s, run_path, settings, 2, &err), KEN_OK);
    for (uint64_t i = 0; i < 3; i++) {
        char id[8];
        const char *answers[] = {"B"};
        snprintf(id, sizeof id, "q%d", (int)i);
        ken_row row = {.id = id,
                       .relation = "anatomy",
                       .split = "test",
                       .question = "Which?",
                       .answers = answers,
                       .n_answers = 1,
                       .popularity = NAN,
                       .category = KEN_UNLABELLED,
                       .category_mode = KEN_UNLABELLED,
                       .p_t0 = 0.5,
                       .p_t = 0.7,
                       .p_t_lo = 0.7,
                       .p_t_hi = 0.7,
                       .greedy_hits = 5,
                       .prompts = 10,
                       .p_unknown = NAN,
                       .p_unknown_lo = NAN,
                       .p_unknown_hi = NAN,
                       .p_flip = NAN,
                       .min_margin = 1,
                       .p_guess = NAN,
                       .lift = NAN,
                       .score = 0.25 * (double)(i + 1),
                       .flags = KEN_FLAG_CHOICE,
                       .method = "choice"};
        if (ken_store_put_row(s, i, &row, &err) != KEN_OK) fail_msg("%s", err.msg);
    }
    assert_int_equal(ken_store_commit(s, &err), KEN_OK);
    assert_int_equal(ken_store_close(s, &err), KEN_OK);
    ken_run *run;
    size_t size;
    assert_int_equal(ken_run_open(&run, run_path, &err), KEN_OK);
    char *html = report_on(&run, 1, &size);
    check_html(html);
    assert_non_null(strstr(html, "Knowledge score, multiple choice</dt><dd>0.500"));
    assert_non_null(strstr(html, "\"scores\":true"));
    assert_non_null(strstr(html, "This run is not finished: 3 of 9 facts"));
    assert_null(strstr(html, "bar big"));
    assert_null(strstr(html, "nan"));
    ken_free(html);
    ken_run_free(run);
}

/* ---- numbers --------------------------------------------------------------------------------------------------------- */

static void summary_adds_up(void **state)
{
    (void)state;
    ken_run *run = open_made(400, false);
    ken_report_summary s;
    assert_int_equal(ken_report_summarize(&s, run, NULL), KEN_OK);
    const ken_counts *total = ken_run_total(run);
    uint64_t in_hist = 0, in_hits = 0, in_deciles = 0, hist_at_one = 0;
    for (int i = 0; i < KEN_HIST_BINS; i++) in_hist += s.hist[i].n;
    for (int i = 0; i < s.n_hits; i++) in_hits += s.hits[i].n;
    for (int i = 0; i < s.n_deciles; i++) {
        in_deciles += s.deciles[i].tally.n;
        assert_int_equal(s.deciles[i].tally.n, 40);
        assert_true(s.deciles[i].lo <= s.deciles[i].hi && (i == 0 || s.deciles[i - 1].hi <= s.deciles[i].lo));
    }
    assert_int_equal(s.n, 400);
    assert_int_equal(in_hist, s.n_labelled);
    assert_int_equal(in_hits, s.n_labelled);
    assert_int_equal(in_deciles, 400);
    assert_int_equal(s.n_hits, 11);
    assert_int_equal(s.hits[10].n, total->category[KEN_HIGHLY_KNOWN]);
    assert_int_equal(s.hits[0].n, total->category[KEN_WEAKLY_KNOWN] + total->category[KEN_UNKNOWN]);
    for (size_t i = 0; i < 400; i++) {
        const ken_row *row = ken_run_row(run, i, NULL);
        hist_at_one += row->category != KEN_UNLABELLED && row->p_t >= 0.95;
    }
    assert_int_equal(s.hist[KEN_HIST_BINS - 1].n, hist_at_one);
    assert_true(fabs(s.sum_unknown - total->expected_unknown) < 1e-9);
    assert_true(fabs(sqrt(s.var_unknown) - total->sd_unknown) < 1e-9);
    /* the curve at all prompts and samples is the expected table itself */
    assert_int_equal(s.n_curve, 10);
    assert_int_equal(s.curve_n[9], 10);
    double n = (double)s.n_labelled;
    assert_true(fabs(s.curve[9][KEN_UNKNOWN] * n - s.sum_unknown) < 1e-6);
    assert_true(fabs(s.curve[9][KEN_HIGHLY_KNOWN] * n - (double)total->category[KEN_HIGHLY_KNOWN]) < 1e-6);
    for (int i = 0; i < 10; i++) {
        double sum = 0;
        for (int c = 0; c < 4; c++) sum += s.curve[i][c];
        assert_true(fabs(sum - 1) < 1e-9);
        if (i > 0) assert_true(s.curve[i][KEN_UNKNOWN] <= s.curve[i - 1][KEN_UNKNOWN] + 1e-12);
    }
    assert_int_equal(s.by_samples_c[2], MADE_SAMPLES);
    for (int c = 0; c < 4; c++) assert_true(fabs(s.by_samples[2][c] - s.curve[9][c]) < 1e-12);
    ken_report_summary_free(&s);
    ken_run_free(run);
}

static void numbers_as_people_read_them(void **state)
{
    (void)state;
    static const struct {
        double share;
        const char *text;
    } percent[] = {{0, "0%"},        {1, "100%"},           {0.5, "50.0%"},  {0.0004, "&lt;0.1%"},
                   {0.0005, "0.1%"}, {0.9999, "&gt;99.9%"}, {0.123, "12.3%"}};
    static const struct {
        uint64_t n;
        const char *text;
    } count[] = {
        {0, "0"}, {999, "999"}, {1000, "1,000"}, {1234567, "1,234,567"}, {UINT64_MAX, "18,446,744,073,709,551,615"}};
    char buf[32];
    for (size_t i = 0; i < sizeof percent / sizeof percent[0]; i++)
        assert_string_equal(ken_html_percent(buf, percent[i].share), percent[i].text);
    for (size_t i = 0; i < sizeof count / sizeof count[0]; i++)
        assert_string_equal(ken_count_text(buf, count[i].n), count[i].text);
    assert_string_equal(ken_html_percent(buf, NAN), "\xE2\x80\x93");
}

static void escaping(void **state)
{
    (void)state;
    static const struct {
        const char *in, *html, *json;
    } cases[] = {
        {"a<b>&\"'c", "a&lt;b&gt;&amp;&quot;&#39;c", "\"a\\u003cb\\u003e\\u0026\\\"'c\""},
        {"x\\y", "x\\y", "\"x\\\\y\""},
        {"\x01\x7F\n", "\xEF\xBF\xBD\xEF\xBF\xBD\n", "\"\xEF\xBF\xBD\xEF\xBF\xBD\\u000a\""},
        {"\xFF\xC3", "\xEF\xBF\xBD\xEF\xBF\xBD", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
        {"\xEF\xB7\x90\xEF\xBF\xBE", "\xEF\xBF\xBD\xEF\xBF\xBD", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""}, /* noncharacters */
        {"\xE2\x80\xA9", "\xE2\x80\xA9", "\"\\u2029\""},
        {"\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9", "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xE2\x80\xA6",
         "\"\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xE2\x80\xA6\""}, /* cut between characters */
        {"", "", "\"\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int json = 0; json < 2; json++) {
            ken_out *o;
            size_t n, most = strlen(cases[i].in) == 12 ? 5 : 0;
            assert_int_equal(ken_out_open(&o, page_path, NULL), KEN_OK);
            if (json) ken_html_json(o, cases[i].in, most);
            else ken_html_text(o, cases[i].in, most);
            assert_int_equal(ken_out_close(o, true, NULL), KEN_OK);
            char *s = read_all(page_path, &n);
            assert_string_equal(s, json ? cases[i].json : cases[i].html);
            ken_free(s);
        }
    }
}

/* ---- failures -------------------------------------------------------------------------------------------------------- */

static int files_in_folder(void)
{
    char command[128];
    int n = 0;
    snprintf(command, sizeof command, "ls -A %s | wc -l", folder);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &n), 1);
    pclose(f);
    return n;
}

static void whole_or_not_at_all(void **state)
{
    (void)state;
    ken_run *run = open_made(20, false);
    ken_err err = {0};
    size_t n;
    assert_int_equal(ken_write_file(page_path, "old", 3, &err), KEN_OK);
    int files = files_in_folder();
    long k = 1;
    for (;; k++) { /* every allocation in turn, as far as nothing is drawn */
        ken_report *r = NULL;
        ken_alloc_fail_after(k);
        int rc = ken_report_new(&r, &run, 1, NULL, &err);
        ken_alloc_fail_after(0);
        ken_report_free(r);
        if (rc == KEN_OK) break;
        assert_int_equal(rc, KEN_ENOMEM);
        assert_null(r);
    }
    assert_true(k > 20);
    ken_report *r = NULL;
    assert_int_equal(ken_report_new(&r, &run, 1, NULL, &err), KEN_OK);
    assert_int_equal(ken_report_write(r, page_path, &err), KEN_OK); /* draws, once for all */
    assert_int_equal(ken_write_file(page_path, "old", 3, &err), KEN_OK);
    for (k = 1;; k++) { /* then in writing: nothing new under the final name, nothing left behind */
        ken_alloc_fail_after(k);
        int rc = ken_report_write(r, page_path, &err);
        ken_alloc_fail_after(0);
        if (rc == KEN_OK) break;
        assert_int_equal(rc, KEN_ENOMEM);
        if (k % 64 == 1) {
            char *s = read_all(page_path, &n);
            assert_string_equal(s, "old");
            ken_free(s);
            assert_int_equal(files_in_folder(), files);
        }
    }
    ken_report_free(r);
    assert_true(k > 20);
    assert_int_equal(report_to(&run, 1, "/nonexistent/folder/report.html", &err), KEN_EFAIL);
    assert_non_null(strstr(err.msg, "/nonexistent/folder/report.html"));
    assert_int_equal(report_to(&run, 1, folder, &err), KEN_EFAIL); /* a folder cannot be replaced */
    assert_int_equal(files_in_folder(), files);
    ken_run_free(run);
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) return -1;
    snprintf(run_path, sizeof run_path, "%s/made.ken", folder);
    snprintf(page_path, sizeof page_path, "%s/page.html", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    static const char *const names[] = {"made.ken", "page.html", "other.ken"};
    for (size_t i = 0; i < 3; i++) {
        char path[96];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

/* page_in_browser.py wants a page to look at: PATH ROWS [two|choice|mixed] */
static int page_for_browser(const char *path, size_t n, const char *kind)
{
    bool choice = strcmp(kind, "choice") == 0 || strcmp(kind, "mixed") == 0, two = choice || strcmp(kind, "two") == 0;
    ken_run *runs[2] = {NULL, NULL};
    ken_err err = {0};
    char name[2][200];
    int rc = KEN_OK;
    for (int k = 0; k < (two ? 2 : 1) && rc == KEN_OK; k++) {
        snprintf(name[k], sizeof name[k], "%s-%d.ken", path, k);
        rc = choice ? make_choice_run(name[k], strcmp(kind, "mixed") == 0 ? n / 2 : 0, n, 0.5 * k, &err)
                    : make_run_shifted(name[k], n, !two, 0.5 * k, &err);
        if (rc == KEN_OK) rc = ken_run_open(&runs[k], name[k], &err);
        unlink(name[k]); /* what is open stays readable */
    }
    if (rc == KEN_OK) rc = report_to(runs, two ? 2 : 1, path, &err);
    if (rc != KEN_OK) fprintf(stderr, "%s\n", err.msg);
    ken_run_free(runs[0]);
    ken_run_free(runs[1]);
    return rc;
}

int main(int argc, char **argv)
{
    if (argc >= 3) return page_for_browser(argv[1], (size_t)strtoul(argv[2], NULL, 10), argc > 3 ? argv[3] : "");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page_is_well_formed_and_says_what_the_run_says),
        cmocka_unit_test(hostile_texts_stay_texts),
        cmocka_unit_test(policy_allows_our_script_only),
        cmocka_unit_test(several_runs_and_odd_runs),
        cmocka_unit_test(what_changed_comes_first),
        cmocka_unit_test(large_pages_stay_small),
        cmocka_unit_test(multiple_choice_has_scores),
        cmocka_unit_test(multiple_choice_has_verdicts),
        cmocka_unit_test(summary_adds_up),
        cmocka_unit_test(numbers_as_people_read_them),
        cmocka_unit_test(escaping),
        cmocka_unit_test(whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
