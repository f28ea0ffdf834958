/* export_row.c - one row of a fine-tuning set as text, in each format; see export.h.
 *
 * Keys have a fixed order, numbers are the shortest that read back the same, and a real number never looks like a whole one: readers
 * that guess a column's type from the first rows (pyarrow does) must not guess differently further down. Text is hostile: broken UTF-8
 * becomes U+FFFD, and whatever some reader takes for a line end is escaped, so that a row is a line for all of them. */
#include "data/rows.h"
#include "model/json.h"
#include "text/csv.h"
#include "text/unicode.h"
#include "tune/export.h"
#include <math.h>
#include <string.h>

/* ---- values --------------------------------------------------------------------------------------------------------- */

/* U+0085, U+2028 and U+2029 end a line for Python's splitlines and for JavaScript. */
static bool needs_escape(int32_t cp) { return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) || cp == 0x2028 || cp == 0x2029; }

static void put_text(ken_buf *out, const char *s)
{
    size_t n = strlen(s), from = 0; /* what comes before from is written */
    ken_buf_putc(out, '"');
    for (size_t i = 0; i < n;) {
        int32_t cp;
        int k = ken_utf8_decode(s + i, n - i, &cp);
        const bool broken = k <= 0, plain = !broken && cp != '"' && cp != '\\' && !needs_escape(cp);
        if (broken) k = ken_utf8_bad(s + i, n - i);
        if (!plain) {
            ken_buf_add(out, s + from, i - from);
            from = i + (size_t)k;
        }
        if (broken) ken_buf_puts(out, "\xEF\xBF\xBD");
        else if (cp == '"' || cp == '\\') ken_buf_printf(out, "\\%c", (char)cp);
        else if (cp == '\n') ken_buf_puts(out, "\\n");
        else if (!plain) ken_buf_printf(out, "\\u%04x", (unsigned)cp);
        i += (size_t)k;
    }
    ken_buf_add(out, s + from, n - from);
    ken_buf_putc(out, '"');
}

static void put_list(ken_buf *out, const char *const *s, int n)
{
    ken_buf_putc(out, '[');
    for (int i = 0; i < n; i++) {
        if (i > 0) ken_buf_putc(out, ',');
        put_text(out, s[i]);
    }
    ken_buf_putc(out, ']');
}

/* ---- what is written of a row --------------------------------------------------------------------------------------- */

typedef struct record {
    const ken_export_style *style;
    const ken_selected *row;
    const char *id;
    bool csv;
    int fields;
} record;

static const char *category_of(const ken_selected *r)
{
    return r->category >= 0 && r->category < KEN_N_CATEGORIES ? ken_category_name(r->category) : "";
}

static void begin_field(ken_buf *out, record *r, const char *key)
{
    if (r->fields++ > 0) ken_buf_putc(out, ',');
    if (!r->csv) ken_buf_printf(out, "\"%s\":", key);
}

/* NULL: nothing known. */
static void text_field(ken_buf *out, record *r, const char *key, const char *s)
{
    begin_field(out, r, key);
    if (r->csv) ken_csv_field(out, s != NULL ? s : "", false);
    else if (s == NULL) ken_buf_puts(out, "null");
    else put_text(out, s);
}

/* f32: weights, wherever they are used. */
static void real_field(ken_buf *out, record *r, const char *key, double x, bool f32)
{
    char s[40];
    begin_field(out, r, key);
    if (isfinite(x)) ken_buf_puts(out, ken_json_number(x, f32, s));
    else if (!r->csv) ken_buf_puts(out, "null");
}

/* null says that a row has no label (docs/exports.md#columns), a missing key that none was asked for. */
static void category_field(ken_buf *out, record *r)
{
    int c = r->row->category;
    if (r->csv || (c >= 0 && c < KEN_UNLABELLED)) text_field(out, r, "category", category_of(r->row));
    else if (c == KEN_UNLABELLED) text_field(out, r, "category", NULL);
}

