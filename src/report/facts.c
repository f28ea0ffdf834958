/* facts.c - see facts.h. Each run has columns of one value a row (category, P_Correct, ...), of one a prompt (its greedy answer, its
 * probability, ...) and of one a rank and prompt (the likeliest first tokens). Texts that come again, as answers do, stand once in a
 * dictionary; the ten prompts of a row mostly say the same few things, so a row lists these and a prompt has a number among them.
 *
 * The hard thing is room: ten prompts with five alternatives each are a hundred numbers a row. Numbers have as many bits as are
 * shown, and each rank of alternatives is columns of its own, so that a large page can leave the last ranks out. */
#include "report/facts.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "base/hash.h"
#include "know/verdict.h"
#include "report/columns.h"
#include "report/html.h"
#include "store/row_fields.h"
#include "text/normalize.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    RANKS = 5,      /* of other first tokens that a run holds */
    MOST_SAID = 60, /* distinct greedy answers, or first tokens, of a row that are numbered */
    MOST_PROMPTS = 255,
    MOST_ANSWERS = 12,
    SAID_LENGTH = 120,
    QUESTION_LENGTH = 600,
    ANSWER_LENGTH = 120,
    NOT_SAID = 255
};

/* Behind the categories and "not annotated": the verdicts of multiple choice. */
enum { RIGHT = KEN_N_CATEGORIES + 1, WRONG };

/* Levels of columns: always; the numbers of a prompt; the likeliest first token, the second, ... */
enum { LEVEL_ROWS, LEVEL_PROMPTS, LEVEL_RANK };

typedef struct run_columns {
    int fact, category, mode, p, lo, hi, greedy, prompts, hits, samples, unknown, flip, margin, flags, score, guess;
    int n_said, said, said_hit;                               /* a row's distinct greedy answers */
    int n_rows, says, finish, text_p, p_lo, p_wide, p_margin; /* by prompt */
    int n_new[RANKS], fresh[RANKS];                           /* a row's first tokens that no lower rank has */
    int other[RANKS], other_p[RANKS];                         /* by prompt */
} run_columns;

typedef struct facts_run {
    char name[256];
    run_columns c;
    size_t rows;
    bool texts, scores, annotated, guesses, labels,
        choice; /* labels: rows with a category; choice: rows with a verdict */
} facts_run;

/* Names that the script has in a list: relations, splits. */
typedef struct name_list {
    ken_strmap *map;
    const char **name; /* (n) in order of their numbers */
    size_t n, cap;
} name_list;

typedef struct facts_diff {
    size_t a, b;
    uint64_t lost, gained;
    bool near;
} facts_diff;

struct ken_facts {
    ken_columns c;
    ken_arena names;
    ken_strmap *facts, *strings;
    name_list relations, splits;
    int id, question, relation, split, popularity, popularity_upper, n_answers, answer,
        text; /* columns of facts, and the dictionary */
    ken_buf key;
    facts_run *run;
    size_t n_run, cap_run;
    facts_diff *diff;
    size_t n_diff, cap_diff;
    size_t n;
    uint32_t flagged;
    bool popular;
    int level;
    char left_out[200];
};

int ken_facts_new(ken_facts **out, ken_err *err)
{
    ken_facts *f = *out = ken_calloc(1, sizeof *f);
    if (f == NULL) return ken_fail_nomem(err, "rows of the report");
    f->facts = ken_strmap_new(1024);
    f->strings = ken_strmap_new(1024);
    f->relations.map = ken_strmap_new(16);
    f->splits.map = ken_strmap_new(4);
    if (f->facts == NULL || f->strings == NULL || f->relations.map == NULL || f->splits.map == NULL)
        return ken_fail_nomem(err, "rows of the report");
    f->id = ken_columns_new(&f->c, "id", 1, LEVEL_ROWS);
    f->question = ken_columns_new(&f->c, "question", 1, LEVEL_ROWS);
    f->relation = ken_columns_new(&f->c, "relation", 2, LEVEL_ROWS);
    f->split = ken_columns_new(&f->c, "split", 1, LEVEL_ROWS);
    f->popularity = ken_columns_new(&f->c, "popularity", 4, LEVEL_ROWS);
    f->popularity_upper = ken_columns_new(&f->c, "popularity.upper", 4, LEVEL_ROWS);
    f->n_answers = ken_columns_new(&f->c, "answers", 1, LEVEL_ROWS);
    f->answer = ken_columns_new(&f->c, "answer", 3, LEVEL_ROWS);
    f->text = ken_columns_new(&f->c, "text", 1, LEVEL_ROWS);
    return KEN_OK;
}

