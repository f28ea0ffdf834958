/* annotate.c - the main job: labels for rows; ken_annotate of ken.h.
 *
 * The run is opened and updated to the data (update_run), the rows that it lacks are asked (asking.h), each as a task (task.h), and
 * stored when they are done. Finished rows are committed about once a second, so a kill loses at most that second of work and nothing that
 * was reported. */
#include "base/alloc.h"
#include "base/options.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "know/cost.h"
#include "know/identity.h"
#include "know/task.h"
#include "know/watch.h"
#include <stdio.h>
#include <string.h>

#define COMMIT_SECONDS 1.0

typedef struct job {
    const ken_annotate_options *o;
    ken_model *model;
    const ken_data *data;
    ken_setup setup;
    ken_net *net;
    ken_engine *engine;
    ken_exemplar_sets *exemplars;
    /* Exemplar sets that the run had when it was opened: (n_stored) by relation, (n_stored_own) of single rows. */
    ken_exemplars *stored;
    size_t n_stored;
    ken_own_set *stored_own;
    size_t n_stored_own;
    ken_identifier *identifier;
    ken_task_context context;
    ken_store *store;
    ken_arena arena;
    size_t *todo; /* (n_todo) indices into data of rows to compute, data order */
    size_t n_todo;
    int64_t *twin; /* (n_todo) the next entry of todo that is computed with it (ken_identity.computed), or -1 */
    bool *is_twin; /* (n_todo) it follows another one: computed with that */
    double committed;
    uint64_t rows_booked; /* token forwards already added to the store */
    double seconds_booked;
    ken_work work;
    ken_watch watch;
} job;

void ken_annotate_defaults_fill(ken_annotate_options *o, size_t size)
{
    static const ken_annotate_options defaults = {.shots = 4,
                                                  .prompts = 10,
                                                  .samples = 16,
                                                  .top_k = 40,
                                                  .max_new = 32,
                                                  .temperature = 0.5,
                                                  .matcher = "em-squad",
                                                  .method = "exact",
                                                  .texts = true,
                                                  .compute = "f32"};
    ken_options_fill(o, size, &defaults, sizeof defaults);
}

/* ---- getting ready -------------------------------------------------------------------------------------------------- */

static int plan_rows(job *j, ken_err *err)
{
    ken_exemplar_options x = ken_settings_exemplars(j->o);
    const size_t *rows;
    x.stored = j->stored;
    x.n_stored = j->n_stored;
    x.stored_own = j->stored_own;
    x.n_stored_own = j->n_stored_own;
    ken_exemplar_sets_free(j->exemplars);
    int rc = ken_exemplar_sets_new(&j->exemplars, j->data, &x, err);
    if (rc != KEN_OK) return rc;
    j->setup.n_rows = ken_exemplar_sets_rows(j->exemplars, &rows);
    j->setup.exemplars = ken_exemplar_sets_source(j->exemplars);
    return rc;
}

int ken_annotate_net(ken_net **out, ken_model *m, const ken_annotate_options *o, const ken_setup *p, ken_watch *w,
                     ken_err *err)
{
    ken_net_options n = {.threads = o->threads, .isa = p->isa, .poll = ken_watch_poll, .ctx = w};
    return ken_net_new(out, m, &n, err);
}

int ken_annotate_engine(ken_engine **out, ken_net *net, const ken_annotate_options *o, const ken_model *m, ken_err *err)
{
    /* Waves no larger than speed needs: rows are then done one after the other, and being stopped costs few. The cache stays as large as for
     * large waves. Labels do not depend on it. */
    const int32_t full = ken_net_full_batch(net), most = ken_engine_default_wave();
    ken_engine_options e = {.wave_positions = full < most ? full : most, .slots = ken_engine_default_slots()};
    if (o->memory > 0) {
        size_t slots = o->memory / ken_kv_slot_bytes(ken_model_config(m));
        e.slots = slots > INT32_MAX ? INT32_MAX : (int32_t)slots;
    }
    return ken_engine_new(out, ken_net_forwarder(net), &e, err);
}