static void answers_field(ken_buf *out, record *r)
{
    ken_buf list = {0};
    const ken_selected *row = r->row;
    put_list(&list, row->n_answers > 0 ? row->answers : &row->target, row->n_answers > 0 ? row->n_answers : 1);
    begin_field(out, r, "answers");
    if (r->csv) ken_csv_field(out, ken_buf_str(&list), false);
    else ken_buf_add(out, ken_buf_str(&list), list.len);
    out->failed |= list.failed;
    ken_buf_free(&list);
}

static const char *or_null(const char *s) { return s != NULL && s[0] != '\0' ? s : NULL; }

/* Only in sets that have a tail, so that all others keep their bytes. */
static void tail_field(ken_buf *out, record *r)
{
    if (!r->style->tail) return;
    begin_field(out, r, "known_tail");
    ken_buf_puts(out, r->row->tail ? "true" : "false");
}

/* What ken knows of the row, after the keys of a format (docs/exports.md#columns): all of it in our own formats, else the most telling. */
static void extra_fields(ken_buf *out, record *r, bool all)
{
    const ken_selected *row = r->row;
    if (r->style->strict) return;
    text_field(out, r, "id", or_null(r->id));
    text_field(out, r, "relation", or_null(row->relation));
    if (all) {
        text_field(out, r, "subject", or_null(row->subject));
        text_field(out, r, "split", or_null(row->split));
        real_field(out, r, "popularity", row->popularity, false);
    }
    category_field(out, r);
    real_field(out, r, "p_t0", row->p_t0, false);
    real_field(out, r, "p_t", row->p_t, false);
    if (all) real_field(out, r, "p_unknown", row->p_unknown, false);
    real_field(out, r, "weight", row->weight, true);
    tail_field(out, r);
}

/* ---- formats -------------------------------------------------------------------------------------------------------- */

/* The end of a template that alpaca's `input` stands for: a trainer joins instruction and input by a newline. */
static const char last_line[] = "\n{question}\n";

static bool splits(const char *template_text)
{
    size_t n = strlen(template_text), m = sizeof last_line - 1;
    return n > m && strcmp(template_text + n - m, last_line) == 0;
}

int ken_export_check_style(const ken_export_style *s, ken_err *err)
{
    const char *t = s->prompt.template_text;
    size_t n = strlen(t);
    if (s->format != KEN_TO_ALPACA || (n > 1 && t[n - 1] == '\n')) return KEN_OK;
    return ken_fail(
        err, KEN_EUSAGE,
        "alpaca rows are lines, but the template \"%.80s\" does not end in a newline; end it with \\n, or write "
        "trl, messages, sharegpt or axolotl",
        t);
}

static void render(const ken_export_style *s, const ken_selected *row, ken_buf *out)
{
    ken_example x = {
        .question = row->question, .relation = row->relation != NULL ? row->relation : "", .subject = row->subject};
    ken_zero_shot_text(&s->prompt, &x, out);
}

/* instruction, input: the template's lines before the question, and the question; another template has no input. */
static void put_instruction(ken_buf *out, record *r, const ken_buf *prompt)
{
    ken_buf text = {0};
    size_t n = prompt->len - 1,
           question = strlen(r->row->question); /* without the last newline, which the reader adds */
    bool two = splits(r->style->prompt.template_text) && n > question + 1;
    ken_buf_add(&text, ken_buf_str(prompt), two ? n - question - 1 : n);
    text_field(out, r, "instruction", ken_buf_str(&text));
    text_field(out, r, "input", two ? r->row->question : "");
    text_field(out, r, "output", r->row->target);
    out->failed |= text.failed;
    ken_buf_free(&text);
}

/* Two parts of one text, of which one is a begin or end token that the reader does not add; NULL: it does. */
static void put_spelled(ken_buf *out, const char *a, const char *b)
{
    ken_buf text = {0};
    if (a != NULL) ken_buf_puts(&text, a);
    if (b != NULL) ken_buf_puts(&text, b);
    put_text(out, ken_buf_str(&text));
    out->failed |= text.failed;
    ken_buf_free(&text);
}

