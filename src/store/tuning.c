/* tuning.c - see tuning.h. Statements are prepared when they are first needed: an annotation never needs them.
 *
 * Nothing is written that the reader (points.c) would refuse. */
#include "store/tuning.h"
#include "store/writer.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum {
    Q_HAS = KEN_STORE_TUNING,
    Q_POINT,
    Q_MEASURE,
    Q_MATCHED,
    Q_NO_MATCHED,
    Q_FIT,
    Q_TRAINED,
    Q_SUBJECT,
    Q_NO_SUBJECT,
    Q_EVALUATED,
    Q_MARK,
    Q_DROP,
    Q_DIVERGENCE,
    Q_END
};
_Static_assert((int)Q_END <= (int)KEN_STORE_OWN, "room for the statements");

static const char *const queries[Q_END - KEN_STORE_TUNING] = {
    [Q_HAS - KEN_STORE_TUNING] = "SELECT 1 FROM points WHERE step = ?",
    [Q_POINT - KEN_STORE_TUNING] = "INSERT OR REPLACE INTO points VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
    [Q_MEASURE - KEN_STORE_TUNING] = "INSERT OR REPLACE INTO measures VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [Q_MATCHED - KEN_STORE_TUNING] = "INSERT OR REPLACE INTO matched VALUES(?,?,?,?,?,?,?)",
    [Q_NO_MATCHED - KEN_STORE_TUNING] =
        "DELETE FROM matched WHERE step = ? AND set_name = ? AND grouping = ? AND key = ?",
    [Q_FIT - KEN_STORE_TUNING] = "INSERT OR REPLACE INTO fits VALUES(?,?,?)",
    [Q_TRAINED - KEN_STORE_TUNING] = "INSERT OR REPLACE INTO trained VALUES(?,?,?,?,?,?,?,?)",
    [Q_SUBJECT - KEN_STORE_TUNING] = "INSERT OR REPLACE INTO subjects VALUES(?,?)",
    [Q_NO_SUBJECT - KEN_STORE_TUNING] = "DELETE FROM subjects WHERE place = ?",
    [Q_EVALUATED - KEN_STORE_TUNING] = "INSERT OR REPLACE INTO evaluated VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [Q_MARK - KEN_STORE_TUNING] = "UPDATE points SET best = step = ?, last = step = ?",
    [Q_DROP - KEN_STORE_TUNING] = "DELETE FROM evaluated WHERE step < ? AND step <> ?",
    [Q_DIVERGENCE - KEN_STORE_TUNING] = "INSERT OR REPLACE INTO divergences VALUES(?,?,?)",
};

static sqlite3_stmt **query(ken_store *s, int which) { return &s->query[which]; }

/* In a transaction, with the statement ready. */
static int begin_with(ken_store *s, int which, ken_err *err)
{
    int rc = ken_store_begin(s, err);
    if (rc != KEN_OK) return rc;
    sqlite3_stmt **q = query(s, which);
    if (*q != NULL) return KEN_OK;
    int code = sqlite3_prepare_v3(s->db, queries[which - KEN_STORE_TUNING], -1, SQLITE_PREPARE_PERSISTENT, q, NULL);
    return code == SQLITE_OK ? KEN_OK : ken_store_break(s, code, err);
}

static int finish(ken_store *s, int code, ken_err *err)
{
    return code == SQLITE_OK ? KEN_OK : ken_store_break(s, code, err);
}

static int refuse(ken_store *s, int64_t step, const char *what, const char *fault, ken_err *err)
{
    return ken_fail(err, KEN_ESTATE, "%s: %s of step %" PRId64 " has no valid %s", s->path, what, step, fault);
}

/* Deletes what belongs to the steps that `where` names. */
static int delete_steps(ken_store *s, const char *const *from, size_t n, const char *where, int64_t step, ken_err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (s->format < KEN_FORMAT_DIVERGENCES && strcmp(from[i], "divergences") == 0) continue;
        char sql[120];
        sqlite3_snprintf((int)sizeof sql, sql, "DELETE FROM %s WHERE step %s %lld", from[i], where, (long long)step);
        int code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
        if (code != SQLITE_OK) return ken_store_break(s, code, err);
    }
    return KEN_OK;
}

static const char *const measured[] = {"measures", "matched", "fits", "evaluated", "divergences", "points"};
enum { N_MEASURED = sizeof measured / sizeof measured[0], N_WITHOUT_POINTS = N_MEASURED - 1 };

/* ---- points --------------------------------------------------------------------------------------------------------- */

static const char *point_fault(const ken_point *p)
{
    if (p->step < 0) return "step";
    if (!(p->epoch >= 0.0 && isfinite(p->epoch))) return "epoch";
    if (!(p->seconds >= 0.0 && isfinite(p->seconds))) return "time";
    if (p->examples > INT64_MAX || p->tokens > INT64_MAX || p->forwards > INT64_MAX || p->kl_positions > INT64_MAX)
        return "count";
    if (isinf(p->kl_base)) return "divergence";
    return NULL;
}

