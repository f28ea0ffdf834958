/* select.c - a fine-tuning set without a model: ken_select of ken.h. The rows are read by draft.c and chosen by choose.c, as for a
 * training; here is what replaces its tokens: a row can be used when its question and its target are known. */
#include "base/alloc.h"
#include "base/file.h"
#include "tune/choose.h"
#include "tune/selection.h"
#include <string.h>

/* ---- a copy of the request ------------------------------------------------------------------------------------------ */

static bool copy_text(ken_arena *a, const char **s)
{
    if (*s != NULL) *s = ken_arena_strdup(a, *s);
    return *s != NULL;
}

static int copy_request(ken_selection *s, const ken_train_data *from, ken_err *err)
{
    ken_train_data *d = &s->from;
    ken_arena *a = &s->drafts.arena;
    *d = *from;
    s->read = *from->read;
    d->read = &s->read;
    bool good = ken_request_copy(d, &s->read, a);
    const char **idk = ken_arena_calloc(a, (size_t)from->n_idk, sizeof *idk);
    for (int i = 0; i < from->n_idk && idk != NULL; i++) {
        idk[i] = from->idk[i];
        good &= copy_text(a, &idk[i]);
    }
    d->idk = idk;
    d->mix = NULL;
    d->n_mix = 0;
    return good && idk != NULL ? KEN_OK : ken_fail_nomem(err, "the request");
}

static int check_request(const ken_train_data *from, ken_err *err)
{
    if (from->max_length > 0)
        return ken_fail(err, KEN_EUSAGE, "a length in tokens needs a model: it is for `ken_train` (`max_length`)");
    if (from->chat_template)
        return ken_fail(
            err, KEN_EUSAGE,
            "a model's conversation format needs a model: it is for `ken_train`; export the rows as messages");
    if (from->n_mix > 0)
        return ken_fail(err, KEN_EUSAGE, "a mixture is drawn batch by batch, by `ken_train` (`mix`); select one place");
    return KEN_OK;
}

/* ---- where the rows come from --------------------------------------------------------------------------------------- */

/* What decided the labels of a run. Where files were on that machine is left out. */
static const char *const kept_settings[] = {
    "kind",           "model",          "model_hash",   "tokenizer_hash", "weight_type", "adapter",     "data",
    "data_hash",      "template",       "stop",         "chat_template",  "matcher",     "method",      "shots",
    "prompts",        "samples",        "temperature",  "top_k",          "max_new",     "mass_budget", "exemplar_seed",
    "exemplars_hash", "aliases_hash",   "seed",         "control",        "compute",     "isa",         "gemm",
    "prompt_version", "method_version", "draw_version", "version"};
enum { N_KEPT = sizeof kept_settings / sizeof *kept_settings };

static int read_settings(ken_arena *a, ken_selection_source *out, ken_err *err)
{
    ken_run *run;
    int rc = ken_run_open(&run, out->path, err);
    if (rc != KEN_OK) return rc;
    out->settings.arena = a;
    for (size_t i = 0; i < N_KEPT; i++) {
        const char *value = ken_run_setting(run, kept_settings[i]);
        if (value != NULL && value[0] != '\0') ken_setting_text(&out->settings, kept_settings[i], false, value);
    }
    ken_run_free(run);
    return out->settings.failed ? ken_fail_nomem(err, "settings") : KEN_OK;
}

/* path is the arena's. */
static int read_source(ken_arena *a, ken_selection_source *out, const char *path, ken_err *err)
{
    out->path = path;
    if (strcmp(path, "-") == 0)
        return ken_fail(err, KEN_EUSAGE,
                        "a selection says in its manifest which file it was taken from; write standard input to one");
    out->kind = ken_is_dir(path) ? "folder" : ken_drafts_is_run(path) ? "run" : "file";
    if (ken_is_dir(path)) return KEN_OK;
    ken_map map;
    int rc = ken_map_file(&map, path, err);
    if (rc != KEN_OK) return rc;
    if (ken_sha256_of(map.data, map.size, out->sha256) != 0) rc = ken_fail_nomem(err, "hash of the data");
    ken_unmap(&map);
    return rc == KEN_OK && strcmp(out->kind, "run") == 0 ? read_settings(a, out, err) : rc;
}

/* With its end, so that nothing can shift; NULL and "" differ. */
static void add_text(ken_sha256 *h, const char *text)
{
    ken_sha256_add(h, text == NULL ? "-" : "+", 1);
    if (text != NULL) ken_sha256_add(h, text, strlen(text) + 1);
}

