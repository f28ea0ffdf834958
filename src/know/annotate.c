/* annotate.c - the main job: rows in, labels out; ken_annotate of ken.h.
 *
 * One loop: admit rows until the next wave is full, forward it, let every row that got all its answers take its next step, write down
 * the finished ones. Which rows share a wave changes nothing but the time (design.md 3.1). Finished rows are committed about once a
 * second, so a kill loses at most that second of work and nothing that was reported. */
#include "base/alloc.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "know/task.h"
#include <string.h>
#include <time.h>

#define COMMIT_SECONDS 1.0
#define GROWTH         1.7 /* rows of a task in the end, as a multiple of those of its prompts: answers and texts come behind */
#define CACHE_SHARE                                                                                                    \
    0.9 /* of the slots: more open tasks would push each other's prompts out, which costs forwards, not results */

typedef struct job {
    const ken_annotate_options *o;
    ken_model *model;
    const ken_data *data;
    ken_plan_of_run plan;
    ken_net *net;
    ken_engine *engine;
    ken_exemplar_plan *exemplars;
    ken_task_context context;
    ken_store *store;
    ken_arena arena;
    size_t *todo; /* (n_todo) indices into data of rows to compute, data order */
    size_t n_todo;
    int64_t *twin; /* (n_todo) the next entry of todo with the same question and answers, or -1 */
    bool *is_twin; /* (n_todo) it follows another one: computed with that */
    ken_task **open;
    size_t *open_at;    /* which entry of todo */
    int32_t *open_rows; /* rows it asked for at first */
    size_t n_open, cap_open, cap_open_at, cap_open_rows;
    double cached; /* slots that the open tasks are expected to use in the end */
    double began, committed;
    uint64_t rows_booked; /* token forwards already added to the store */
    double seconds_booked;
    ken_progress progress;
} job;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int poll_and_report(void *ctx) /* also what the network asks between its layers */
{
    job *j = ctx;
    j->progress.seconds = now() - j->began;
    if (j->engine != NULL) j->progress.token_forwards = ken_engine_get_stats(j->engine).rows;
    if (j->o->progress != NULL) j->o->progress(j->o->ctx, &j->progress);
    return j->o->poll != NULL && j->o->poll(j->o->ctx);
}

static int stage(job *j, const char *name, ken_err *err)
{
    j->progress.stage = name;
    return poll_and_report(j) ? ken_fail(err, KEN_ESTOP, "stopped") : KEN_OK;
}

ken_annotate_options ken_annotate_defaults(void)
{
    return (ken_annotate_options){.shots = 4,
                                  .prompts = 10,
                                  .samples = 16,
                                  .top_k = 40,
                                  .max_new = 32,
                                  .temperature = 0.5,
                                  .matcher = "em-squad",
                                  .texts = true,
                                  .compute = "f32"};
}

/* ---- getting ready -------------------------------------------------------------------------------------------------- */

static int plan_rows(job *j, ken_err *err)
{
    const ken_annotate_options *o = j->o;
    const ken_exemplar_options x = ken_settings_exemplars(o);
    const size_t *rows;
    int rc = ken_exemplar_plan_new(&j->exemplars, j->data, &x, err);
    if (rc == KEN_OK) j->plan.n_rows = ken_exemplar_plan_rows(j->exemplars, &rows);
    return rc;
}

static int make_net(job *j, ken_err *err)
{
    ken_net_options n = {.threads = j->o->threads, .isa = j->plan.isa, .poll = poll_and_report, .ctx = j};
    return ken_net_new(&j->net, j->model, &n, err);
}

static int make_engine(job *j, ken_err *err)
{
    ken_engine_options e = {0};
    if (j->o->memory > 0) {
        size_t slots = j->o->memory / ken_kv_slot_bytes(ken_model_config(j->model));
        e.slots = slots > INT32_MAX ? INT32_MAX : (int32_t)slots;
    }
    return ken_engine_new(&j->engine, j->net, &e, err);
}

static int open_store(job *j, const char *path, ken_err *err)
{
    char data_hash[65], exemplars_hash[65] = "";
    ken_setting *settings;
    size_t n;
    int rc = ken_settings_data_hash(j->data, data_hash, err);
    if (rc == KEN_OK && j->o->exemplars != NULL) rc = ken_settings_data_hash(j->o->exemplars, exemplars_hash, err);
    if (rc == KEN_OK)
        rc = ken_settings_list(&j->plan, j->o, j->model, ken_net_gemm_name(j->net), j->data, data_hash, exemplars_hash,
                               &j->arena, &settings, &n, err);
    return rc == KEN_OK ? ken_store_open(&j->store, path, settings, n, err) : rc;
}

