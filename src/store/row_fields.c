/* row_fields.c - see row_fields.h. */
#include "store/row_fields.h"
#include "base/buf.h"
#include "store/run.h"
#include "store/writer.h"
#include <math.h>

/* The member's type must be that of the kind: without one that fits, _Generic does not compile. */
#define C_CATEGORY int
#define C_COUNT    int
#define C_BITS     uint32_t
#define C_TRUTH    bool
#define C_SHARE    double
#define C_REAL     double
#define C_WORD     const char *
#define C_TEXT     const char *
#define FIELD(type, member, is, in_json, from, means)                                                                  \
    {                                                                                                                  \
        .name = #member,                                                                                               \
        .kind = _Generic(((type *)0)->member, C_##is                                                                   \
                         : KEN_FIELD_##is),                                                                            \
        .at = (unsigned)offsetof(type, member), .json = KEN_JSON_##in_json, .since = (from), .meaning = (means)        \
    }
#define ROW(member, is, in_json, from, means)    FIELD(ken_row, member, is, in_json, from, means)
#define PROMPT(member, is, in_json, from, means) FIELD(ken_prompt_row, member, is, in_json, from, means)

static const ken_field row_fields[] = {
    ROW(category, CATEGORY, ALWAYS, 1,
        "HighlyKnown, MaybeKnown, WeaklyKnown, Unknown by the seeded draw; NULL: no label, flags say why"),
    ROW(category_mode, CATEGORY, NEVER, 1, "the more probable label"),
    ROW(p_t0, SHARE, ALWAYS, 1, "share of prompts whose greedy answer is correct"),
    ROW(p_t, SHARE, ALWAYS, 1,
        "probability that a sampled answer is correct, mean over the prompts: middle of its interval"),
    ROW(p_t_lo, SHARE, ALWAYS, 1, "lower end of its interval"),
    ROW(p_t_hi, SHARE, ALWAYS, 1, "upper end of its interval"),
    ROW(greedy_hits, COUNT, ALWAYS, 1, "correct greedy answers"),
    ROW(prompts, COUNT, ALWAYS, 1, "prompts that were asked"),
    ROW(sample_hits, COUNT, ALWAYS, 1, "correct samples: a seeded draw; real ones with the method sample"),
    ROW(samples, COUNT, ALWAYS, 1, "samples of all prompts together"),
    ROW(p_unknown, SHARE, ALWAYS, 1, "probability that as many fresh samples all miss"),
    ROW(p_unknown_lo, SHARE, NEVER, 1, "lower end of its interval"),
    ROW(p_unknown_hi, SHARE, NEVER, 1, "upper end of its interval"),
    ROW(p_flip, SHARE, ALWAYS, 1, "probability that a fresh annotation with the same prompts gives another category"),
    ROW(min_margin, REAL, ALWAYS, 1,
        "smallest gap between the two largest logits on the greedy paths, up to the token that decides each verdict"),
    ROW(abstain_hits, COUNT, ALWAYS, 1, "greedy answers that decline to answer"),
    ROW(p_guess, SHARE, IF_THERE, 1, "guess control: the answer's mean probability for other subjects; NULL without"),
    ROW(lift, REAL, IF_THERE, 1, "guess control: log((p_t + d) / (p_guess + d)) with d = 1e-4; NULL without"),
    ROW(score, REAL, IF_THERE, 1, "knowledge score of multiple choice; NULL otherwise"),
    ROW(flags, BITS, ALWAYS, 1, "sum of the bits below"),
    ROW(method, WORD, ALWAYS, 1, "exact, sample or choice"),
};

static const ken_field prompt_fields[] = {
    PROMPT(greedy_hit, TRUTH, ALWAYS, 1, "1: the greedy answer is accepted by the run's matcher"),
    PROMPT(greedy_hit_raw, TRUTH, NEVER, 1, "1: it is accepted by em-raw"),
    PROMPT(text, TEXT, ALWAYS, 1, "greedy answer; NULL where it was not completed, or not stored"),
    PROMPT(finish, WORD, NEVER, 1, "what ended it: eos, newline, stop, length, or empty"),
    PROMPT(text_p, SHARE, ALWAYS, 1, "its probability at the run's temperature and top-k"),
    PROMPT(margin, REAL, ALWAYS, 1,
           "smallest gap between the two largest logits on the greedy path, up to the token that decides the verdict"),
    PROMPT(top_gap, REAL, NEVER, 1,
           "smallest gap between the logits at places k and k + 1 on the paths that carry probability"),
    PROMPT(p_lo, SHARE, ALWAYS, 1, "lower bound of the probability that a sample is accepted"),
    PROMPT(p_hi, SHARE, ALWAYS, 1, "upper bound of it"),
    PROMPT(raw_lo, SHARE, NEVER, 1, "lower bound of the same under em-raw"),
    PROMPT(raw_hi, SHARE, NEVER, 1, "upper bound of the same under em-raw"),
    PROMPT(hits, COUNT, NEVER, 1, "accepted samples"),
    PROMPT(samples, COUNT, NEVER, 1, "samples of the prompt"),
};

enum { N_ROW = sizeof row_fields / sizeof *row_fields, N_PROMPT = sizeof prompt_fields / sizeof *prompt_fields };
_Static_assert((int)N_ROW <= (int)KEN_FIELDS_MOST && (int)N_PROMPT <= (int)KEN_FIELDS_MOST, "room for the values");

const ken_fields ken_row_fields = {row_fields, N_ROW}, ken_prompt_fields = {prompt_fields, N_PROMPT};

/* ---- SQL ------------------------------------------------------------------------------------------------------------- */

const char *ken_field_sql_type(const ken_field *f)
{
    switch (f->kind) {
    case KEN_FIELD_COUNT:
    case KEN_FIELD_BITS:
    case KEN_FIELD_TRUTH: return "INTEGER NOT NULL";
    case KEN_FIELD_SHARE:
    case KEN_FIELD_REAL: return "REAL";
    case KEN_FIELD_WORD: return "TEXT NOT NULL";
    default: return "TEXT";
    }
}

char *ken_fields_sql(const ken_fields *t, int format, ken_fields_as as, const char *form)
{
    ken_buf b = {0};
    for (; *form != '\0'; form++) {
        if (*form != '@') ken_buf_putc(&b, *form);
        for (const ken_field *f = t->f; *form == '@' && f < t->f + t->n; f++) {
            if (f->since > format) continue;
            if (as == KEN_FIELDS_DEFINED) ken_buf_printf(&b, ",\n  %s %s", f->name, ken_field_sql_type(f));
            else ken_buf_printf(&b, ",%s", as == KEN_FIELDS_NAMED ? f->name : "?");
        }
    }
    return ken_buf_take(&b);
}

/* ---- values ---------------------------------------------------------------------------------------------------------- */

static void *field_of(const ken_field *f, void *of) { return (char *)of + f->at; }

static void clear(const ken_field *f, void *of)
{
    void *at = field_of(f, of);
    switch (f->kind) {
    case KEN_FIELD_CATEGORY: *(int *)at = KEN_UNLABELLED; break;
    case KEN_FIELD_COUNT: *(int *)at = 0; break;
    case KEN_FIELD_BITS: *(uint32_t *)at = 0; break;
    case KEN_FIELD_TRUTH: *(bool *)at = false; break;
    case KEN_FIELD_SHARE:
    case KEN_FIELD_REAL: *(double *)at = NAN; break;
    case KEN_FIELD_WORD: *(const char **)at = ""; break;
    case KEN_FIELD_TEXT: *(const char **)at = NULL; break;
    }
}

void ken_fields_clear(const ken_fields *t, void *of)
{
    for (int i = 0; i < t->n; i++) clear(&t->f[i], of);
}

bool ken_is_share(double p) { return isnan(p) || (p >= -KEN_STORE_P_SLACK && p <= 1 + KEN_STORE_P_SLACK); }

static bool holds(const ken_field *f, const void *at)
{
    switch (f->kind) {
    case KEN_FIELD_CATEGORY: return *(const int *)at >= 0 && *(const int *)at <= KEN_UNLABELLED;
    case KEN_FIELD_COUNT: return *(const int *)at >= 0;
    case KEN_FIELD_SHARE: return ken_is_share(*(const double *)at);
    default: return true;
    }
}

const char *ken_fields_fault(const ken_fields *t, const void *of)
{
    for (const ken_field *f = t->f; f < t->f + t->n; f++)
        if (!holds(f, ken_field_in(f, of))) return f->name;
    return NULL;
}

static ken_value value(const ken_field *f, const void *at)
{
    const char *text = f->kind >= KEN_FIELD_WORD ? *(const char *const *)at : NULL;
    switch (f->kind) {
    case KEN_FIELD_CATEGORY: return KEN_TEXT(ken_schema_category(*(const int *)at));
    case KEN_FIELD_COUNT: return KEN_INT(*(const int *)at);
    case KEN_FIELD_BITS: return KEN_INT(*(const uint32_t *)at);
    case KEN_FIELD_TRUTH: return KEN_INT(*(const bool *)at);
    case KEN_FIELD_SHARE:
    case KEN_FIELD_REAL: return KEN_REAL(*(const double *)at);
    default: return KEN_TEXT(text == NULL && f->kind == KEN_FIELD_WORD ? "" : text);
    }
}

int ken_fields_values(const ken_fields *t, int format, const void *of, struct ken_value *v)
{
    int n = 0;
    for (const ken_field *f = t->f; f < t->f + t->n; f++)
        if (f->since <= format) v[n++] = value(f, ken_field_in(f, of));
    return n;
}

static void take(const ken_field *f, ken_cursor *c, void *at)
{
    switch (f->kind) {
    case KEN_FIELD_CATEGORY: *(int *)at = ken_cursor_category(c, f->name); break;
    case KEN_FIELD_COUNT: *(int *)at = (int)ken_cursor_int(c, f->name, 0, INT32_MAX); break;
    case KEN_FIELD_BITS: *(uint32_t *)at = (uint32_t)ken_cursor_int(c, f->name, 0, UINT32_MAX); break;
    case KEN_FIELD_TRUTH: *(bool *)at = ken_cursor_bool(c, f->name); break;
    case KEN_FIELD_SHARE: *(double *)at = ken_cursor_p(c, f->name); break;
    case KEN_FIELD_REAL: *(double *)at = ken_cursor_real(c, f->name); break;
    case KEN_FIELD_WORD: *(const char **)at = ken_cursor_text(c, f->name, false); break;
    case KEN_FIELD_TEXT: *(const char **)at = ken_cursor_text(c, f->name, true); break;
    }
}

void ken_fields_read(const ken_fields *t, int format, struct ken_cursor *c, void *to)
{
    for (const ken_field *f = t->f; f < t->f + t->n; f++)
        if (f->since <= format) take(f, c, field_of(f, to));
        else clear(f, to);
}