/* A run of an older format has no place for it. */
static int put_divergence(ken_store *s, const ken_point *p, ken_err *err)
{
    if (s->format < KEN_FORMAT_DIVERGENCES || p->kl_positions == 0 || isnan(p->kl_base)) return KEN_OK;
    int rc = begin_with(s, Q_DIVERGENCE, err);
    if (rc != KEN_OK) return rc;
    return finish(s, KEN_PUT(*query(s, Q_DIVERGENCE), KEN_INT(p->step), KEN_REAL(p->kl_base), KEN_INT(p->kl_positions)),
                  err);
}

int ken_tuning_put_point(ken_store *s, const ken_point *p, ken_err *err)
{
    const char *fault = point_fault(p);
    if (fault != NULL) return refuse(s, p->step, "the point", fault, err);
    int rc = begin_with(s, Q_POINT, err);
    if (rc == KEN_OK) rc = delete_steps(s, measured, N_WITHOUT_POINTS, "=", p->step, err);
    if (rc != KEN_OK) return rc;
    rc = finish(s,
                KEN_PUT(*query(s, Q_POINT), KEN_INT(p->step), KEN_REAL(p->epoch), KEN_REAL(p->lr), KEN_REAL(p->loss),
                        KEN_REAL(p->kl), KEN_REAL(p->grad_norm), KEN_REAL(p->seconds), KEN_INT(p->examples),
                        KEN_INT(p->tokens), KEN_INT(p->forwards), KEN_INT(p->best), KEN_INT(p->last)),
                err);
    return rc == KEN_OK ? put_divergence(s, p, err) : rc;
}

/* What is measured belongs to a point. */
static int need_point(ken_store *s, int64_t step, ken_err *err)
{
    int rc = begin_with(s, Q_HAS, err);
    if (rc != KEN_OK) return rc;
    ken_binder b = ken_bind(*query(s, Q_HAS));
    ken_bind_int(&b, step);
    int code = b.code == SQLITE_OK ? sqlite3_step(b.q) : b.code;
    ken_bind_done(&b);
    if (code == SQLITE_ROW) return KEN_OK;
    if (code != SQLITE_DONE) return ken_store_break(s, code, err);
    return ken_fail(err, KEN_ESTATE, "%s: there is no point at step %" PRId64, s->path, step);
}

int ken_tuning_mark(ken_store *s, int64_t best, int64_t last, ken_err *err)
{
    int rc = begin_with(s, Q_MARK, err);
    if (rc != KEN_OK) return rc;
    return finish(s, KEN_PUT(*query(s, Q_MARK), KEN_INT(best), KEN_INT(last)), err);
}

int ken_tuning_drop_after(ken_store *s, int64_t step, ken_err *err)
{
    int rc = begin_with(s, Q_HAS, err);
    return rc == KEN_OK ? delete_steps(s, measured, N_MEASURED, ">", step, err) : rc;
}

int ken_tuning_drop_evaluated(ken_store *s, int64_t step, int64_t best, ken_err *err)
{
    int rc = begin_with(s, Q_DROP, err);
    return rc == KEN_OK ? finish(s, KEN_PUT(*query(s, Q_DROP), KEN_INT(step), KEN_INT(best)), err) : rc;
}

/* ---- measurements --------------------------------------------------------------------------------------------------- */

static const char *measure_fault(const ken_measure *m)
{
    if (m->set == NULL || m->set[0] == '\0') return "set";
    if (m->grouping == NULL || m->grouping[0] == '\0') return "grouping";
    if (m->key == NULL) return "key";
    if (m->n > INT64_MAX || m->tokens > INT64_MAX || m->bytes > INT64_MAX) return "count";
    if (m->hits > m->n || m->hits_raw > m->n) return "number of hits";
    if (m->abstained > m->n || m->answered > m->n - m->abstained) return "number of answers";
    if (m->n_more < 0 || m->n_more > KEN_MORE_MATCHERS) return "number of matchers";
    for (int i = 0; i < m->n_more; i++)
        if (m->more[i].matcher == NULL || m->more[i].hits > m->n) return "further matcher";
    return NULL;
}

#define KEY KEN_INT(step), KEN_TEXT(m->set), KEN_TEXT(m->grouping), KEN_TEXT(m->key)

static int put_matched(ken_store *s, int64_t step, const ken_measure *m, ken_err *err)
{
    int rc = begin_with(s, Q_NO_MATCHED, err);
    if (rc == KEN_OK) rc = begin_with(s, Q_MATCHED, err);
    if (rc != KEN_OK) return rc;
    rc = finish(s, KEN_PUT(*query(s, Q_NO_MATCHED), KEY), err);
    for (int i = 0; i < m->n_more && rc == KEN_OK; i++) {
        rc = finish(
            s, KEN_PUT(*query(s, Q_MATCHED), KEY, KEN_INT(i), KEN_TEXT(m->more[i].matcher), KEN_INT(m->more[i].hits)),
            err);
    }
    return rc;
}