/* Rows not in the run yet, and which of them are twins: one is computed, each gets its own row with its own draw. */
static int list_todo(job *j, ken_err *err)
{
    const size_t *rows;
    size_t n = ken_exemplar_plan_rows(j->exemplars, &rows);
    j->todo = ken_alloc(n, sizeof *j->todo);
    j->twin = ken_alloc(n, sizeof *j->twin);
    j->is_twin = ken_calloc(n, sizeof *j->is_twin);
    size_t *last = ken_alloc(n, sizeof *last); /* of a first twin: the last one of its chain so far */
    ken_strmap *seen = ken_strmap_new(1024);
    ken_buf key = {0};
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
        if (j->plan.sample || x->n_choices > 0) continue; /* samples and options are drawn with the row's own id */
        ken_buf_clear(&key);
        ken_buf_printf(&key, "%s%c%s", x->relation, 1, x->question);
        for (int a = 0; a < x->n_answers; a++) ken_buf_printf(&key, "%c%s", 1, x->answers[a]);
        char *kept = key.failed ? NULL : ken_arena_strndup(&j->arena, ken_buf_str(&key), key.len);
        if (kept == NULL) {
            rc = ken_fail_nomem(err, "rows");
            break;
        }
        int32_t first = ken_strmap_get(seen, kept, key.len, -1);
        if (first >= 0) {
            j->twin[last[first]] = (int64_t)at;
            last[first] = at;
            j->is_twin[at] = true;
        } else if (ken_strmap_add(seen, kept, key.len, (int32_t)at) < 0) rc = ken_fail_nomem(err, "rows");
    }
    ken_free(last);
    ken_strmap_free(seen);
    ken_buf_free(&key);
    j->progress.total = n;
    j->progress.done = n - j->n_todo;
    if (rc == KEN_OK) ken_store_counts(j->store, j->progress.counts);
    return rc;
}

/* Writes the exemplar sets of every relation that has rows to compute. */
static int store_exemplars(job *j, ken_err *err)
{
    const char *before = NULL;
    ken_buf text = {0};
    int rc = KEN_OK;
    for (size_t i = 0; i < j->n_todo && rc == KEN_OK && j->plan.shots > 0; i++) {
        const ken_example *x = ken_data_get(j->data, j->todo[i]);
        if (x->n_choices > 0 || (before != NULL && strcmp(before, x->relation) == 0)) continue;
        before = x->relation;
        const ken_exemplars *ex = ken_exemplar_plan_for(j->exemplars, x->relation);
        for (int s = 0; ex != NULL && s < ex->n_sets && rc == KEN_OK; s++) {
            const char *ids[64];
            const ken_example *shots[64];
            for (int k = 0; k < ex->shots; k++) {
                shots[k] = ken_data_get(ex->from, ex->rows[(size_t)s * (size_t)ex->shots + (size_t)k]);
                ids[k] = shots[k]->id;
            }
            ken_buf_clear(&text);
            ken_prompt_text(&j->plan.style, shots, ex->shots, NULL, &text);
            rc = text.failed
                     ? ken_fail_nomem(err, "exemplars")
                     : ken_store_put_exemplars(j->store, x->relation, s, ids, ex->shots, ken_buf_str(&text), err);
        }
    }
    ken_buf_free(&text);
    return rc;
}

/* ---- the loop ------------------------------------------------------------------------------------------------------- */

static int commit(job *j, ken_err *err)
{
    uint64_t rows = ken_engine_get_stats(j->engine).rows;
    double t = now();
    int rc = ken_store_add_cost(j->store, rows - j->rows_booked, t - j->began - j->seconds_booked, err);
    if (rc == KEN_OK) rc = ken_store_commit(j->store, err);
    if (rc != KEN_OK) return rc;
    j->rows_booked = rows;
    j->seconds_booked = t - j->began;
    j->committed = t;
    return KEN_OK;
}

/* The finished task of todo[at], for the row and its twins. */
static int write_down(job *j, ken_task *t, size_t at, ken_err *err)
{
    for (int64_t i = (int64_t)at; i >= 0; i = j->twin[i]) {
        ken_row row;
        const ken_example *x = ken_data_get(j->data, j->todo[i]);
        int rc = ken_task_row(t, x, &row, err);
        if (rc == KEN_OK) rc = ken_store_put_row(j->store, j->todo[i], &row, err);
        if (rc != KEN_OK) return rc;
        j->progress.done++;
        j->progress.counts[row.category]++;
    }
    return KEN_OK;
}

