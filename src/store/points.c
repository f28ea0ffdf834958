/* points.c - reading what a training or an evaluation measured: ken_run_point and its like in ken.h.
 *
 * Points are kept (they are few); everything else is fetched when it is asked for. As in run.c everything in the file is checked:
 * keys must ascend (which also ends a walk in a tree that is tied into a loop), and counts must fit each other. */
#include "base/alloc.h"
#include "store/run.h"
#include "store/tuning.h"
#include <math.h>
#include <string.h>

const char *ken_run_kind(const ken_run *r)
{
    const char *kind = ken_run_setting(r, KEN_SETTING_KIND);
    return kind != NULL ? kind : "annotate";
}

int ken_run_need_annotation(const ken_run *r, ken_err *err)
{
    const char *kind = ken_run_kind(r);
    if (strcmp(kind, "annotate") == 0) return KEN_OK;
    return ken_fail(err, KEN_EINPUT, "%s: %s, not an annotation; see `ken_views_of_run`", r->path,
                    strcmp(kind, KEN_KIND_TRAIN) == 0  ? "a training"
                    : strcmp(kind, KEN_KIND_EVAL) == 0 ? "an evaluation"
                                                       : "a run of unknown kind");
}

size_t ken_run_n_points(const ken_run *r) { return r->n_points; }
const ken_point *ken_run_point(const ken_run *r, size_t i) { return i < r->n_points ? &r->points[i] : NULL; }
size_t ken_run_n_trained(const ken_run *r) { return r->n_trained; }

/* ---- opening -------------------------------------------------------------------------------------------------------- */

static int read_point(ken_run *r, ken_cursor *c, ken_err *err)
{
    int64_t before = r->n_points == 0 ? -1 : r->points[r->n_points - 1].step;
    if (r->n_points == KEN_STORE_MAX_POINTS)
        return ken_fail(err, KEN_EINPUT, "%s: the run is damaged: more than %d points", r->path, KEN_STORE_MAX_POINTS);
    if (ken_grow((void **)&r->points, &r->cap_points, r->n_points + 1, sizeof *r->points) != 0)
        return ken_fail_nomem(err, r->path);
    ken_point *p = &r->points[r->n_points];
    p->step = ken_cursor_int(c, "the order", before + 1, INT64_MAX);
    p->epoch = ken_cursor_real(c, "the epoch");
    p->lr = ken_cursor_real(c, "the learning rate");
    p->loss = ken_cursor_real(c, "the loss");
    p->kl = ken_cursor_real(c, "the divergence");
    p->grad_norm = ken_cursor_real(c, "the gradient norm");
    p->seconds = ken_cursor_real(c, "the time");
    p->examples = (uint64_t)ken_cursor_int(c, "the number of examples", 0, INT64_MAX);
    p->tokens = (uint64_t)ken_cursor_int(c, "the number of tokens", 0, INT64_MAX);
    p->forwards = (uint64_t)ken_cursor_int(c, "the number of forwards", 0, INT64_MAX);
    p->best = ken_cursor_bool(c, "a mark");
    p->last = ken_cursor_bool(c, "a mark");
    p->kl_base = ken_cursor_real(c, "the divergence from the base");
    p->kl_positions = (uint64_t)ken_cursor_int(c, "the number of positions", 0, INT64_MAX);
    if (!(p->epoch >= 0.0 && isfinite(p->epoch))) ken_cursor_spoil(c, "the epoch");
    if (!(p->seconds >= 0.0 && isfinite(p->seconds))) ken_cursor_spoil(c, "the time");
    r->n_points++;
    return KEN_OK;
}

