/* manifest.c - what was selected and why, as JSON: the part "selection" of an export's manifest (selection.h).
 *
 * The request is given there in the words of the options of `ken select`, as far as it differs from the defaults, so that it can be asked
 * again; then where the rows came from, and how many of each kind there were and were taken. */
#include "base/options.h"
#include "text/unicode.h"
#include "tune/choose.h"
#include "tune/selection.h"
#include "tune/variant.h"
#include <math.h>
#include <string.h>

void ken_manifest_put(json_t **to, const char *key, json_t *v)
{
    if ((key != NULL ? json_object_set_new(*to, key, v) : json_array_append_new(*to, v)) == 0) return;
    json_decref(*to);
    *to = NULL;
}

json_t *ken_manifest_text(const char *s)
{
    ken_buf clean = {0};
    ken_utf8_clean(&clean, s, strlen(s));
    json_t *v = clean.failed ? NULL : json_stringn(ken_buf_str(&clean), clean.len);
    ken_buf_free(&clean);
    return v;
}

static void put_text(json_t **x, const char *key, const char *s)
{
    if (s != NULL) ken_manifest_put(x, key, ken_manifest_text(s));
}

/* ---- members of a struct ---------------------------------------------------------------------------------------------- */

static json_t *count(size_t n) { return json_integer((json_int_t)n); }

/* What is put where it is not the default: a text, a count above 0, a flag that is set, a number other than the usual one. */
typedef struct field {
    const char *key;
    size_t at;
    enum { END, TEXT, COUNT, FLAG, REAL } kind;
    double usual; /* REAL */
} field;

static void put_fields(json_t **x, const void *from, const field *f)
{
    for (; f->kind != END; f++) {
        const void *v = (const char *)from + f->at;
        if (f->kind == TEXT) put_text(x, f->key, *(const char *const *)v);
        else if (f->kind == COUNT && *(const size_t *)v > 0) ken_manifest_put(x, f->key, count(*(const size_t *)v));
        else if (f->kind == FLAG && *(const bool *)v) ken_manifest_put(x, f->key, json_true());
        else if (f->kind == REAL && *(const double *)v != f->usual && !isnan(*(const double *)v))
            ken_manifest_put(x, f->key, json_real(*(const double *)v));
    }
}

/* A member's type says what it is. */
/* clang-format off */
#define FIELDS(name, ...) static const field name[] = {__VA_ARGS__, {NULL, 0, END}}
#define FIELD(type, key, member, ...)                                                                                  \
    {key, offsetof(type, member),                                                                                      \
     _Generic(((type){0}).member, const char *: TEXT, size_t: COUNT, bool: FLAG, double: REAL), __VA_ARGS__}
/* clang-format on */

/* ---- the request ---------------------------------------------------------------------------------------------------- */

#define ONE(key, ...) FIELD(ken_train_data, key, __VA_ARGS__, )
#define HOW(key, ...) FIELD(ken_data_options, key, __VA_ARGS__, )

FIELDS(reading, HOW("format", format), HOW("question-field", question_field), HOW("answer-field", answer_field),
       HOW("id-field", id_field), HOW("relation-field", relation_field), HOW("subject-field", subject_field),
       HOW("split-field", split_field), HOW("popularity-field", popularity_field), HOW("templates", templates),
       HOW("aliases", aliases), HOW("skip-bad", skip_bad));
FIELDS(filters, ONE("p-min", p_min, 0), ONE("p-max", p_max, 1), ONE("p-unknown-min", p_unknown_min, 0),
       ONE("p-unknown-max", p_unknown_max, 1), ONE("popularity-min", popularity_min, NAN),
       ONE("popularity-max", popularity_max, NAN));
FIELDS(half, ONE("half-within", half_within), ONE("per-relation", per_relation), ONE("limit", limit),
       ONE("sample", sample));
FIELDS(sized, ONE("size", set_rows), ONE("concentrated", concentrated));
FIELDS(tail, ONE("known-tail", known_tail, 0), ONE("known-tail-mixed", known_tail_mixed));
FIELDS(targets, ONE("weight-gamma", weight_gamma, 1), ONE("weight-min", weight_min, 0),
       ONE("template", prompt_template));
FIELDS(places, ONE("path", path), ONE("labels", labels), ONE("prefer-split", prefer_split));

static bool copy_texts(void *struct_, const field *f, ken_arena *a)
{
    for (; f->kind != END; f++) {
        const char **s = (const char **)(void *)((char *)struct_ + f->at);
        if (f->kind == TEXT && *s != NULL && (*s = ken_arena_strdup(a, *s)) == NULL) return false;
    }
    return true;
}

static bool copy_names(ken_names *l, ken_arena *a)
{
    const char **copy = ken_arena_calloc(a, (size_t)l->n + 1, sizeof *copy);
    bool good = copy != NULL;
    for (int i = 0; i < l->n && good; i++) good = (copy[i] = ken_arena_strdup(a, l->name[i])) != NULL;
    l->name = copy;
    return good;
}

bool ken_request_copy(ken_train_data *d, ken_data_options *read, ken_arena *a)
{
    return copy_texts(read, reading, a) && copy_texts(d, targets, a) && copy_texts(d, places, a) &&
           copy_names(&d->splits, a) && copy_names(&d->relations, a);
}

/* Where it is not the first of its words. */
static void put_word(json_t **x, const char *key, ken_words of, int value)
{
    if (value > 0) put_text(x, key, ken_word(of, value));
}

static void put_list(json_t **x, const char *key, ken_buf *b)
{
    if (b->len > 0) put_text(x, key, b->data);
    if (b->failed) ken_manifest_put(x, key, NULL);
    ken_buf_clear(b);
}