/* Prompt and target as a list of two objects; what each has before its text is given. */
static void put_pair(ken_buf *out, record *r, const char *list, const char *user, const char *assistant,
                     const char *prompt)
{
    begin_field(out, r, list);
    ken_buf_printf(out, "[{%s:", user);
    put_spelled(out, r->style->bos, prompt);
    ken_buf_printf(out, "},{%s:", assistant);
    put_spelled(out, r->row->target, r->style->eos);
    ken_buf_puts(out, "}]");
}

static void put_whole(ken_buf *out, record *r, ken_buf *prompt)
{
    ken_buf_puts(prompt, r->row->target);
    text_field(out, r, "text", ken_buf_str(prompt));
}

static void put_row(ken_buf *out, record *r, ken_buf *prompt)
{
    const char *p = ken_buf_str(prompt);
    switch (r->style->format) {
    case KEN_TO_TRL:
        text_field(out, r, "prompt", p);
        text_field(out, r, "completion", r->row->target);
        break;
    case KEN_TO_MESSAGES:
        put_pair(out, r, "messages", "\"role\":\"user\",\"content\"", "\"role\":\"assistant\",\"content\"", p);
        break;
    case KEN_TO_SHAREGPT:
        put_pair(out, r, "conversations", "\"from\":\"human\",\"value\"", "\"from\":\"gpt\",\"value\"", p);
        break;
    case KEN_TO_ALPACA: put_instruction(out, r, prompt); break;
    case KEN_TO_AXOLOTL: put_pair(out, r, "segments", "\"label\":false,\"text\"", "\"label\":true,\"text\"", p); break;
    case KEN_TO_TEXT:
    case KEN_TO_MLX: put_whole(out, r, prompt); break;
    default:
        text_field(out, r, "question", r->row->question);
        answers_field(out, r);
        text_field(out, r, "target", r->row->target);
    }
    extra_fields(out, r, r->style->format == KEN_TO_CSV || r->style->format == KEN_TO_JSONL);
}

static int check_row(const ken_selected *row, const char *id, ken_err *err)
{
    char shown[80];
    bool question = row->question != NULL && row->question[0] != '\0';
    if (question && row->target != NULL && row->target[0] != '\0') return KEN_OK;
    return ken_fail(err, KEN_EINPUT, "row \"%s\" has no %s; rows with a question and an answer can be written",
                    id != NULL ? ken_printable(shown, sizeof shown, id, strlen(id)) : "",
                    question ? "target" : "question");
}

int ken_export_row(ken_buf *out, const ken_export_style *s, const ken_selected *row, const char *id, ken_err *err)
{
    record r = {.style = s, .row = row, .id = id, .csv = s->format == KEN_TO_CSV};
    ken_buf prompt = {0};
    size_t before = out->len;
    int rc = check_row(row, id, err);
    if (rc != KEN_OK) return rc;
    render(s, row, &prompt);
    if (!r.csv) ken_buf_putc(out, '{');
    if (!prompt.failed) put_row(out, &r, &prompt);
    if (!r.csv) ken_buf_putc(out, '}');
    if (prompt.failed || out->failed) rc = ken_fail_nomem(err, "a row");
    else if (out->len - before > KEN_MAX_ROW)
        rc = ken_fail(err, KEN_EINPUT, "row \"%.60s\" takes %zu bytes; %d can be read back", id != NULL ? id : "",
                      out->len - before, KEN_MAX_ROW);
    ken_buf_free(&prompt);
    return rc;
}

void ken_export_header(ken_buf *out, const ken_export_style *s)
{
    ken_buf_puts(out, "question,answers,target");
    if (!s->strict) ken_buf_puts(out, ",id,relation,subject,split,popularity,category,p_t0,p_t,p_unknown,weight");
    if (!s->strict && s->tail) ken_buf_puts(out, ",known_tail");
}