int ken_run_scan_points(ken_run *r, ken_err *err)
{
    ken_cursor c = {.r = r, .of_step = true};
    int rc = ken_schema_prepare(r->db, r->path,
                                r->format < KEN_FORMAT_DIVERGENCES
                                    ? "SELECT step, epoch, lr, loss, kl, grad_norm, seconds, examples, tokens, "
                                      "forwards, best, last, NULL, 0 FROM points ORDER BY step"
                                    : "SELECT step, epoch, lr, loss, points.kl, grad_norm, seconds, examples, tokens, "
                                      "forwards, best, last, divergences.kl, ifnull(positions, 0) FROM points LEFT "
                                      "JOIN divergences USING (step) ORDER BY step",
                                &c.q, err);
    int there = 0;
    while (rc == KEN_OK &&
           (there = ken_cursor_next(&c, r->n_points == 0 ? 0 : r->points[r->n_points - 1].step, err)) > 0)
        rc = read_point(r, &c, err);
    if (there < 0) rc = c.status;
    sqlite3_finalize(c.q);
    if (rc != KEN_OK) return rc;

    c = (ken_cursor){.r = r};
    rc = ken_schema_prepare(r->db, r->path, "SELECT ifnull(max(place), -1) FROM trained", &c.q, err);
    if (rc == KEN_OK) {
        there = ken_cursor_next(&c, 0, err);
        int64_t most = there > 0 ? ken_cursor_int(&c, "number of training rows", -1, KEN_STORE_MAX_TRAINED - 1) : -1;
        if (there > 0) there = ken_cursor_next(&c, 0, err);
        if (there < 0) rc = c.status;
        r->n_trained = (size_t)(most + 1);
    }
    sqlite3_finalize(c.q);
    return rc;
}

/* ---- measurements --------------------------------------------------------------------------------------------------- */

static int compare_keys(const ken_measure *a, const ken_measure *b)
{
    int c = strcmp(a->set, b->set);
    if (c == 0) c = strcmp(a->grouping, b->grouping);
    return c != 0 ? c : strcmp(a->key, b->key);
}

static void read_key(ken_cursor *c, ken_measure *m)
{
    m->set = ken_cursor_text(c, "the set", false);
    m->grouping = ken_cursor_text(c, "the grouping", false);
    m->key = ken_cursor_text(c, "the key", false);
}

static void read_measure(ken_cursor *c, ken_measure *m)
{
    *m = (ken_measure){0};
    read_key(c, m);
    m->n = (uint64_t)ken_cursor_int(c, "the number of rows", 0, INT64_MAX);
    int64_t n = (int64_t)m->n;
    m->hits = (uint64_t)ken_cursor_int(c, "the number of hits", 0, n);
    m->hits_raw = (uint64_t)ken_cursor_int(c, "the number of hits", 0, n);
    m->abstained = (uint64_t)ken_cursor_int(c, "the number of abstentions", 0, n);
    m->answered = (uint64_t)ken_cursor_int(c, "the number of answers", 0, n - (int64_t)m->abstained);
    m->loss = ken_cursor_real(c, "the loss");
    m->tokens = (uint64_t)ken_cursor_int(c, "the number of tokens", 0, INT64_MAX);
    m->bytes = (uint64_t)ken_cursor_int(c, "the number of bytes", 0, INT64_MAX);
    m->p = ken_cursor_real(c, "the probability");
}

/* Hits of the further matchers, into m (n), both in the order of the key. */
static int read_matched(ken_run *r, int64_t step, ken_measure *m, size_t n, ken_err *err)
{
    ken_cursor c = {.r = r, .of_step = true};
    int rc = ken_schema_prepare(r->db, r->path,
                                "SELECT set_name, grouping, key, n, matcher, hits FROM matched WHERE step = ?"
                                " ORDER BY set_name, grouping, key, n",
                                &c.q, err);
    if (rc == KEN_OK && sqlite3_bind_int64(c.q, 1, step) != SQLITE_OK) rc = ken_fail_nomem(err, r->path);
    int there = 0;
    size_t at = 0;
    if (m == NULL) n = 0;
    while (rc == KEN_OK && (there = ken_cursor_next(&c, step, err)) > 0) {
        ken_measure key;
        read_key(&c, &key);
        while (at < n && compare_keys(&m[at], &key) < 0) at++;
        if (at == n || compare_keys(&m[at], &key) != 0 || m[at].n_more == KEN_MORE_MATCHERS) {
            ken_cursor_spoil(&c, "a further matcher");
            continue;
        }
        int i = m[at].n_more++;
        ken_cursor_int(&c, "the order of the matchers", i, i);
        m[at].more[i].matcher = ken_cursor_text(&c, "the matcher", false);
        m[at].more[i].hits = (uint64_t)ken_cursor_int(&c, "the number of hits", 0, (int64_t)m[at].n);
    }
    if (there < 0) rc = c.status;
    sqlite3_finalize(c.q);
    return rc;
}

