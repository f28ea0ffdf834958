/* run.c - reading a run: the public ken_run_* of ken.h.
 *
 * Memory stays flat: of a row only its place is kept (8 bytes); ken_run_row fetches the rest, and the next call drops it. Rows
 * are never changed or removed by a writer, only added, so no transaction is held between calls, a writer is never kept
 * waiting, and what was there at ken_run_open stays valid; rows added later are not seen.
 *
 * The hard thing is that the file may come from anybody. schema.c has made sure that the tables are ours; here every value is
 * checked for its type, its range and its size before it is believed. */
#include "store/run.h"
#include "base/alloc.h"
#include "store/store.h"
#include "text/unicode.h"
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { Q_ROW, Q_FIND, Q_ANSWERS, Q_PROMPTS, Q_OTHERS, Q_DRAWN, Q_EXEMPLARS, N_QUERIES };

static const char *const queries[N_QUERIES] = {
    [Q_ROW] = ("SELECT id, relation, split, question, subject, popularity, category, category_mode, p_t0, p_t, p_t_lo, "
               "p_t_hi,"
               " greedy_hits, prompts, sample_hits, samples, p_unknown, p_unknown_lo, p_unknown_hi, p_flip, min_margin,"
               " abstain_hits, p_guess, lift, score, flags, method FROM knowledge JOIN examples USING(place) WHERE "
               "place = ?"),
    [Q_FIND] = "SELECT place FROM examples WHERE id = ?",
    [Q_ANSWERS] = "SELECT text FROM answers WHERE place = ? ORDER BY n",
    [Q_PROMPTS] =
        ("SELECT greedy_hit, greedy_hit_raw, text, finish, text_p, margin, top_gap, p_lo, p_hi, raw_lo, raw_hi, hits,"
         " samples, prompt FROM prompts WHERE place = ? ORDER BY prompt"),
    [Q_DRAWN] = "SELECT prompt, text, count, hit FROM drawn WHERE place = ? ORDER BY prompt, n",
    [Q_EXEMPLARS] = "SELECT text FROM exemplar_sets WHERE relation = ? AND set_no = ?",
    [Q_OTHERS] = "SELECT prompt, text, p FROM others WHERE place = ? ORDER BY prompt, n",
};
_Static_assert(N_QUERIES <= (int)(sizeof((struct ken_run *)0)->query / sizeof(sqlite3_stmt *)),
               "room for the statements");

enum { BUSY_MS = 10000 }; /* how long to wait for a commit of the writer */

int ken_run_damaged(const ken_run *r, int64_t place, const char *what, ken_err *err)
{
    return ken_fail(err, KEN_EINPUT, "%s: the run is damaged: %s of the row at place %" PRId64 " is not valid", r->path,
                    what, place);
}

/* ---- the memory of one row ----------------------------------------------------------------------------------------- */

struct arena {
    struct arena *next;
    size_t used, cap;
    max_align_t data[];
};

static void clear_row(ken_run *r)
{
    while (r->memory != NULL) {
        struct arena *a = r->memory;
        r->memory = a->next;
        ken_free(a);
    }
    r->row_bytes = 0;
    memset(&r->row, 0, sizeof r->row);
}

/* NULL when out of memory or past KEN_STORE_MAX_ROW. */
static void *row_alloc(ken_run *r, size_t bytes)
{
    const size_t align = sizeof(max_align_t);
    bytes = (bytes + align - 1) / align * align;
    if (bytes > KEN_STORE_MAX_ROW || r->row_bytes + bytes > KEN_STORE_MAX_ROW) return NULL;
    struct arena *a = r->memory;
    if (a == NULL || a->cap - a->used < bytes) {
        size_t cap = bytes > 16384 ? bytes : 16384;
        a = ken_alloc(sizeof *a + cap, 1);
        if (a == NULL) return NULL;
        *a = (struct arena){.next = r->memory, .used = 0, .cap = cap};
        r->memory = a;
    }
    void *p = (char *)a->data + a->used;
    a->used += bytes;
    r->row_bytes += bytes;
    return p;
}