void ken_facts_free(ken_facts *f)
{
    if (f == NULL) return;
    ken_columns_free(&f->c);
    ken_strmap_free(f->facts);
    ken_strmap_free(f->strings);
    ken_strmap_free(f->relations.map);
    ken_strmap_free(f->splits.map);
    ken_free(f->relations.name);
    ken_free(f->splits.name);
    ken_arena_free(&f->names);
    ken_buf_free(&f->key);
    ken_free(f->run);
    ken_free(f->diff);
    ken_free(f);
}

/* ---- names and texts that come again --------------------------------------------------------------------------------- */

/* The number of a string, a new one being the count before; -1 = out of memory. *own: the copy that is kept, when it is new. */
static int32_t number_of(ken_facts *f, ken_strmap *map, const char *s, size_t n, const char **own)
{
    int32_t at = ken_strmap_get(map, s, n, -1);
    *own = NULL;
    if (at >= 0) return at;
    at = (int32_t)ken_strmap_count(map);
    *own = ken_arena_strndup(&f->names, s, n);
    if (*own != NULL && ken_strmap_add(map, *own, n, at) > 0) return at;
    f->c.failed = true;
    *own = NULL;
    return -1;
}

static uint32_t text_number(ken_facts *f, const char *s, size_t n)
{
    const char *own;
    int32_t at = number_of(f, f->strings, s, n, &own);
    if (own != NULL) ken_columns_text(&f->c, f->text, s, n, SAID_LENGTH);
    return at < 0 ? 0 : (uint32_t)at;
}

static uint32_t name_number(ken_facts *f, name_list *l, const char *s)
{
    const char *own;
    int32_t at = number_of(f, l->map, s, strlen(s), &own);
    if (own == NULL) return at < 0 ? 0 : (uint32_t)at;
    if (ken_grow((void **)&l->name, &l->cap, l->n + 1, sizeof *l->name) != 0) f->c.failed = true;
    else l->name[l->n++] = own;
    return (uint32_t)at;
}

static void make_key(ken_facts *f, const char *id, const char *question)
{
    ken_buf_clear(&f->key);
    ken_buf_puts(&f->key, id);
    ken_buf_putc(&f->key, '\0');
    ken_buf_puts(&f->key, question);
    if (f->key.failed) f->c.failed = true;
}

/* Number of a fact, which is added when it is new. */
static uint32_t fact_number(ken_facts *f, const ken_row *row)
{
    const char *own;
    make_key(f, row->id, row->question);
    if (f->c.failed) return 0;
    int32_t at = number_of(f, f->facts, f->key.data, f->key.len, &own);
    if (own == NULL) return at < 0 ? 0 : (uint32_t)at;
    int n = row->n_answers < MOST_ANSWERS ? row->n_answers : MOST_ANSWERS;
    ken_columns_text(&f->c, f->id, row->id, strlen(row->id), 200);
    ken_columns_text(&f->c, f->question, row->question, strlen(row->question), QUESTION_LENGTH);
    ken_columns_add(&f->c, f->relation, name_number(f, &f->relations, row->relation));
    ken_columns_add(&f->c, f->split, name_number(f, &f->splits, row->split));
    ken_columns_add(&f->c, f->popularity, ken_code_exact(row->popularity, false));
    ken_columns_add(&f->c, f->popularity_upper, ken_code_exact(row->popularity, true));
    ken_columns_add(&f->c, f->n_answers, (uint32_t)n);
    for (int i = 0; i < n; i++) {
        const char *s = row->answers[i];
        ken_columns_add(&f->c, f->answer, text_number(f, s, strlen(s)));
    }
    f->popular |= isfinite(row->popularity);
    f->n++;
    return (uint32_t)at;
}

/* ---- the prompts of a row -------------------------------------------------------------------------------------------- */

typedef struct distinct {
    uint32_t text[MOST_SAID];
    bool hit[MOST_SAID];
    int n;
} distinct;

/* Place of a text in the row's list, which it joins; NOT_SAID when the list is full. */
static int place_of(distinct *d, uint32_t text, bool hit)
{
    for (int i = 0; i < d->n; i++)
        if (d->text[i] == text && d->hit[i] == hit) return i;
    if (d->n == MOST_SAID) return NOT_SAID;
    d->text[d->n] = text;
    d->hit[d->n] = hit;
    return d->n++;
}