static int open_store(job *j, const char *path, ken_err *err)
{
    ken_setting_list l = {.arena = &j->arena};
    int rc = ken_settings_list(&j->setup, j->o, j->model, ken_net_gemm_name(j->net), j->data, &l, err);
    return rc == KEN_OK ? ken_store_open(&j->store, path, l.s, l.n, err) : rc;
}

/* ---- what the run has already ---------------------------------------------------------------------------------------- */

/* The exemplar sets of the run, for ken_exemplar_sets_new. Shots are in order of relation, set and place. */
static int load_exemplars(job *j, const ken_stored_shot *shot, size_t n, ken_err *err)
{
    const ken_example **x = ken_arena_alloc(&j->arena, n, sizeof *x);
    j->stored = ken_arena_alloc(&j->arena, n, sizeof *j->stored);
    if (x == NULL || j->stored == NULL) return ken_fail_nomem(err, "exemplars");
    for (size_t i = 0; i < n; i++) x[i] = &shot[i].x;
    int rc = KEN_OK;
    for (size_t i = 0, end; i < n && rc == KEN_OK; i = end) {
        ken_strmap *ids = ken_strmap_new(64);
        bool failed = ids == NULL;
        ken_exemplars *e = &j->stored[j->n_stored++];
        *e = (ken_exemplars){.relation = shot[i].of, .shots = j->setup.shots, .shot = x + i};
        for (end = i; end < n && strcmp(shot[end].of, e->relation) == 0; end++) {
            if (strcmp(shot[end].x.relation, e->relation) != 0) e->flags |= KEN_FLAG_EXEMPLARS_FOREIGN;
            int added = failed ? -1 : ken_strmap_add(ids, x[end]->id, strlen(x[end]->id), 0);
            if (added == 0) e->flags |= KEN_FLAG_EXEMPLARS_SHARED;
            failed |= added < 0;
        }
        ken_strmap_free(ids);
        if (failed) return ken_fail_nomem(err, "exemplars");
        e->n_sets = (int)(end - i) / j->setup.shots;
        if (e->n_sets != j->setup.rules.prompts || shot[end - 1].set != e->n_sets - 1)
            rc = ken_fail(err, KEN_EINPUT, "the run is damaged: relation \"%s\" has %zu exemplars, not %d sets of %d",
                          e->relation, end - i, j->setup.rules.prompts, j->setup.shots);
    }
    return rc;
}

/* Those of single rows. Shots are in order of row, set and place. */
static int load_own_sets(job *j, ken_err *err)
{
    ken_stored_shot *shot;
    size_t n, shots = (size_t)j->setup.shots;
    int rc = ken_store_get_own_shots(j->store, &j->arena, &shot, &n, err);
    if (rc != KEN_OK || n == 0) return rc;
    const ken_example **x = ken_arena_alloc(&j->arena, n, sizeof *x);
    j->stored_own = ken_arena_alloc(&j->arena, n, sizeof *j->stored_own);
    if (x == NULL || j->stored_own == NULL) return ken_fail_nomem(err, "exemplars");
    for (size_t i = 0; i < n; i++) {
        x[i] = &shot[i].x;
        if (i % shots == 0) j->stored_own[j->n_stored_own++] = (ken_own_set){shot[i].of, shot[i].set, x + i};
        const ken_own_set *o = &j->stored_own[j->n_stored_own - 1];
        if (strcmp(o->id, shot[i].of) != 0 || o->set != shot[i].set || (i + 1 == n && n % shots != 0))
            return ken_fail(err, KEN_EINPUT, "the run is damaged: row \"%s\" has exemplars that are no sets of %zu",
                            shot[i].of, shots);
    }
    return KEN_OK;
}

static bool same_exemplar(const ken_example *a, const ken_example *b)
{
    return strcmp(a->relation, b->relation) == 0 && strcmp(a->question, b->question) == 0 &&
           strcmp(a->answers[0], b->answers[0]) == 0 && (a->subject == NULL) == (b->subject == NULL) &&
           (a->subject == NULL || strcmp(a->subject, b->subject) == 0);
}