static void put_filters(json_t **x, const ken_train_data *d)
{
    ken_buf b = {0};
    put_word(x, "label", KEN_WORDS_LABEL, d->label);
    ken_names_join(&b, &d->splits);
    put_list(x, "split", &b);
    ken_names_join(&b, &d->relations);
    put_list(x, "relation", &b);
    ken_categories_text(&b, d->categories);
    put_list(x, "category", &b);
    put_fields(x, d, filters);
    if (d->subject_min > 0 || d->subject_max < 1)
        ken_manifest_put(x, "subjects", json_pack("[f,f]", d->subject_min, d->subject_max));
    ken_buf_free(&b);
}

static void put_choices(json_t **x, const ken_train_data *d)
{
    ken_buf b = {0};
    put_word(x, "half", KEN_WORDS_HALF, d->half);
    put_word(x, "half-by", KEN_WORDS_HALF_BY, d->half_by);
    put_fields(x, d, half);
    put_word(x, "balance", KEN_WORDS_BALANCE, d->balance);
    ken_variant_text(&b, &d->variant);
    put_list(x, "variant", &b);
    put_word(x, "known-mix", KEN_WORDS_KNOWN_MIX, d->known_mix);
    put_fields(x, d, sized);
    put_word(x, "match", KEN_WORDS_MATCH, d->match);
    put_fields(x, d, tail);
    ken_buf_free(&b);
}

static json_t *request(const ken_train_data *d)
{
    const ken_data_options *read = ken_reading(d);
    json_t *x = json_object();
    put_fields(&x, read, reading);
    if (read->slick) put_text(&x, "protocol", "slick");
    put_filters(&x, d);
    put_choices(&x, d);
    if (d->n_idk > 0) {
        json_t *list = json_array();
        for (int i = 0; i < d->n_idk; i++) ken_manifest_put(&list, NULL, ken_manifest_text(d->idk[i]));
        ken_manifest_put(&x, "idk", list);
    }
    if (d->idk_random) ken_manifest_put(&x, "idk-random", json_true());
    put_word(&x, "own-answers", KEN_WORDS_OWN_ANSWERS, d->own_answers);
    put_word(&x, "certainty", KEN_WORDS_CERTAINTY, d->certainty);
    put_word(&x, "weights", KEN_WORDS_WEIGHTS, d->weights);
    put_fields(&x, d, targets);
    ken_manifest_put(&x, "seed", json_integer((json_int_t)d->seed));
    return x;
}

/* ---- sources -------------------------------------------------------------------------------------------------------- */

static json_t *source(const ken_selection_source *from)
{
    json_t *x = json_object();
    put_text(&x, "path", from->path);
    put_text(&x, "kind", from->kind);
    if (from->sha256[0] != '\0') put_text(&x, "sha256", from->sha256);
    if (from->settings.n > 0) {
        json_t *settings = json_object();
        for (size_t i = 0; i < from->settings.n; i++)
            put_text(&settings, from->settings.s[i].key, from->settings.s[i].value);
        ken_manifest_put(&x, "settings", settings);
    }
    return x;
}

/* ---- counts --------------------------------------------------------------------------------------------------------- */

static json_t *categories(const size_t n[KEN_N_CATEGORIES + 1])
{
    json_t *x = json_object();
    for (int c = 0; c <= KEN_N_CATEGORIES; c++)
        if (c < KEN_UNLABELLED || n[c] > 0)
            ken_manifest_put(&x, c < KEN_N_CATEGORIES ? ken_category_name(c) : "not_annotated", count(n[c]));
    return x;
}

#define STATS(member) FIELD(ken_train_data_stats, #member, member, )

static json_t *counts(const ken_train_data_stats *s)
{
    FIELDS(fields, STATS(tail), STATS(tail_repeated), STATS(relabelled), STATS(bad), STATS(unmatched), STATS(newline),
           STATS(duplicates), STATS(conflicts), STATS(relations_left_out), STATS(spread), STATS(ranked_by),
           STATS(unranked), STATS(middle), STATS(matched_by), STATS(matched), STATS(partnerless), STATS(own),
           STATS(own_wrong), STATS(ownless), STATS(sure), STATS(unsure));
    json_t *x = json_object();
    ken_manifest_put(&x, "rows", count(s->rows));
    ken_manifest_put(&x, "categories", categories(s->category));
    put_fields(&x, s, fields);
    return x;
}

static json_t *relations(const ken_selection *s)
{
    json_t *x = json_object();
    for (size_t i = 0; i < s->n_groups; i++) {
        const ken_selection_group *g = &s->groups[i];
        json_t *r = json_object();
        ken_manifest_put(&r, "have", categories(g->have));
        ken_manifest_put(&r, "take", categories(g->take));
        if (g->tail > 0) ken_manifest_put(&r, "tail", count(g->tail));
        if (g->relabelled > 0) ken_manifest_put(&r, "relabelled", count(g->relabelled));
        ken_manifest_put(&x, g->relation, r);
    }
    return x;
}

json_t *ken_selection_manifest(const ken_selection *s, ken_err *err)
{
    json_t *x = json_object();
    ken_manifest_put(&x, "request", request(&s->from));
    ken_manifest_put(&x, "source", source(&s->source));
    if (s->labels.path != NULL) ken_manifest_put(&x, "labels", source(&s->labels));
    put_text(&x, "rows_sha256", s->rows_sha256);
    ken_manifest_put(&x, "counts", counts(&s->stats));
    ken_manifest_put(&x, "relations", relations(s));
    if (x == NULL) ken_fail_nomem(err, "manifest");
    return x;
}