int ken_run_measures(ken_run *r, int64_t step, const ken_measure **m, size_t *n, ken_err *err)
{
    *m = NULL;
    *n = 0;
    ken_run_clear(r);
    if (r->format < 2) return KEN_OK;
    ken_cursor c = {.r = r, .of_step = true};
    int rc = ken_schema_prepare(r->db, r->path,
                                "SELECT set_name, grouping, key, n, hits, hits_raw, abstained, answered, loss, "
                                "tokens, bytes, p FROM measures"
                                " WHERE step = ? ORDER BY set_name, grouping, key",
                                &c.q, err);
    if (rc == KEN_OK && sqlite3_bind_int64(c.q, 1, step) != SQLITE_OK) rc = ken_fail_nomem(err, r->path);
    ken_measure *all = NULL;
    int count = 0, there = 0;
    while (rc == KEN_OK && (there = ken_cursor_next(&c, step, err)) > 0) {
        all = ken_run_push(r, all, count, sizeof *all);
        if (all == NULL || count == KEN_STORE_MAX_MEASURES) {
            c.nomem = all == NULL;
            ken_cursor_spoil(&c, "the number of measurements");
            continue; /* ken_cursor_next reports it */
        }
        read_measure(&c, &all[count]);
        if (c.bad == NULL && count > 0 && compare_keys(&all[count - 1], &all[count]) >= 0)
            ken_cursor_spoil(&c, "the order of the measurements");
        count++;
    }
    if (there < 0) rc = c.status;
    sqlite3_finalize(c.q);
    if (rc == KEN_OK && count > 0) rc = read_matched(r, step, all, (size_t)count, err);
    if (rc != KEN_OK) return rc;
    *m = all;
    *n = (size_t)count;
    return KEN_OK;
}

const ken_measure *ken_measure_find(const ken_measure *m, size_t n, const char *set, const char *grouping,
                                    const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(m[i].set, set) == 0 && strcmp(m[i].grouping, grouping) == 0 && strcmp(m[i].key, key) == 0)
            return &m[i];
    return NULL;
}

/* ---- rows that were trained on -------------------------------------------------------------------------------------- */

const ken_trained *ken_run_trained(ken_run *r, size_t i, ken_err *err)
{
    ken_run_clear(r);
    if (i >= r->n_trained) {
        ken_fail(err, KEN_EUSAGE, "%s: there is no training row %zu, the run has %zu", r->path, i, r->n_trained);
        return NULL;
    }
    if (ken_run_stopped(r, err)) return NULL;
    ken_cursor c = {.r = r};
    int64_t place = (int64_t)i;
    int rc = ken_schema_prepare(r->db, r->path,
                                r->format < KEN_FORMAT_SUBJECTS
                                    ? "SELECT id, relation, task, category, question, target, weight, NULL FROM trained"
                                      " WHERE place = ?"
                                    : "SELECT id, relation, task, category, question, target, weight, subject FROM "
                                      "trained LEFT JOIN subjects ON subjects.place = trained.place"
                                      " WHERE trained.place = ?",
                                &c.q, err);
    int there = -1;
    if (rc == KEN_OK && sqlite3_bind_int64(c.q, 1, place) != SQLITE_OK) ken_fail_nomem(err, r->path);
    else if (rc == KEN_OK) there = ken_cursor_next(&c, place, err);
    if (there == 0) ken_run_damaged(r, place, "the training data", err);
    bool good = there > 0;
    if (good) {
        ken_trained *t = &r->trained;
        t->id = ken_cursor_text(&c, "id", false);
        t->relation = ken_cursor_text(&c, "relation", false);
        t->task = ken_cursor_text(&c, "task", false);
        t->category = ken_cursor_group(&c, "category");
        t->question = ken_cursor_text(&c, "question", true);
        t->target = ken_cursor_text(&c, "target", true);
        t->weight = ken_cursor_real(&c, "weight");
        if (!(t->weight >= 0.0 && isfinite(t->weight))) ken_cursor_spoil(&c, "weight");
        t->subject = ken_cursor_text(&c, "subject", true);
        good = ken_cursor_next(&c, place, err) == 0;
    }
    sqlite3_finalize(c.q);
    return good ? &r->trained : NULL;
}