/* Notes each exemplar of the run that the draw from the data as they are would replace; *any: there is one. */
static int compare_exemplars(job *j, bool *any, ken_err *err)
{
    int rc = KEN_OK;
    for (size_t i = 0; i < j->n_stored && rc == KEN_OK; i++) {
        const ken_exemplars *old = &j->stored[i], *now = ken_exemplar_sets_for(j->exemplars, old->relation);
        for (size_t k = 0; now != NULL && k < (size_t)old->n_sets * (size_t)old->shots && rc == KEN_OK; k++) {
            const ken_example *x = old->shot[k], *y = now->shot[k];
            if (same_exemplar(x, y)) continue;
            *any = true;
            rc = ken_store_note_change(j->store, "exemplar", x->id, err);
        }
    }
    return rc;
}

/* The same where rows are each other's exemplars: each of the run's must still stand in the data as it was shown. */
static int compare_with_data(job *j, ken_err *err)
{
    const size_t n = ken_data_count(j->data);
    ken_strmap *at = ken_strmap_new(n);
    int rc = at == NULL ? ken_fail_nomem(err, "exemplars") : KEN_OK;
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        const char *id = ken_data_get(j->data, i)->id;
        if (ken_strmap_add(at, id, strlen(id), (int32_t)i) < 0) rc = ken_fail_nomem(err, "exemplars");
    }
    for (size_t i = 0; i < j->n_stored && rc == KEN_OK; i++)
        for (size_t k = 0; k < (size_t)j->stored[i].n_sets * (size_t)j->stored[i].shots && rc == KEN_OK; k++) {
            const ken_example *x = j->stored[i].shot[k];
            int32_t now = ken_strmap_get(at, x->id, strlen(x->id), -1);
            bool foreign = (j->stored[i].flags & KEN_FLAG_EXEMPLARS_FOREIGN) != 0; /* perhaps of other data */
            if (now >= 0 ? !same_exemplar(x, ken_data_get(j->data, (size_t)now)) : !foreign)
                rc = ken_store_note_change(j->store, "exemplar", x->id, err);
        }
    ken_strmap_free(at);
    return rc;
}

static int note_added(job *j, ken_err *err)
{
    const size_t n = ken_data_count(j->data);
    const char **id = ken_alloc(n, sizeof *id);
    if (id == NULL) return ken_fail_nomem(err, "rows");
    for (size_t i = 0; i < n; i++) id[i] = ken_data_get(j->data, i)->id;
    int rc = ken_store_note_added(j->store, id, n, err);
    ken_free(id);
    return rc;
}

/* A run keeps its exemplars: its rows were asked with them in the prompt, and so are new ones, although the data may have changed. Rows
 * that the data have otherwise now are removed, to be computed again. Equal data change nothing here. */
static int update_run(job *j, ken_err *err)
{
    ken_stored_shot *shot;
    size_t n = 0, rows = ken_data_count(j->data);
    bool other = false;
    int rc = note_added(j, err);
    if (rc == KEN_OK) rc = ken_store_get_exemplars(j->store, &j->arena, &shot, &n, err);
    if (rc == KEN_OK && n > 0) rc = load_exemplars(j, shot, n, err);
    if (rc == KEN_OK && n > 0) rc = load_own_sets(j, err);
    if (rc == KEN_OK && n > 0 && j->setup.exemplars != KEN_CROSS_FITTED) rc = compare_exemplars(j, &other, err);
    if (rc == KEN_OK && n > 0 && j->setup.exemplars == KEN_CROSS_FITTED) {
        rc = compare_with_data(j, err);
        if (rc == KEN_OK) rc = plan_rows(j, err); /* with the sets that it has */
    }
    if (rc == KEN_OK && other) {
        char asked[32];
        rc = plan_rows(j, err);
        snprintf(asked, sizeof asked, "%zu", j->setup.n_rows);
        if (rc == KEN_OK) rc = ken_store_set(j->store, KEN_SETTING_ROWS, asked, err);
    }
    ken_identifier_exemplars(j->identifier, j->exemplars, j->stored, j->n_stored);
    if (rc != KEN_OK || ken_store_count(j->store) == 0) return rc;
    ken_store_row *now_there = ken_alloc(rows, sizeof *now_there);
    if (now_there == NULL) return ken_fail_nomem(err, "rows");
    for (size_t i = 0; i < rows && rc == KEN_OK; i++) {
        ken_identity id;
        rc = ken_identify(j->identifier, i, &id, err);
        now_there[i].id = ken_data_get(j->data, i)->id;
        memcpy(now_there[i].identity, id.row, sizeof id.row);
    }
    if (rc == KEN_OK) rc = ken_store_revise(j->store, now_there, rows, err);
    ken_free(now_there);
    return rc == KEN_OK ? ken_store_commit(j->store, err) : rc;
}