static int admit(job *j, size_t *next, ken_err *err)
{
    while (*next < j->n_todo && ken_engine_backlog(j->engine) < ken_engine_wave_rows(j->engine) &&
           (j->n_open == 0 || j->cached < CACHE_SHARE * ken_engine_slots(j->engine))) {
        size_t at = (*next)++;
        if (j->is_twin[at]) continue;
        if (ken_grow((void **)&j->open, &j->cap_open, j->n_open + 1, sizeof *j->open) != 0 ||
            ken_grow((void **)&j->open_at, &j->cap_open_at, j->n_open + 1, sizeof *j->open_at) != 0 ||
            ken_grow((void **)&j->open_rows, &j->cap_open_rows, j->n_open + 1, sizeof *j->open_rows) != 0)
            return ken_fail_nomem(err, "rows");
        int32_t before = ken_engine_backlog(j->engine);
        int rc = ken_task_new(&j->open[j->n_open], &j->context, ken_data_get(j->data, j->todo[at]), j->todo[at], err);
        if (rc != KEN_OK) return rc;
        j->open_rows[j->n_open] = ken_engine_backlog(j->engine) - before;
        j->cached += GROWTH * j->open_rows[j->n_open];
        j->open_at[j->n_open++] = at;
    }
    return KEN_OK;
}

/* Every task that has its answers takes its next step; finished ones leave. */
static int advance(job *j, ken_err *err)
{
    size_t keep = 0;
    int rc = KEN_OK;
    for (size_t i = 0; i < j->n_open; i++) {
        ken_task *t = j->open[i];
        if (rc == KEN_OK && !ken_task_done(t) && ken_task_waiting(t) == 0) rc = ken_task_advance(t, err);
        if (rc == KEN_OK && ken_task_done(t)) {
            rc = write_down(j, t, j->open_at[i], err);
            ken_task_free(t);
            j->cached -= GROWTH * j->open_rows[i];
            continue;
        }
        j->open[keep] = t;
        j->open_rows[keep] = j->open_rows[i];
        j->open_at[keep++] = j->open_at[i];
    }
    j->n_open = keep;
    return rc;
}

static int loop(job *j, ken_err *err)
{
    size_t next = 0;
    int rc = stage(j, "annotating", err);
    while (rc == KEN_OK && (next < j->n_todo || j->n_open > 0)) {
        rc = admit(j, &next, err);
        if (rc == KEN_OK) rc = ken_engine_wave(j->engine, err);
        if (rc == KEN_OK) rc = advance(j, err);
        if (rc == KEN_OK && now() - j->committed > COMMIT_SECONDS) rc = commit(j, err);
        if (rc == KEN_OK && poll_and_report(j)) rc = ken_fail(err, KEN_ESTOP, "stopped");
    }
    return rc;
}

static void clean_up(job *j)
{
    for (size_t i = 0; i < j->n_open; i++) ken_task_free(j->open[i]);
    ken_engine_free(j->engine);
    ken_net_free(j->net);
    ken_exemplar_plan_free(j->exemplars);
    void *all[] = {j->todo, j->twin, j->is_twin, j->open, j->open_at, j->open_rows};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) ken_free(all[i]);
    ken_arena_free(&j->arena);
}

int ken_annotate(ken_model *m, const ken_data *d, const ken_annotate_options *o, const char *run_path, ken_err *err)
{
    job j = {.o = o, .model = m, .data = d, .began = now()};
    j.committed = j.began;
    const char *hash;
    int rc = ken_settings_check(&j.plan, o, m, err);
    if (rc == KEN_OK) rc = plan_rows(&j, err);
    if (rc == KEN_OK) rc = ken_store_probe(run_path, err); /* before the model is read, which may take minutes */
    if (rc == KEN_OK) rc = stage(&j, "hashing the model", err);
    if (rc == KEN_OK) rc = ken_model_hash(m, &hash, err);
    if (rc == KEN_OK) rc = stage(&j, "unpacking the model", err);
    if (rc == KEN_OK) rc = make_net(&j, err);
    if (rc == KEN_OK) rc = open_store(&j, run_path, err);
    if (rc == KEN_OK) rc = list_todo(&j, err);
    if (rc == KEN_OK && j.n_todo > 0) {
        rc = store_exemplars(&j, err);
        if (rc == KEN_OK) rc = make_engine(&j, err);
        if (rc == KEN_OK) {
            j.context = (ken_task_context){j.engine, &j.plan, d, j.exemplars, o->exemplars, NULL};
            rc = loop(&j, err);
        }
        /* What is finished is kept, whatever ended the loop. A failure to commit matters more than a request to stop. */
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