static uint32_t finish_number(const char *s)
{
    static const char *const names[] = {"", "eos", "newline", "stop", "length"};
    for (uint32_t i = 0; i < 5; i++)
        if (strcmp(names[i], s) == 0) return i;
    return 0;
}

static void add_said(ken_facts *f, const run_columns *c, const ken_row *row, int n)
{
    distinct said = {.n = 0};
    for (int i = 0; i < n; i++) {
        const ken_prompt_row *x = &row->prompt_rows[i];
        const char *t = x->text;
        int place = x->greedy_hit ? NOT_SAID - 1 : NOT_SAID; /* without its text a verdict is still one */
        if (t != NULL) {
            size_t len = ken_trim(&t, strlen(t));
            int in = place_of(&said, text_number(f, t, len), x->greedy_hit);
            if (in != NOT_SAID) place = in;
        }
        ken_columns_add(&f->c, c->says, (uint32_t)place);
    }
    ken_columns_add(&f->c, c->n_said, (uint32_t)said.n);
    for (int i = 0; i < said.n; i++) {
        ken_columns_add(&f->c, c->said, said.text[i]);
        ken_columns_add(&f->c, c->said_hit, said.hit[i]);
    }
}

static void add_others(ken_facts *f, const run_columns *c, const ken_row *row, int n)
{
    distinct tokens = {.n = 0};
    for (int k = 0; k < RANKS; k++) {
        int before = tokens.n;
        for (int i = 0; i < n; i++) {
            const ken_prompt_row *x = &row->prompt_rows[i];
            int place = NOT_SAID;
            if (k < x->n_other)
                place = place_of(&tokens, text_number(f, x->other[k].text, strlen(x->other[k].text)), false);
            ken_columns_add(&f->c, c->other[k], (uint32_t)place);
            ken_columns_add(&f->c, c->other_p[k], place == NOT_SAID ? 0 : ken_code_p8(x->other[k].p));
        }
        ken_columns_add(&f->c, c->n_new[k], (uint32_t)(tokens.n - before));
        for (int i = before; i < tokens.n; i++) ken_columns_add(&f->c, c->fresh[k], tokens.text[i]);
    }
}

static void add_prompts(ken_facts *f, const run_columns *c, const ken_row *row)
{
    int n = row->n_prompt_rows < MOST_PROMPTS ? row->n_prompt_rows : MOST_PROMPTS;
    ken_columns_add(&f->c, c->n_rows, (uint32_t)n);
    for (int i = 0; i < n; i++) {
        const ken_prompt_row *x = &row->prompt_rows[i];
        /* two digits are shown: an interval that is narrower than these has no width */
        uint32_t lo = ken_code_p(x->p_lo, 6), hi = x->p_hi > 1.02 * x->p_lo ? ken_code_p(x->p_hi, 6) : lo;
        ken_columns_add(&f->c, c->finish, finish_number(x->finish));
        ken_columns_add(&f->c, c->text_p, ken_code_p(x->text_p, 6));
        ken_columns_add(&f->c, c->p_lo, lo);
        ken_columns_add(&f->c, c->p_wide, hi > lo ? hi - lo : 0);
        ken_columns_add(&f->c, c->p_margin, isfinite(x->margin) ? ken_code_p(x->margin / 64.0, 5) : 0xFFFF);
    }
    add_said(f, c, row, n);
    add_others(f, c, row, n);
}

/* ---- rows ------------------------------------------------------------------------------------------------------------ */