/* ---- one value ----------------------------------------------------------------------------------------------------- */

/* Reads the columns of a row from left to right. `bad` names the first value that is not as it should be; nomem says that it was
 * only memory that was missing. */
typedef struct cursor {
    ken_run *r;
    sqlite3_stmt *q;
    int at;
    const char *bad;
    bool nomem;
} cursor;

static void spoil(cursor *c, const char *what)
{
    if (c->bad == NULL) c->bad = what;
}

/* A copy that lives as long as the row. NULL for SQL NULL when that is allowed. Bad UTF-8 and NUL bytes never come from our
 * writer. */
static const char *get_text(cursor *c, const char *what, bool may_be_null)
{
    int i = c->at++, type = sqlite3_column_type(c->q, i);
    if (type == SQLITE_NULL && may_be_null) return NULL;
    const char *s = type == SQLITE_TEXT ? (const char *)sqlite3_column_text(c->q, i) : NULL;
    if (s == NULL) {
        c->nomem |= type == SQLITE_TEXT;
        spoil(c, what);
        return "";
    }
    size_t n = (size_t)sqlite3_column_bytes(c->q, i);
    int32_t cp = 1;
    for (size_t at = 0; at < n;) {
        int k = ken_utf8_decode(s + at, n - at, &cp);
        if (k <= 0 || cp == 0) {
            spoil(c, what);
            return "";
        }
        at += (size_t)k;
    }
    char *copy = row_alloc(c->r, n + 1);
    if (copy == NULL) {
        c->nomem |= c->r->row_bytes + n + 1 <= KEN_STORE_MAX_ROW;
        spoil(c, what);
        return "";
    }
    memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

/* NULL is NaN. */
static double get_real(cursor *c, const char *what)
{
    int i = c->at++;
    switch (sqlite3_column_type(c->q, i)) {
    case SQLITE_NULL: return NAN;
    case SQLITE_FLOAT:
    case SQLITE_INTEGER: return sqlite3_column_double(c->q, i);
    default: spoil(c, what); return NAN;
    }
}

/* A probability, or NaN. Sums of products may pass 1 by rounding. */
static double get_p(cursor *c, const char *what)
{
    double p = get_real(c, what);
    if (p < -KEN_STORE_P_SLACK || p > 1 + KEN_STORE_P_SLACK) spoil(c, what);
    return p;
}

static int64_t get_int(cursor *c, const char *what, int64_t lo, int64_t hi)
{
    int i = c->at++;
    int64_t v = sqlite3_column_type(c->q, i) == SQLITE_INTEGER ? sqlite3_column_int64(c->q, i) : lo - 1;
    if (v >= lo && v <= hi) return v;
    spoil(c, what);
    return lo;
}

static int get_category(cursor *c, const char *what)
{
    int i = c->at++, type = sqlite3_column_type(c->q, i);
    int category = type == SQLITE_NULL || type == SQLITE_TEXT
                       ? ken_schema_category_of((const char *)sqlite3_column_text(c->q, i))
                       : -1;
    if (category >= 0) return category;
    spoil(c, what);
    return KEN_UNLABELLED;
}

static cursor ask(ken_run *r, int query, int64_t place)
{
    cursor c = {.r = r, .q = r->query[query]};
    sqlite3_reset(c.q);
    if (sqlite3_bind_int64(c.q, 1, place) != SQLITE_OK) {
        c.nomem = true;
        spoil(&c, "place");
    }
    return c;
}

/* Steps to the next row of the answer: 1 there is one, 0 there is none, or -1 with err filled. Checks what the last row left. */
static int next(cursor *c, int64_t place, ken_err *err)
{
    if (c->nomem) {
        ken_fail_nomem(err, c->r->path);
        return -1;
    }
    if (c->bad != NULL) {
        ken_run_damaged(c->r, place, c->bad, err);
        return -1;
    }
    c->at = 0;
    int rc = sqlite3_step(c->q);
    if (rc == SQLITE_ROW) return 1;
    if (rc == SQLITE_DONE) return 0;
    ken_schema_fail(c->r->db, rc, c->r->path, err);
    return -1;
}

/* ---- one row ------------------------------------------------------------------------------------------------------- */

static bool read_knowledge(ken_run *r, int64_t place, ken_err *err)
{
    cursor c = ask(r, Q_ROW, place);
    int there = next(&c, place, err);
    if (there < 0) return false;
    if (there == 0) {
        ken_run_damaged(r, place, "example", err);
        return false;
    }
    ken_row *w = &r->row;
    w->id = get_text(&c, "id", false);
    w->relation = get_text(&c, "relation", false);
    w->split = get_text(&c, "split", false);
    w->question = get_text(&c, "question", false);
    w->subject = get_text(&c, "subject", true);
    w->popularity = get_real(&c, "popularity");
    w->category = get_category(&c, "category");
    w->category_mode = get_category(&c, "category_mode");
    w->p_t0 = get_p(&c, "p_t0");
    w->p_t = get_p(&c, "p_t");
    w->p_t_lo = get_p(&c, "p_t_lo");
    w->p_t_hi = get_p(&c, "p_t_hi");
    w->greedy_hits = (int)get_int(&c, "greedy_hits", 0, INT32_MAX);
    w->prompts = (int)get_int(&c, "prompts", 0, INT32_MAX);
    w->sample_hits = (int)get_int(&c, "sample_hits", 0, INT32_MAX);
    w->samples = (int)get_int(&c, "samples", 0, INT32_MAX);
    w->p_unknown = get_p(&c, "p_unknown");
    w->p_unknown_lo = get_p(&c, "p_unknown_lo");
    w->p_unknown_hi = get_p(&c, "p_unknown_hi");
    w->p_flip = get_p(&c, "p_flip");
    w->min_margin = get_real(&c, "min_margin");
    w->abstain_hits = (int)get_int(&c, "abstain_hits", 0, INT32_MAX);
    w->p_guess = get_p(&c, "p_guess");
    w->lift = get_real(&c, "lift");
    w->score = get_real(&c, "score");
    w->flags = (uint32_t)get_int(&c, "flags", 0, UINT32_MAX);
    w->method = get_text(&c, "method", false);
    there = next(&c, place, err);
    if (there > 0) ken_run_damaged(r, place, "number", err); /* a primary key twice: a broken tree */
    return there == 0;
}

/* Adds one element to an array in the row's memory; its capacity is the next power of two, never stored. NULL as row_alloc. */
static void *row_push(ken_run *r, const void *array, int n, size_t size)
{
    if (n != 0 && (n & (n - 1)) != 0) return (void *)(uintptr_t)array; /* not at a power of two: there is room */
    void *grown = row_alloc(r, (n == 0 ? 1 : 2 * (size_t)n) * size);
    if (grown != NULL && n > 0) memcpy(grown, array, (size_t)n * size);
    return grown;
}

static bool read_answers(ken_run *r, int64_t place, ken_err *err)
{
    cursor c = ask(r, Q_ANSWERS, place);
    const char **answers = NULL;
    int n = 0, there;
    while ((there = next(&c, place, err)) > 0) {
        const char *text = get_text(&c, "answer", false);
        answers = row_push(r, answers, n, sizeof *answers);
        if (answers == NULL || n == KEN_STORE_MAX_ANSWERS) {
            c.nomem = answers == NULL;
            spoil(&c, "number of answers");
            continue; /* next() reports it */
        }
        answers[n++] = text;
        r->row.answers = answers;
        r->row.n_answers = n;
    }
    return there == 0;
}

static bool read_others(ken_run *r, int64_t place, ken_prompt_row *rows, int n, ken_err *err)
{
    cursor c = ask(r, Q_OTHERS, place);
    int there;
    while ((there = next(&c, place, err)) > 0) {
        int64_t i = get_int(&c, "prompt of another answer", 0, n - 1);
        if (c.bad != NULL) continue;
        ken_prompt_row *p = &rows[i];
        if ((size_t)p->n_other == sizeof p->other / sizeof p->other[0]) {
            spoil(&c, "number of other answers");
            continue;
        }
        p->other[p->n_other].text = get_text(&c, "another answer", false);
        p->other[p->n_other++].p = get_p(&c, "probability of another answer");
    }
    return there == 0;
}

static bool read_drawn(ken_run *r, int64_t place, ken_prompt_row *rows, int n, ken_err *err)
{
    cursor c = ask(r, Q_DRAWN, place);
    int there;
    while ((there = next(&c, place, err)) > 0) {
        int64_t i = get_int(&c, "prompt of a sampled text", 0, n - 1);
        if (c.bad != NULL) continue;
        ken_prompt_row *p = &rows[i];
        ken_drawn d = {.text = get_text(&c, "sampled text", false),
                       .count = (int)get_int(&c, "count of a sampled text", 0, INT32_MAX),
                       .hit = get_int(&c, "verdict of a sampled text", 0, 1) != 0};
        ken_drawn *all = row_push(r, p->drawn, p->n_drawn, sizeof *all);
        if (all == NULL || p->n_drawn == KEN_STORE_MAX_DRAWN) {
            c.nomem = all == NULL;
            spoil(&c, "number of sampled texts");
            continue;
        }
        all[p->n_drawn++] = d;
        p->drawn = all;
    }
    return there == 0;
}

static bool read_prompts(ken_run *r, int64_t place, ken_err *err)
{
    cursor c = ask(r, Q_PROMPTS, place);
    ken_prompt_row *rows = NULL;
    int n = 0, there;
    while ((there = next(&c, place, err)) > 0) {
        rows = row_push(r, rows, n, sizeof *rows);
        if (rows == NULL || n == KEN_STORE_MAX_PROMPTS) {
            c.nomem = rows == NULL;
            spoil(&c, "number of prompts");
            continue;
        }
        ken_prompt_row *p = &rows[n];
        memset(p, 0, sizeof *p);
        p->greedy_hit = get_int(&c, "greedy_hit", 0, 1) != 0;
        p->greedy_hit_raw = get_int(&c, "greedy_hit_raw", 0, 1) != 0;
        p->text = get_text(&c, "text", true);
        p->finish = get_text(&c, "finish", false);
        p->text_p = get_p(&c, "text_p");
        p->margin = get_real(&c, "margin");
        p->top_gap = get_real(&c, "top_gap");
        p->p_lo = get_p(&c, "p_lo");
        p->p_hi = get_p(&c, "p_hi");
        p->raw_lo = get_p(&c, "raw_lo");
        p->raw_hi = get_p(&c, "raw_hi");
        p->hits = (int)get_int(&c, "hits", 0, INT32_MAX);
        p->samples = (int)get_int(&c, "samples", 0, INT32_MAX);
        get_int(&c, "number of a prompt", n, n); /* 0, 1, 2, ... without a hole */
        n++;
    }
    r->row.prompt_rows = rows;
    r->row.n_prompt_rows = n;
    return there == 0 && read_others(r, place, rows, n, err) && read_drawn(r, place, rows, n, err);
}

static const ken_row *read_row(ken_run *r, int64_t place, ken_err *err)
{
    clear_row(r);
    /* One transaction, so that the tables are seen at one moment. */
    int rc = sqlite3_exec(r->db, "BEGIN", NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        ken_schema_fail(r->db, rc, r->path, err);
        return NULL;
    }
    bool good = read_knowledge(r, place, err) && read_answers(r, place, err) && read_prompts(r, place, err);
    for (int i = 0; i < N_QUERIES; i++) sqlite3_reset(r->query[i]);
    if (!sqlite3_get_autocommit(r->db)) sqlite3_exec(r->db, "ROLLBACK", NULL, NULL, NULL);
    return good ? &r->row : NULL;
}

const ken_row *ken_run_row(ken_run *r, size_t i, ken_err *err)
{
    if (i < r->n) return read_row(r, r->places[i], err);
    ken_fail(err, KEN_EUSAGE, "%s: there is no row %zu, the run has %zu", r->path, i, r->n);
    return NULL;
}

static int compare_places(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

const ken_row *ken_run_find(ken_run *r, const char *id, ken_err *err)
{
    sqlite3_stmt *q = r->query[Q_FIND];
    int rc = sqlite3_bind_text(q, 1, id, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK) rc = sqlite3_step(q);
    int64_t place = rc == SQLITE_ROW ? sqlite3_column_int64(q, 0) : -1;
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) ken_schema_fail(r->db, rc, r->path, err);
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) return NULL;
    if (rc == SQLITE_DONE || (r->n == 0 || bsearch(&place, r->places, r->n, sizeof place, compare_places) == NULL)) {
        ken_fail(err, KEN_EINPUT, "%s: no row has the id \"%.200s\"; `ken show --rows` lists them", r->path, id);
        return NULL;
    }
    return read_row(r, place, err);
}