/* Are rows that repeat computed once? Not where samples, options or other subjects are drawn with the row's own id. */
static bool may_share(const job *j, const ken_example *x)
{
    return !j->setup.method->own_draws && !j->setup.control && x->n_choices == 0;
}

/* Rows not in the run yet, and which of them are twins: one is computed, each gets its own row with its own draw. */
static int list_todo(job *j, ken_err *err)
{
    const size_t *rows;
    size_t n = ken_exemplar_sets_rows(j->exemplars, &rows);
    j->todo = ken_alloc(n, sizeof *j->todo);
    j->twin = ken_alloc(n, sizeof *j->twin);
    j->is_twin = ken_calloc(n, sizeof *j->is_twin);
    size_t *last = ken_alloc(n, sizeof *last); /* of a first twin: the last one of its chain so far */
    ken_strmap *seen = ken_strmap_new(1024);
    int rc = KEN_OK;
    if (j->todo == NULL || j->twin == NULL || j->is_twin == NULL || last == NULL || seen == NULL)
        rc = ken_fail_nomem(err, "rows");
    for (size_t i = 0; i < n && rc == KEN_OK; i++) {
        const ken_example *x = ken_data_get(j->data, rows[i]);
        if (ken_store_has(j->store, x->id)) continue;
        size_t at = j->n_todo++;
        j->todo[at] = rows[i];
        j->twin[at] = -1;
        last[at] = at;
        if (!may_share(j, x)) continue;
        ken_identity id;
        rc = ken_identify(j->identifier, rows[i], &id, err);
        char *key = rc == KEN_OK ? ken_arena_strndup(&j->arena, id.computed, 64) : NULL;
        if (rc == KEN_OK && key == NULL) rc = ken_fail_nomem(err, "rows");
        if (rc != KEN_OK) break;
        int32_t first = ken_strmap_get(seen, key, 64, -1);
        if (first >= 0) {
            j->twin[last[first]] = (int64_t)at;
            last[first] = at;
            j->is_twin[at] = true;
        } else if (ken_strmap_add(seen, key, 64, (int32_t)at) < 0) rc = ken_fail_nomem(err, "rows");
    }
    ken_free(last);
    ken_strmap_free(seen);
    j->watch.now.total = n;
    j->watch.now.done = n - j->n_todo;
    if (rc == KEN_OK) ken_store_counts(j->store, j->watch.now.counts);
    return rc;
}

/* The text of a set, up to the question. */
static int set_text(const job *j, const ken_exemplars *ex, int set, ken_buf *text, ken_err *err)
{
    const ken_example *shots[KEN_MAX_SHOTS];
    int n = ken_exemplars_get(ex, set, shots);
    ken_buf_clear(text);
    ken_prompt_text(&j->setup.style, shots, n, NULL, text);
    return text->failed ? ken_fail_nomem(err, "exemplars") : KEN_OK;
}

static int store_sets(job *j, const ken_exemplars *ex, ken_buf *text, ken_err *err)
{
    int rc = KEN_OK;
    for (int s = 0; ex != NULL && s < ex->n_sets && rc == KEN_OK; s++) {
        rc = set_text(j, ex, s, text, err);
        if (rc == KEN_OK)
            rc = ken_store_put_exemplars(j->store, ex->relation, s, ex->shot + (size_t)s * (size_t)ex->shots, ex->shots,
                                         ken_buf_str(text), err);
    }
    return rc;
}