static int add_row(ken_facts *f, facts_run *r, const ken_row *row, ken_err *err)
{
    const run_columns *c = &r->c;
    ken_columns *k = &f->c;
    int category = row->category >= 0 && row->category <= KEN_N_CATEGORIES ? row->category : KEN_UNLABELLED;
    ken_columns_add(k, c->fact, fact_number(f, row));
    bool choice = (row->flags & KEN_FLAG_CHOICE) != 0 && isfinite(row->p_t0);
    if (choice) category = ken_choice_right(row->greedy_hits, row->prompts) ? RIGHT : WRONG;
    ken_columns_add(k, c->category, (uint32_t)category);
    ken_columns_add(k, c->mode,
                    (uint32_t)(choice                    ? category
                               : row->category_mode >= 0 ? row->category_mode
                                                         : KEN_UNLABELLED));
    ken_columns_add(k, c->p, ken_code_p(row->p_t, 11));
    ken_columns_add(k, c->lo, ken_code_p(row->p_t_lo, 11));
    ken_columns_add(k, c->hi, ken_code_p(row->p_t_hi, 11));
    ken_columns_add(k, c->greedy, (uint32_t)row->greedy_hits);
    ken_columns_add(k, c->prompts, (uint32_t)row->prompts);
    ken_columns_add(k, c->hits, (uint32_t)row->sample_hits);
    ken_columns_add(k, c->samples, (uint32_t)row->samples);
    ken_columns_add(k, c->unknown, ken_code_p(row->p_unknown, 11));
    ken_columns_add(k, c->flip, ken_code_p(row->p_flip, 8));
    ken_columns_add(k, c->margin, isfinite(row->min_margin) ? ken_code_p(row->min_margin / 64.0, 8) : 0xFFFF);
    ken_columns_add(k, c->flags, row->flags);
    ken_columns_add(k, c->score, ken_code_real(row->score));
    ken_columns_add(k, c->guess, ken_code_p(row->p_guess, 8));
    add_prompts(f, c, row);
    for (int i = 0; i < row->n_prompt_rows; i++) r->texts |= row->prompt_rows[i].text != NULL;
    r->scores |= isfinite(row->score);
    r->guesses |= isfinite(row->p_guess);
    r->labels |= category < KEN_UNLABELLED;
    r->choice |= choice;
    r->rows++;
    f->flagged |= row->flags;
    return k->failed ? ken_fail_nomem(err, "rows of the report") : KEN_OK;
}

typedef struct evaluated_ctx {
    ken_facts *f;
    facts_run *r;
} evaluated_ctx;

/* An evaluated row is a row of one prompt without probabilities. */
static int add_evaluated(void *ctx, const ken_evaluated *e, ken_err *err)
{
    evaluated_ctx *x = ctx;
    const char *answers[] = {e->answer != NULL ? e->answer : ""};
    ken_prompt_row prompt = {.n_other = 0};
    ken_fields_clear(&ken_prompt_fields, &prompt);
    prompt.greedy_hit = e->hit;
    prompt.greedy_hit_raw = e->hit_raw;
    prompt.text = e->text;
    prompt.finish = e->finish;
    ken_row row = {.id = e->id,
                   .relation = e->relation,
                   .split = e->split,
                   .question = e->question != NULL ? e->question : "(not kept)",
                   .answers = answers,
                   .n_answers = e->answer != NULL,
                   .popularity = e->popularity,
                   .n_prompt_rows = 1,
                   .prompt_rows = &prompt};
    ken_fields_clear(&ken_row_fields, &row);
    row.category = row.category_mode = e->category;
    row.p_t = row.p_t_lo = row.p_t_hi = e->p;
    row.greedy_hits = e->hit;
    row.prompts = 1;
    return add_row(x->f, x->r, &row, err);
}

static int column(ken_facts *f, size_t run, const char *name, int width, int level)
{
    char full[KEN_COLUMN_NAME];
    snprintf(full, sizeof full, "%zu.%s", run, name);
    return ken_columns_new(&f->c, full, width, level);
}