int ken_run_exemplars(ken_run *r, const char *relation, int set, char **text, ken_err *err)
{
    *text = NULL;
    sqlite3_stmt *q = r->query[Q_EXEMPLARS];
    int rc = sqlite3_bind_text(q, 1, relation, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK) rc = sqlite3_bind_int(q, 2, set);
    if (rc == SQLITE_OK) rc = sqlite3_step(q);
    int status = rc == SQLITE_ROW || rc == SQLITE_DONE ? KEN_OK : ken_schema_fail(r->db, rc, r->path, err);
    if (rc == SQLITE_ROW) {
        cursor c = {.r = r, .q = q};
        clear_row(r);
        const char *found = get_text(&c, "exemplars", false);
        if (c.nomem || (c.bad == NULL && (*text = ken_strdup(found)) == NULL)) status = ken_fail_nomem(err, r->path);
        else if (c.bad != NULL)
            status = ken_fail(err, KEN_EINPUT, "%s: the run is damaged: exemplar set %d of \"%s\" is no text", r->path,
                              set, relation);
        clear_row(r);
    } else if (status == KEN_OK) {
        status =
            ken_fail(err, KEN_EINPUT, "%s: the run has no exemplar set %d of relation \"%s\"", r->path, set, relation);
    }
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
    return status;
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

static int add_setting(ken_run *r, const char *key, const char *value, ken_err *err)
{
    if (r->n_settings == KEN_STORE_MAX_SETTINGS)
        return ken_fail(err, KEN_EINPUT, "%s: the run is damaged: more than %d settings", r->path,
                        KEN_STORE_MAX_SETTINGS);
    if (ken_grow((void **)&r->settings, &r->cap_settings, r->n_settings + 1, sizeof *r->settings) != 0)
        return ken_fail_nomem(err, r->path);
    char *k = ken_strdup(key), *v = ken_strdup(value);
    if (k == NULL || v == NULL) {
        ken_free(k);
        ken_free(v);
        return ken_fail_nomem(err, r->path);
    }
    r->settings[r->n_settings].key = k;
    r->settings[r->n_settings++].value = v;
    return KEN_OK;
}

static int load_settings(ken_run *r, ken_err *err)
{
    sqlite3_stmt *q = NULL;
    int rc,
        status = ken_schema_prepare(r->db, r->path,
                                    "SELECT key, value FROM settings UNION ALL"
                                    " SELECT 'token_forwards', printf('%d', total(token_forwards)) FROM costs UNION ALL"
                                    " SELECT 'seconds', printf('%.3f', total(seconds)) FROM costs",
                                    &q, err);
    while (status == KEN_OK && (rc = sqlite3_step(q)) != SQLITE_DONE) {
        if (rc != SQLITE_ROW) {
            status = ken_schema_fail(r->db, rc, r->path, err);
            break;
        }
        cursor c = {.r = r, .q = q};
        const char *key = get_text(&c, "key", false), *value = get_text(&c, "value", false);
        if (c.nomem) status = ken_fail_nomem(err, r->path);
        else if (c.bad != NULL)
            status = ken_fail(err, KEN_EINPUT, "%s: the run is damaged: a setting is no text", r->path);
        else status = add_setting(r, key, value, err);
        clear_row(r);
    }
    sqlite3_finalize(q);
    return status;
}

static int open_run(ken_run *r, ken_err *err)
{
    struct stat st;
    if (stat(r->path, &st) != 0)
        return ken_fail(err, errno == ENOENT || errno == ENOTDIR ? KEN_EINPUT : KEN_EFAIL,
                        "%s: cannot open the run: %s", r->path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return ken_fail(err, KEN_EINPUT, "%s: is %s, not a run", r->path,
                        S_ISDIR(st.st_mode) ? "a folder" : "not a regular file");
    bool empty;
    int status = ken_schema_connect(&r->db, r->path, BUSY_MS, err);
    if (status == KEN_OK) status = ken_schema_exec(r->db, r->path, "PRAGMA query_only=ON; BEGIN", err);
    if (status == KEN_OK) status = ken_schema_check(r->db, r->path, &empty, err);
    if (status == KEN_OK && empty)
        return ken_fail(err, KEN_EINPUT, "%s: the file is empty: `ken annotate` has not begun to write it", r->path);
    if (status == KEN_OK) status = load_settings(r, err);
    if (status == KEN_OK) status = ken_run_scan(r, err);
    if (status == KEN_OK) status = ken_schema_exec(r->db, r->path, "COMMIT", err);
    for (int i = 0; status == KEN_OK && i < N_QUERIES; i++)
        status = ken_schema_prepare(r->db, r->path, queries[i], &r->query[i], err);
    return status;
}

int ken_run_open(ken_run **out, const char *path, ken_err *err)
{
    *out = NULL;
    if (path == NULL || path[0] == '\0') return ken_fail(err, KEN_EUSAGE, "the name of the run is empty");
    ken_run *r = ken_calloc(1, sizeof *r);
    if (r == NULL) return ken_fail_nomem(err, path);
    r->path = ken_strdup(path);
    int status = r->path == NULL ? ken_fail_nomem(err, path) : open_run(r, err);
    if (status == KEN_OK) *out = r;
    else ken_run_free(r);
    return status;
}

void ken_run_free(ken_run *r)
{
    if (r == NULL) return;
    clear_row(r);
    for (int i = 0; i < N_QUERIES; i++) sqlite3_finalize(r->query[i]);
    sqlite3_close(r->db);
    for (size_t i = 0; i < r->n_settings; i++) {
        ken_free(r->settings[i].key);
        ken_free(r->settings[i].value);
    }
    for (size_t i = 0; i < r->n_relations; i++) ken_free((char *)(uintptr_t)r->relations[i].relation);
    ken_free(r->settings);
    ken_free(r->relations);
    ken_free(r->places);
    ken_free(r->path);
    ken_free(r);
}

/* ---- what is there ------------------------------------------------------------------------------------------------- */

size_t ken_run_count(const ken_run *r) { return r->n; }
size_t ken_run_n_relations(const ken_run *r) { return r->n_relations; }
const ken_counts *ken_run_relation(const ken_run *r, size_t i) { return i < r->n_relations ? &r->relations[i] : NULL; }
const ken_counts *ken_run_total(const ken_run *r) { return &r->total; }

const char *ken_run_setting(const ken_run *r, const char *key)
{
    for (size_t i = 0; i < r->n_settings; i++)
        if (strcmp(r->settings[i].key, key) == 0) return r->settings[i].value;
    return NULL;
}

bool ken_run_complete(const ken_run *r)
{
    const char *asked = ken_run_setting(r, KEN_SETTING_ROWS);
    if (asked == NULL) return false;
    char *end;
    errno = 0;
    unsigned long long n = strtoull(asked, &end, 10);
    return errno == 0 && end != asked && *end == '\0' && r->n >= n;
}
