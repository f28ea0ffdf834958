/* manifest.c - what was selected and why, as JSON: the part "selection" of an export's manifest (selection.h).
 *
 * The request stands there in the words of the options of `ken select`, as far as it differs from the defaults, so that it can be asked
 * again; then where the rows came from, and how many of each kind there were and were taken. */
#include "base/buf.h"
#include "text/unicode.h"
#include "tune/selection.h"
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

static void put_count(json_t **x, const char *key, size_t n)
{
    if (n > 0) ken_manifest_put(x, key, json_integer((json_int_t)n));
}

/* Only what is not the default. */
static void put_real(json_t **x, const char *key, double v, double usual)
{
    if (v != usual && !isnan(v)) ken_manifest_put(x, key, json_real(v));
}

static void put_flag(json_t **x, const char *key, bool v)
{
    if (v) ken_manifest_put(x, key, json_true());
}

/* ---- the request ---------------------------------------------------------------------------------------------------- */

static void put_reading(json_t **x, const ken_data_options *o)
{
    put_text(x, "format", o->format);
    put_text(x, "question-field", o->question_field);
    put_text(x, "answer-field", o->answer_field);
    put_text(x, "id-field", o->id_field);
    put_text(x, "relation-field", o->relation_field);
    put_text(x, "subject-field", o->subject_field);
    put_text(x, "split-field", o->split_field);
    put_text(x, "popularity-field", o->popularity_field);
    put_text(x, "templates", o->templates);
    put_text(x, "aliases", o->aliases);
    if (o->slick) put_text(x, "protocol", "slick");
    put_flag(x, "skip-bad", o->skip_bad);
}

static json_t *request(const ken_train_data *d)
{
    json_t *x = json_object();
    put_reading(&x, &d->read);
    put_text(&x, "label", d->label);
    put_text(&x, "split", d->splits);
    put_text(&x, "relation", d->relations);
    put_text(&x, "category", d->categories);
    put_real(&x, "p-min", d->p_min, 0);
    put_real(&x, "p-max", d->p_max, 1);
    put_real(&x, "p-unknown-min", d->p_unknown_min, 0);
    put_real(&x, "p-unknown-max", d->p_unknown_max, 1);
    put_real(&x, "popularity-min", d->popularity_min, NAN);
    put_real(&x, "popularity-max", d->popularity_max, NAN);
    if (d->subject_min > 0 || d->subject_max < 1)
        ken_manifest_put(&x, "subjects", json_pack("[f,f]", d->subject_min, d->subject_max));
    put_text(&x, "half", d->half);
    put_text(&x, "half-by", d->half_by);
    put_flag(&x, "half-within", d->half_within);
    put_count(&x, "per-relation", d->per_relation);
    put_count(&x, "limit", d->limit);
    put_flag(&x, "sample", d->sample);
    put_text(&x, "balance", d->balance);
    put_text(&x, "variant", d->variant);
    put_text(&x, "known-mix", d->known_mix);
    put_count(&x, "size", d->size);
    put_flag(&x, "concentrated", d->concentrated);
    put_text(&x, "match", d->match);
    put_real(&x, "known-tail", d->known_tail, 0);
    put_flag(&x, "known-tail-mixed", d->known_tail_mixed);
    if (d->n_idk > 0) {
        json_t *list = json_array();
        for (int i = 0; i < d->n_idk; i++) ken_manifest_put(&list, NULL, ken_manifest_text(d->idk[i]));
        ken_manifest_put(&x, "idk", list);
    }
    put_flag(&x, "idk-random", d->idk_random);
    put_text(&x, "weights", d->weights);
    put_real(&x, "weight-gamma", d->weight_gamma, 1);
    put_real(&x, "weight-min", d->weight_min, 0);
    put_text(&x, "template", d->prompt_template);
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
    if (from->n_settings > 0) {
        json_t *settings = json_object();
        for (size_t i = 0; i < from->n_settings; i++)
            put_text(&settings, from->settings[i].key, from->settings[i].value);
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
            ken_manifest_put(&x, c < KEN_N_CATEGORIES ? ken_category_name(c) : "not_annotated",
                             json_integer((json_int_t)n[c]));
    return x;
}

static json_t *counts(const ken_train_data_stats *s)
{
    json_t *x = json_object();
    ken_manifest_put(&x, "rows", json_integer((json_int_t)s->rows));
    ken_manifest_put(&x, "categories", categories(s->category));
    put_count(&x, "tail", s->tail);
    put_count(&x, "tail_repeated", s->tail_repeated);
    put_count(&x, "relabelled", s->relabelled);
    put_count(&x, "bad", s->bad);
    put_count(&x, "unmatched", s->unmatched);
    put_count(&x, "newline", s->newline);
    put_count(&x, "duplicates", s->duplicates);
    put_count(&x, "conflicts", s->conflicts);
    put_count(&x, "relations_left_out", s->relations_left_out);
    put_count(&x, "spread", s->spread);
    put_text(&x, "ranked_by", s->ranked_by);
    put_count(&x, "unranked", s->unranked);
    put_count(&x, "middle", s->middle);
    put_text(&x, "matched_by", s->matched_by);
    put_count(&x, "matched", s->matched);
    put_count(&x, "partnerless", s->partnerless);
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
        put_count(&r, "tail", g->tail);
        put_count(&r, "relabelled", g->relabelled);
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