static int identify(ken_selection *s, ken_err *err)
{
    ken_sha256 *h = ken_sha256_new();
    if (h == NULL) return ken_fail_nomem(err, "hash of the rows");
    for (size_t i = 0; i < s->drafts.n; i++) {
        const ken_draft *r = &s->drafts.rows[i];
        add_text(h, r->id);
        add_text(h, r->relation);
        add_text(h, r->split);
        add_text(h, r->question);
        for (int k = 0; k < r->n_answers; k++) add_text(h, r->answers[k]);
        add_text(h, r->target);
        if (r->own != NULL) add_text(h, r->own); /* only where it was asked for */
        add_text(h, r->category < KEN_N_CATEGORIES ? ken_category_name(r->category) : NULL);
        if (r->tail) add_text(h, "known_tail");
    }
    ken_sha256_hex(h, s->rows_sha256);
    return KEN_OK;
}

/* ---- rows ----------------------------------------------------------------------------------------------------------- */

/* A ken_usable_fn: a question and what is to be answered. Rows that have neither end the selection, or are dropped and counted. */
static int usable(void *ctx, size_t i, bool *good, ken_err *err)
{
    ken_selection *s = ctx;
    const ken_draft *r = &s->drafts.rows[i];
    *good = r->question != NULL && (r->n_answers > 0 || (r->target != NULL && !r->text));
    if (*good) return KEN_OK;
    if (ken_reading(&s->from)->skip_bad) {
        s->stats.bad++;
        return KEN_OK;
    }
    ken_fail(err, KEN_EINPUT,
             r->text
                 ? "the text is not the template's with a question and a one-line answer; give that form with "
                   "`prompt_template`, or "
                   "rows with a prompt and a completion"
                 : "the prompt is not of the template's form, so that its question is not known; give that form with "
                   "`prompt_template`, or a field \"question\"");
    return ken_draft_fail(r, err);
}

static ken_selected selected(const ken_selection *s, const ken_pick *p, const char *id)
{
    const ken_draft *r = &s->drafts.rows[p->draft];
    return (ken_selected){.id = id,
                          .relation = r->relation,
                          .split = r->split,
                          .question = r->question,
                          .subject = r->subject,
                          .answers = r->answers,
                          .n_answers = r->n_answers,
                          .target = p->target != NULL               ? p->target
                                    : r->target != NULL && !r->text ? r->target
                                                                    : r->answers[0],
                          .category = r->category,
                          .p_t0 = r->p_t0,
                          .p_t = r->p,
                          .p_unknown = r->p_unknown,
                          .popularity = r->popularity,
                          .weight = (double)p->weight,
                          .relabelled = p->idk >= 0,
                          .tail = p->tail};
}

/* Questions that occur earlier, with the same target or with another one. The known tail repeats rows on purpose. */
static int count_repeats(ken_selection *s, ken_err *err)
{
    ken_strmap *questions = ken_strmap_new(s->n), *rows = ken_strmap_new(s->n);
    int rc = questions == NULL || rows == NULL ? ken_fail_nomem(err, "duplicates") : KEN_OK;
    for (size_t i = 0; i < s->n && rc == KEN_OK; i++) {
        const ken_selected *r = &s->rows[i];
        s->stats.newline += !r->relabelled && strchr(r->target, '\n') != NULL;
        if (r->tail) continue;
        size_t q = strlen(r->question), t = strlen(r->target);
        char *both = ken_arena_alloc(&s->drafts.arena, q + t + 1, 1); /* keys are borrowed */
        if (both == NULL) {
            rc = ken_fail_nomem(err, "duplicates");
            break;
        }
        memcpy(both, r->question, q + 1);
        memcpy(both + q + 1, r->target, t);
        int row = ken_strmap_add(rows, both, q + t + 1, 0), question = ken_strmap_add(questions, both, q, 0);
        if (row < 0 || question < 0) rc = ken_fail_nomem(err, "duplicates");
        else if (row == 0) s->stats.duplicates++;
        else if (question == 0) s->stats.conflicts++;
    }
    ken_strmap_free(questions);
    ken_strmap_free(rows);
    return rc;
}

static ken_selection_group *group_of(ken_selection *s, ken_strmap *at, const char *relation, ken_err *err)
{
    const int32_t k = ken_strmap_number(at, relation, strlen(relation));
    if (k < 0 || ken_grow((void **)&s->groups, &s->cap_groups, (size_t)k + 1, sizeof *s->groups) != 0) {
        ken_fail_nomem(err, "relations");
        return NULL;
    }
    if ((size_t)k == s->n_groups) s->groups[s->n_groups++] = (ken_selection_group){.relation = relation};
    return &s->groups[k];
}