int ken_tuning_put_measure(ken_store *s, int64_t step, const ken_measure *m, ken_err *err)
{
    const char *fault = measure_fault(m);
    if (fault != NULL) return refuse(s, step, "a measurement", fault, err);
    int rc = need_point(s, step, err);
    if (rc == KEN_OK) rc = begin_with(s, Q_MEASURE, err);
    if (rc != KEN_OK) return rc;
    rc = finish(s,
                KEN_PUT(*query(s, Q_MEASURE), KEY, KEN_INT(m->n), KEN_INT(m->hits), KEN_INT(m->hits_raw),
                        KEN_INT(m->abstained), KEN_INT(m->answered), KEN_REAL(m->loss), KEN_INT(m->tokens),
                        KEN_INT(m->bytes), KEN_REAL(m->p)),
                err);
    return rc == KEN_OK ? put_matched(s, step, m, err) : rc;
}

int ken_tuning_put_fit(ken_store *s, int64_t step, const uint8_t *bits, size_t n, ken_err *err)
{
    if (n > KEN_STORE_MAX_TRAINED) return refuse(s, step, "the fit", "number of rows", err);
    int rc = need_point(s, step, err);
    if (rc == KEN_OK) rc = begin_with(s, Q_FIT, err);
    if (rc != KEN_OK) return rc;
    return finish(s, KEN_PUT(*query(s, Q_FIT), KEN_INT(step), KEN_INT(n), KEN_BLOB(bits, (n + 7) / 8)), err);
}

/* ---- rows ----------------------------------------------------------------------------------------------------------- */

/* A run of an older format has no place for it. */
static int put_subject(ken_store *s, size_t place, const char *subject, ken_err *err)
{
    if (s->format < KEN_FORMAT_SUBJECTS) return KEN_OK;
    const int which = subject != NULL ? Q_SUBJECT : Q_NO_SUBJECT;
    int rc = begin_with(s, which, err);
    if (rc != KEN_OK) return rc;
    sqlite3_stmt *q = *query(s, which);
    return finish(s, subject != NULL ? KEN_PUT(q, KEN_INT(place), KEN_TEXT(subject)) : KEN_PUT(q, KEN_INT(place)), err);
}

int ken_tuning_put_row(ken_store *s, size_t place, const ken_trained *row, ken_err *err)
{
    const char *fault = place >= KEN_STORE_MAX_TRAINED                          ? "place"
                        : row->id == NULL || row->id[0] == '\0'                 ? "id"
                        : row->relation == NULL || row->task == NULL            ? "relation or task"
                        : row->category < 0 || row->category > KEN_N_CATEGORIES ? "category"
                        : !(row->weight >= 0.0 && isfinite(row->weight))        ? "weight"
                                                                                : NULL;
    if (fault != NULL)
        return ken_fail(err, KEN_ESTATE, "%s: training row %zu (%s) has no valid %s", s->path, place,
                        row->id != NULL ? row->id : "?", fault);
    int rc = put_subject(s, place, row->subject, err);
    if (rc == KEN_OK) rc = begin_with(s, Q_TRAINED, err);
    if (rc != KEN_OK) return rc;
    return finish(s,
                  KEN_PUT(*query(s, Q_TRAINED), KEN_INT(place), KEN_TEXT(row->id), KEN_TEXT(row->relation),
                          KEN_TEXT(row->task), KEN_TEXT(ken_schema_group(row->category)), KEN_TEXT(row->question),
                          KEN_TEXT(row->target), KEN_REAL(row->weight)),
                  err);
}

static const char *evaluated_fault(size_t place, const ken_evaluated *row)
{
    if (place > INT64_MAX) return "place";
    if (row->set == NULL || row->set[0] == '\0') return "set";
    if (row->id == NULL || row->id[0] == '\0') return "id";
    if (row->relation == NULL || row->split == NULL || row->finish == NULL) return "relation, split or finish";
    if (row->category < 0 || row->category > KEN_N_CATEGORIES) return "category";
    if (!isnan(row->p) && !(row->p >= -KEN_STORE_P_SLACK && row->p <= 1 + KEN_STORE_P_SLACK)) return "probability";
    return NULL;
}

int ken_tuning_put_evaluated(ken_store *s, int64_t step, size_t place, const ken_evaluated *row, ken_err *err)
{
    const char *fault = evaluated_fault(place, row);
    if (fault != NULL) return refuse(s, step, "an evaluated row", fault, err);
    int rc = need_point(s, step, err);
    if (rc == KEN_OK) rc = begin_with(s, Q_EVALUATED, err);
    if (rc != KEN_OK) return rc;
    return finish(s,
                  KEN_PUT(*query(s, Q_EVALUATED), KEN_INT(step), KEN_TEXT(row->set), KEN_INT(place), KEN_TEXT(row->id),
                          KEN_TEXT(row->relation), KEN_TEXT(row->split), KEN_TEXT(ken_schema_group(row->category)),
                          KEN_REAL(row->popularity), KEN_TEXT(row->question), KEN_TEXT(row->answer),
                          KEN_TEXT(row->text), KEN_TEXT(row->finish), KEN_INT(row->hit), KEN_INT(row->hit_raw),
                          KEN_INT(row->abstained), KEN_INT(row->too_long), KEN_INT(row->more), KEN_REAL(row->p)),
                  err);
}