int ken_run_fit(ken_run *r, int64_t step, bool *fitted, bool *there, ken_err *err)
{
    *there = false;
    for (size_t i = 0; i < r->n_trained; i++) fitted[i] = false;
    if (r->format < 2) return KEN_OK;
    sqlite3_stmt *q = NULL;
    int rc = ken_schema_prepare(r->db, r->path, "SELECT n, bits FROM fits WHERE step = ?", &q, err);
    int code = SQLITE_DONE;
    if (rc == KEN_OK && (code = sqlite3_bind_int64(q, 1, step)) == SQLITE_OK) code = sqlite3_step(q);
    if (rc == KEN_OK && code == SQLITE_ROW) {
        bool counted = sqlite3_column_type(q, 0) == SQLITE_INTEGER && sqlite3_column_type(q, 1) == SQLITE_BLOB;
        int64_t n = counted ? sqlite3_column_int64(q, 0) : -1;
        const uint8_t *bits = counted ? sqlite3_column_blob(q, 1) : NULL;
        if (n < 0 || n > KEN_STORE_MAX_TRAINED || (size_t)n != r->n_trained ||
            sqlite3_column_bytes(q, 1) != (int)((n + 7) / 8) || (bits == NULL && n > 0))
            rc = ken_fail(err, KEN_EINPUT,
                          "%s: the run is damaged: the fit at step %lld is not that of its %zu training rows", r->path,
                          (long long)step, r->n_trained);
        else {
            for (size_t i = 0; i < r->n_trained; i++) fitted[i] = (bits[i / 8] >> (i % 8) & 1) != 0;
            *there = true;
        }
    } else if (rc == KEN_OK && code != SQLITE_DONE) rc = ken_schema_fail(r->db, code, r->path, err);
    sqlite3_finalize(q);
    return rc;
}

/* ---- rows that were asked ------------------------------------------------------------------------------------------- */

static int64_t read_evaluated(ken_cursor *c, ken_evaluated *e)
{
    *e = (ken_evaluated){.set = ken_cursor_text(c, "the set", false)};
    int64_t place = ken_cursor_int(c, "the place of a row", 0, INT64_MAX);
    e->id = ken_cursor_text(c, "the id of a row", false);
    e->relation = ken_cursor_text(c, "the relation of a row", false);
    e->split = ken_cursor_text(c, "the split of a row", false);
    e->category = ken_cursor_group(c, "the category of a row");
    e->popularity = ken_cursor_real(c, "the popularity of a row");
    e->question = ken_cursor_text(c, "a question", true);
    e->answer = ken_cursor_text(c, "an answer", true);
    e->text = ken_cursor_text(c, "a text", true);
    e->finish = ken_cursor_text(c, "the end of a text", false);
    e->hit = ken_cursor_bool(c, "a verdict");
    e->hit_raw = ken_cursor_bool(c, "a verdict");
    e->abstained = ken_cursor_bool(c, "a verdict");
    e->too_long = ken_cursor_bool(c, "a verdict");
    e->more = (uint32_t)ken_cursor_int(c, "the further verdicts", 0, UINT32_MAX);
    e->p = ken_cursor_p(c, "the probability of a row");
    return place;
}

int ken_run_evaluated(ken_run *r, int64_t step, int (*f)(void *ctx, const ken_evaluated *row, ken_err *err), void *ctx,
                      ken_err *err)
{
    ken_run_clear(r);
    if (r->format < 2) return KEN_OK;
    ken_cursor c = {.r = r, .of_step = true};
    int rc = ken_schema_prepare(r->db, r->path,
                                "SELECT set_name, place, id, relation, split, category, popularity, question, "
                                "answer, text, finish, hit, hit_raw, abstained, too_long, more, p FROM evaluated"
                                " WHERE step = ? ORDER BY set_name, place",
                                &c.q, err);
    if (rc == KEN_OK && sqlite3_bind_int64(c.q, 1, step) != SQLITE_OK) rc = ken_fail_nomem(err, r->path);
    int there = 0;
    char *set = NULL; /* of the row before */
    int64_t before = -1;
    while (rc == KEN_OK && (there = ken_cursor_next(&c, step, err)) > 0) {
        ken_evaluated e;
        ken_run_clear(r);
        int64_t place = read_evaluated(&c, &e);
        if (c.bad != NULL) continue; /* ken_cursor_next reports it */
        int order = set == NULL ? 1 : strcmp(e.set, set);
        if (order < 0 || (order == 0 && place <= before)) {
            ken_cursor_spoil(&c, "the order of the rows");
            continue;
        }
        if (order > 0) {
            ken_free(set);
            set = ken_strdup(e.set);
            if (set == NULL) rc = ken_fail_nomem(err, r->path);
        }
        before = place;
        if (rc == KEN_OK && ken_run_stopped(r, err)) rc = KEN_ESTOP;
        if (rc == KEN_OK) rc = f(ctx, &e, err);
    }
    if (there < 0) rc = c.status;
    sqlite3_finalize(c.q);
    ken_free(set);
    ken_run_clear(r);
    return rc;
}