/* The sets in which a row differs from its relation's. */
static int store_own_sets(job *j, const char *id, const ken_exemplars *own, const ken_exemplars *shared, ken_buf *text,
                          ken_err *err)
{
    int rc = KEN_OK;
    for (int s = 0; s < own->n_sets && rc == KEN_OK; s++) {
        const size_t at = (size_t)s * (size_t)own->shots;
        if (memcmp(own->shot + at, shared->shot + at, (size_t)own->shots * sizeof *own->shot) == 0) continue;
        rc = set_text(j, own, s, text, err);
        if (rc == KEN_OK)
            rc = ken_store_put_own_set(j->store, id, s, own->shot + at, own->shots, ken_buf_str(text), err);
    }
    return rc;
}

/* Writes the exemplar sets of every relation and row that are computed now. */
static int store_exemplars(job *j, ken_err *err)
{
    const char *before = NULL;
    ken_buf text = {0};
    int rc = KEN_OK;
    for (size_t i = 0; i < j->n_todo && rc == KEN_OK && j->setup.shots > 0; i++) {
        const ken_example *x = ken_data_get(j->data, j->todo[i]);
        if (x->n_choices > 0) continue;
        const ken_exemplars *own = ken_exemplar_sets_row(j->exemplars, j->todo[i]),
                            *shared = ken_exemplar_sets_for(j->exemplars, x->relation);
        if (before == NULL || strcmp(before, x->relation) != 0) rc = store_sets(j, shared, &text, err);
        before = x->relation;
        if (rc == KEN_OK && j->n_stored_own > 0) rc = ken_store_drop_own_sets(j->store, x->id, err); /* of before */
        if (rc == KEN_OK && own != shared) rc = store_own_sets(j, x->id, own, shared, &text, err);
    }
    ken_buf_free(&text);
    return rc;
}

/* ---- asking ------------------------------------------------------------------------------------------------------- */

static int commit(job *j, ken_err *err)
{
    uint64_t rows = ken_engine_get_stats(j->engine).positions;
    double t = ken_clock();
    int rc = ken_store_add_cost(j->store, rows - j->rows_booked, t - j->watch.began - j->seconds_booked, err);
    if (rc == KEN_OK) rc = ken_store_commit(j->store, err);
    if (rc != KEN_OK) return rc;
    j->rows_booked = rows;
    j->seconds_booked = t - j->watch.began;
    j->committed = t;
    return KEN_OK;
}

/* The finished task of todo[at], for the row and its twins. */
static int store_rows(job *j, ken_question *t, size_t at, ken_err *err)
{
    for (int64_t i = (int64_t)at; i >= 0; i = j->twin[i]) {
        ken_row row;
        const ken_example *x = ken_data_get(j->data, j->todo[i]);
        ken_identity id;
        int rc = ken_task_row(t, x, &row, err);
        if (rc == KEN_OK) rc = ken_identify(j->identifier, j->todo[i], &id, err);
        row.identity = id.row;
        row.asked = id.asked;
        if (rc == KEN_OK) rc = ken_store_put_row(j->store, j->todo[i], &row, err);
        if (rc != KEN_OK) return rc;
        j->watch.now.done++;
        j->watch.now.counts[row.category]++;
    }
    return KEN_OK;
}

static int start(void *ctx, size_t at, ken_question **q, ken_err *err)
{
    job *j = ctx;
    *q = NULL;
    if (j->is_twin[at]) return KEN_OK;
    return ken_task_new(q, &j->context, ken_data_get(j->data, j->todo[at]), j->todo[at], err);
}

static int result(void *ctx, size_t at, ken_question *q, ken_err *err)
{
    int rc = store_rows(ctx, q, at, err);
    ken_question_free(q);
    return rc;
}

static int between(void *ctx, ken_err *err)
{
    job *j = ctx;
    int rc = ken_clock() - j->committed > COMMIT_SECONDS ? commit(j, err) : KEN_OK;
    j->watch.now.token_forwards = ken_engine_get_stats(j->engine).positions;
    j->watch.now.work = (uint64_t)j->work.done;
    j->watch.now.work_total = (uint64_t)j->work.total;
    return rc == KEN_OK ? ken_watch_check(&j->watch, err) : rc;
}