static int count_groups(ken_selection *s, const ken_chosen *c, ken_err *err)
{
    ken_strmap *at = ken_strmap_new(64);
    int rc = at == NULL ? ken_fail_nomem(err, "relations") : KEN_OK;
    for (size_t i = 0; i < c->n_candidates && rc == KEN_OK; i++) {
        const ken_draft *r = &s->drafts.rows[c->candidate[i]];
        ken_selection_group *g = group_of(s, at, r->relation, err);
        if (g == NULL) rc = KEN_ENOMEM;
        else g->have[r->category]++;
    }
    for (size_t i = 0; i < s->n && rc == KEN_OK; i++) { /* a tail may come from relations without a candidate */
        ken_selection_group *g = group_of(s, at, s->rows[i].relation, err);
        if (g == NULL) rc = KEN_ENOMEM;
        else if (s->rows[i].tail) g->tail++;
        else g->take[s->rows[i].category]++;
        if (g != NULL) g->relabelled += s->rows[i].relabelled;
    }
    ken_strmap_free(at);
    return rc;
}

static int take(ken_selection *s, const ken_chosen *c, ken_err *err)
{
    s->rows = ken_alloc(c->n, sizeof *s->rows);
    if (s->rows == NULL) return ken_fail_nomem(err, "rows");
    for (size_t i = 0; i < c->n; i++) {
        const char *id = ken_pick_id(&s->drafts, &c->pick[i]);
        if (id == NULL) return ken_fail_nomem(err, "ids");
        s->rows[s->n++] = selected(s, &c->pick[i], id);
        s->stats.choice += s->drafts.rows[c->pick[i].draft].choice;
    }
    int rc = count_groups(s, c, err);
    return rc == KEN_OK ? count_repeats(s, err) : rc;
}

/* ---- all of it ------------------------------------------------------------------------------------------------------ */

static int fill(ken_selection *s, const ken_train_data *from, ken_err *err)
{
    ken_prompt_style style;
    ken_chosen choice = {0};
    ken_drafts *d = &s->drafts;
    int rc = check_request(from, err);
    if (rc == KEN_OK) rc = ken_zero_shot_style(&style, from->prompt_template, false, NULL, err);
    if (rc != KEN_OK) return rc;
    rc = ken_drafts_read(d, from, err);
    if (rc == KEN_OK) rc = copy_request(s, from, err);
    for (size_t i = 0; i < d->n && rc == KEN_OK; i++) rc = ken_draft_infer(d, &d->rows[i], &style, err);
    if (rc == KEN_OK) rc = identify(s, err);
    if (rc == KEN_OK) rc = read_source(&d->arena, &s->source, s->from.path, err);
    if (rc == KEN_OK && s->from.labels != NULL) rc = read_source(&d->arena, &s->labels, s->from.labels, err);
    if (rc == KEN_OK) rc = ken_choose(&choice, d, &s->from, usable, s, &s->stats, err);
    if (rc == KEN_OK) rc = take(s, &choice, err);
    s->stats.rows = s->n;
    s->stats.bad += d->bad;
    s->stats.cleaned += d->cleaned;
    if (d->notes != NULL) s->stats.notes = d->notes;
    s->stats.unmatched = d->unmatched;
    ken_drafts_shrink(d);
    ken_chosen_free(&choice);
    return rc;
}

int ken_select(ken_selection **out, const ken_train_data *from, ken_err *err)
{
    *out = NULL;
    ken_selection *s = ken_calloc(1, sizeof *s);
    if (s == NULL) return ken_fail_nomem(err, "selection");
    ken_train_data own;
    ken_data_options read;
    int rc = ken_train_data_take(&own, &read, from, err);
    if (rc == KEN_OK) rc = fill(s, &own, err);
    if (rc == KEN_OK) *out = s;
    else ken_selection_free(s);
    return rc;
}

void ken_selection_free(ken_selection *s)
{
    if (s == NULL) return;
    ken_drafts_free(&s->drafts);
    ken_free(s->rows);
    ken_free(s->groups);
    ken_free(s);
}

size_t ken_selection_count(const ken_selection *s) { return s->n; }
const ken_selected *ken_selection_row(const ken_selection *s, size_t i) { return i < s->n ? &s->rows[i] : NULL; }
const ken_train_data_stats *ken_selection_stats(const ken_selection *s) { return &s->stats; }

const ken_selection_group *ken_selection_groups(const ken_selection *s, size_t *n)
{
    *n = s->n_groups;
    return s->groups;
}