static void make_columns(ken_facts *f, size_t k, run_columns *c)
{
    *c = (run_columns){
        .fact = column(f, k, "fact", 3, LEVEL_ROWS),
        .category = column(f, k, "category", 1, LEVEL_ROWS),
        .mode = column(f, k, "mode", 1, LEVEL_ROWS),
        .p = column(f, k, "p", 2, LEVEL_ROWS),
        .lo = column(f, k, "lo", 2, LEVEL_ROWS),
        .hi = column(f, k, "hi", 2, LEVEL_ROWS),
        .greedy = column(f, k, "greedy", 2, LEVEL_ROWS),
        .prompts = column(f, k, "prompts", 2, LEVEL_ROWS),
        .hits = column(f, k, "hits", 4, LEVEL_ROWS),
        .samples = column(f, k, "samples", 4, LEVEL_ROWS),
        .unknown = column(f, k, "unknown", 2, LEVEL_ROWS),
        .flip = column(f, k, "flip", 2, LEVEL_ROWS),
        .margin = column(f, k, "margin", 2, LEVEL_ROWS),
        .flags = column(f, k, "flags", 4, LEVEL_ROWS),
        .score = column(f, k, "score", 4, LEVEL_ROWS),
        .guess = column(f, k, "guess", 2, LEVEL_ROWS),
        .n_said = column(f, k, "nsaid", 1, LEVEL_ROWS),
        .said = column(f, k, "said", 3, LEVEL_ROWS),
        .said_hit = column(f, k, "saidhit", 1, LEVEL_ROWS),
        .n_rows = column(f, k, "rows", 1, LEVEL_ROWS),
        .says = column(f, k, "says", 1, LEVEL_ROWS),
        .finish = column(f, k, "finish", 1, LEVEL_PROMPTS),
        .text_p = column(f, k, "textp", 2, LEVEL_PROMPTS),
        .p_lo = column(f, k, "plo", 2, LEVEL_PROMPTS),
        .p_wide = column(f, k, "pwide", 2, LEVEL_PROMPTS),
        .p_margin = column(f, k, "pmargin", 2, LEVEL_PROMPTS),
    };
    for (int i = 0; i < RANKS; i++) {
        char name[8];
        snprintf(name, sizeof name, "new%d", i);
        c->n_new[i] = column(f, k, name, 1, LEVEL_RANK + i);
        snprintf(name, sizeof name, "tok%d", i);
        c->fresh[i] = column(f, k, name, 3, LEVEL_RANK + i);
        snprintf(name, sizeof name, "oth%d", i);
        c->other[i] = column(f, k, name, 1, LEVEL_RANK + i);
        snprintf(name, sizeof name, "othp%d", i);
        c->other_p[i] = column(f, k, name, 1, LEVEL_RANK + i);
    }
}

int ken_facts_add_run(ken_facts *f, ken_run *run, const char *name, ken_err *err)
{
    if (ken_grow((void **)&f->run, &f->cap_run, f->n_run + 1, sizeof *f->run) != 0)
        return ken_fail_nomem(err, "rows of the report");
    facts_run *r = &f->run[f->n_run];
    memset(r, 0, sizeof *r);
    snprintf(r->name, sizeof r->name, "%s", name);
    make_columns(f, f->n_run++, &r->c);
    int rc = f->c.failed ? ken_fail_nomem(err, "rows of the report") : KEN_OK;
    r->annotated = strcmp(ken_run_kind(run), "annotate") == 0;
    if (rc == KEN_OK && !r->annotated) {
        evaluated_ctx x = {f, r};
        for (size_t i = 0; i < ken_run_n_points(run) && rc == KEN_OK; i++)
            rc = ken_run_evaluated(run, ken_run_point(run, i)->step, add_evaluated, &x, err);
        return rc;
    }
    for (size_t i = 0, n = ken_run_count(run); i < n && rc == KEN_OK; i++) {
        const ken_row *row = ken_run_row(run, i, err);
        rc = row == NULL ? (err->status != KEN_OK ? err->status : KEN_EINPUT) : add_row(f, r, row, err);
    }
    return rc;
}

int ken_facts_add_diff(ken_facts *f, const ken_diff *d, size_t a, size_t b, ken_err *err)
{
    if (ken_grow((void **)&f->diff, &f->cap_diff, f->n_diff + 1, sizeof *f->diff) != 0)
        return ken_fail_nomem(err, "rows of the report");
    char name[KEN_COLUMN_NAME];
    size_t k = f->n_diff;
    facts_diff *x = &f->diff[f->n_diff++];
    *x = (facts_diff){.a = a, .b = b};
    snprintf(name, sizeof name, "d%zu.fact", k);
    int fact = ken_columns_new(&f->c, name, 3, LEVEL_ROWS);
    snprintf(name, sizeof name, "d%zu.move", k);
    int move = ken_columns_new(&f->c, name, 1, LEVEL_ROWS);
    snprintf(name, sizeof name, "d%zu.near", k);
    int near = ken_columns_new(&f->c, name, 1, LEVEL_ROWS);
    for (size_t i = 0; i < ken_diff_count(d) && !f->c.failed; i++) {
        const ken_diff_row *row = ken_diff_get(d, i);
        make_key(f, row->id, row->question);
        int32_t at = f->c.failed ? -1 : ken_strmap_get(f->facts, f->key.data, f->key.len, -1);
        if (at < 0) continue; /* asked another question in one of the runs */
        ken_columns_add(&f->c, fact, (uint32_t)at);
        ken_columns_add(&f->c, move, (uint32_t)row->move);
        ken_columns_add(&f->c, near, (uint32_t)row->near);
        x->lost += row->move == KEN_MOVE_LOST;
        x->gained += row->move == KEN_MOVE_GAINED;
        x->near |= row->near != KEN_NEAR_UNKNOWN;
    }
    return f->c.failed ? ken_fail_nomem(err, "rows of the report") : KEN_OK;
}