/* For the progress: what the prompts of all rows will cost. */
static int expect_work(job *j, ken_err *err)
{
    size_t n = 0, *row = ken_alloc(j->n_todo, sizeof *row);
    if (row == NULL) return ken_fail_nomem(err, "rows");
    for (size_t i = 0; i < j->n_todo; i++)
        if (!j->is_twin[i]) row[n++] = j->todo[i];
    int rc = ken_cost_prompts(&j->context, row, n, &j->work.first, err);
    ken_free(row);
    return rc;
}

static int ask(job *j, ken_err *err)
{
    const ken_asking a = {.engine = j->engine,
                          .n = j->n_todo,
                          .start = start,
                          .result = result,
                          .between = between,
                          .ctx = j,
                          .work = &j->work};
    int rc = expect_work(j, err);
    if (rc == KEN_OK) rc = ken_watch_stage(&j->watch, "annotating", j->watch.now.done, j->watch.now.total, err);
    return rc == KEN_OK ? ken_ask_all(&a, err) : rc;
}

static void clean_up(job *j)
{
    ken_engine_free(j->engine);
    ken_net_free(j->net);
    ken_identifier_free(j->identifier);
    ken_exemplar_sets_free(j->exemplars);
    ken_settings_free(&j->setup);
    void *all[] = {j->todo, j->twin, j->is_twin};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) ken_free(all[i]);
    ken_arena_free(&j->arena);
}

int ken_annotate(ken_model *m, const ken_data *d, const ken_annotate_options *given, const char *run_path, ken_err *err)
{
    ken_annotate_options own = ken_annotate_defaults();
    const ken_annotate_options *o = &own;
    int rc = KEN_TAKE_OPTIONS(&own, given, ken_annotate_options, err);
    if (rc != KEN_OK) return rc;
    job j = {.o = o, .model = m, .data = d, .watch = {o->poll, o->progress, o->ctx, ken_clock(), {0}}};
    j.committed = j.watch.began;
    const char *hash;
    rc = ken_settings_check(&j.setup, o, m, d, err);
    if (rc == KEN_OK) rc = plan_rows(&j, err);
    if (rc == KEN_OK) rc = ken_store_probe(run_path, err); /* before the model is read, which may take minutes */
    if (rc == KEN_OK) rc = ken_watch_stage(&j.watch, "hashing the model", 0, 0, err);
    if (rc == KEN_OK) rc = ken_model_hash(m, &hash, err);
    if (rc == KEN_OK) rc = ken_watch_stage(&j.watch, "unpacking the model", 0, 0, err);
    if (rc == KEN_OK) rc = ken_annotate_net(&j.net, m, o, &j.setup, &j.watch, err);
    if (rc == KEN_OK) rc = ken_identifier_new(&j.identifier, &j.setup, d, o->exemplars, err);
    if (rc == KEN_OK) rc = open_store(&j, run_path, err);
    if (rc == KEN_OK) rc = update_run(&j, err);
    if (rc == KEN_OK) rc = list_todo(&j, err);
    if (rc == KEN_OK && j.n_todo > 0) {
        rc = store_exemplars(&j, err);
        if (rc == KEN_OK) rc = ken_annotate_engine(&j.engine, j.net, o, m, err);
        if (rc == KEN_OK) {
            j.context = (ken_task_context){
                .engine = j.engine, .setup = &j.setup, .data = d, .exemplars = j.exemplars, .other = o->exemplars};
            rc = ask(&j, err);
        }
        /* Finished rows are saved, whatever ended the loop. A failure to commit matters more than a request to stop. */
        ken_err second;
        if (j.engine != NULL && (rc == KEN_OK || rc == KEN_ESTOP)) {
            int rc2 = commit(&j, &second);
            if (rc2 != KEN_OK) rc = ken_fail(err, rc2, "%s", second.msg);
        }
    }
    if (j.store != NULL) {
        ken_err second;
        int rc2 = ken_store_close(j.store, &second);
        if (rc == KEN_OK && rc2 != KEN_OK) rc = ken_fail(err, rc2, "%s", second.msg);
    }
    clean_up(&j);
    return rc;
}