/* ---- on the page ----------------------------------------------------------------------------------------------------- */

int ken_facts_pack(ken_facts *f, size_t room, ken_err *err)
{
    int rc = ken_columns_pack(&f->c, err);
    if (rc != KEN_OK) return rc;
    const int all = LEVEL_RANK + RANKS - 1;
    bool others = ken_columns_size(&f->c, all) > ken_columns_size(&f->c, LEVEL_PROMPTS);
    f->level = all;
    while (f->level > LEVEL_ROWS && ken_columns_size(&f->c, f->level) > room) f->level--;
    f->left_out[0] = '\0';
    if (f->level == LEVEL_ROWS)
        snprintf(f->left_out, sizeof f->left_out, "the numbers of the single prompts and the likeliest first tokens");
    else if (f->level == LEVEL_PROMPTS && others)
        snprintf(f->left_out, sizeof f->left_out, "the likeliest first tokens");
    else if (f->level < all && others)
        snprintf(f->left_out, sizeof f->left_out, "all but the %d likeliest first token%s of a prompt",
                 f->level - LEVEL_RANK + 1, f->level == LEVEL_RANK ? "" : "s");
    return KEN_OK;
}

static void put_names(ken_out *o, const name_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        if (i > 0) ken_out_puts(o, ",");
        ken_html_json(o, l->name[i], 80);
    }
}

/* What the script needs besides the columns. */
static void put_about(ken_out *o, const ken_facts *f)
{
    ken_out_printf(o, "<script type=\"application/json\" id=\"about\">{\"facts\":%zu,\"runs\":[", f->n);
    for (size_t k = 0; k < f->n_run; k++) {
        const facts_run *r = &f->run[k];
        ken_out_puts(o, k > 0 ? ",{\"name\":" : "{\"name\":");
        ken_html_json(o, r->name, 100);
        ken_out_printf(o, ",\"rows\":%zu,\"texts\":%s,\"scores\":%s,\"annotated\":%s%s}", r->rows,
                       r->texts ? "true" : "false", r->scores ? "true" : "false", r->annotated ? "true" : "false",
                       !r->choice  ? ""
                       : r->labels ? ",\"choice\":true"
                                   : ",\"choice\":true,\"only\":true");
    }
    ken_out_puts(o, "],\"diffs\":[");
    for (size_t k = 0; k < f->n_diff; k++)
        ken_out_printf(o, "%s{\"a\":%zu,\"b\":%zu,\"near\":%s}", k > 0 ? "," : "", f->diff[k].a, f->diff[k].b,
                       f->diff[k].near ? "true" : "false");
    ken_out_puts(o, "],\"relations\":[");
    put_names(o, &f->relations);
    ken_out_puts(o, "],\"splits\":[");
    put_names(o, &f->splits);
    ken_out_puts(o, "],\"categories\":[");
    for (int c = 0; c < KEN_N_CATEGORIES; c++) ken_out_printf(o, "\"%s\",", ken_category_name(c));
    ken_out_puts(o, "\"not annotated\",\"right\",\"wrong\"],\"near\":[");
    for (int i = 0; i < KEN_N_NEAR; i++) ken_out_printf(o, "%s\"%s\"", i > 0 ? "," : "", ken_near_name(i));
    ken_out_puts(o, "],\"flags\":[");
    for (int bit = 0; ken_flag_name(bit) != NULL; bit++)
        ken_out_printf(o, "%s\"%s\"", bit > 0 ? "," : "", ken_flag_name(bit));
    ken_out_printf(o, "],\"flagged\":%" PRIu32 ",\"popular\":%s}</script>\n", f->flagged,
                   f->popular ? "true" : "false");
}

void ken_facts_put(ken_out *o, const ken_facts *f)
{
    put_about(o, f);
    ken_columns_put(o, &f->c, f->level);
}

size_t ken_facts_count(const ken_facts *f) { return f->n; }
const char *ken_facts_left_out(const ken_facts *f) { return f->left_out[0] != '\0' ? f->left_out : NULL; }
