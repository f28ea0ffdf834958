/* summary.c - one pass over a run; see summary.h. The one costly thing is the saturation curve, a closed form per row
 * (know/category.h). */
#include "report/summary.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "know/category.h"
#include "know/verdict.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CURVE_PROMPTS = 64 }; /* above, the curve is left out: its cost grows with the third power */

static void count(ken_tally *t, int category)
{
    t->n++;
    t->category[category]++;
}

/* ---- what is fixed by the run's settings ----------------------------------------------------------------------------- */

static void choose_points(ken_report_summary *s, const ken_row *row)
{
    s->prompts = row->prompts;
    s->n_hits = s->prompts < KEN_HITS_MAX ? s->prompts + 1 : KEN_HITS_MAX;
    s->n_curve = s->prompts < KEN_CURVE_MAX ? s->prompts : KEN_CURVE_MAX;
    if (s->prompts > MAX_CURVE_PROMPTS) s->n_curve = 0;
    for (int i = 0; i < s->n_curve; i++) /* 1 .. prompts, evenly */
        s->curve_n[i] = s->n_curve < 2 ? 1 : 1 + (i * (s->prompts - 1) + (s->n_curve - 1) / 2) / (s->n_curve - 1);
    s->samples = s->prompts > 0 ? row->samples / s->prompts : 0;
    int k = s->samples > 0 ? s->samples : 16;
    const int c[KEN_SAMPLES_POINTS] = {1, k / 4 > 1 ? k / 4 : 2, k, 4 * k, 16 * k, 64 * k};
    memcpy(s->by_samples_c, c, sizeof c);
}

static int hits_bin(const ken_report_summary *s, int g)
{
    if (g <= 0 || s->n_hits < 2) return 0;
    if (g >= s->prompts) return s->n_hits - 1;
    return s->prompts + 1 == s->n_hits ? g : 1 + (int)((int64_t)(g - 1) * (s->n_hits - 2) / (s->prompts - 1));
}

/* ---- rows ------------------------------------------------------------------------------------------------------------ */

static int add_curve(ken_report_summary *s, const ken_row *row, ken_err *err)
{
    bool hit[MAX_CURVE_PROMPTS];
    double p[MAX_CURVE_PROMPTS], share[4];
    int n = row->n_prompt_rows, rc = KEN_OK;
    if (s->n_curve == 0 || n != s->prompts || row->category >= KEN_UNLABELLED) return KEN_OK;
    for (int i = 0; i < n; i++) {
        const ken_prompt_row *x = &row->prompt_rows[i];
        bool sampled = strcmp(row->method, "sample") == 0;
        hit[i] = x->greedy_hit;
        p[i] = sampled ? (x->samples > 0 ? (double)x->hits / (double)x->samples : 0.0) : 0.5 * (x->p_lo + x->p_hi);
    }
    for (int i = 0; i < s->n_curve && rc == KEN_OK; i++) {
        rc = ken_saturation(hit, p, n, s->curve_n[i], s->samples, share, err);
        for (int k = 0; k < 4 && rc == KEN_OK; k++) s->curve[i][k] += share[k];
    }
    for (int i = 0; i < KEN_SAMPLES_POINTS && rc == KEN_OK; i++) {
        rc = ken_saturation(hit, p, n, n, s->by_samples_c[i], share, err);
        for (int k = 0; k < 4 && rc == KEN_OK; k++) s->by_samples[i][k] += share[k];
    }
    s->n_curve_rows++;
    return rc;
}

/* The relation's question with an ellipsis for the subject: says what "P36" is. */
static int keep_example(ken_view_relation *r, const ken_row *row, ken_err *err)
{
    const char *at;
    if (r->example != NULL || row->subject == NULL || row->subject[0] == '\0') return KEN_OK;
    if ((at = strstr(row->question, row->subject)) == NULL) return KEN_OK;
    ken_buf b = {0};
    ken_buf_add(&b, row->question, (size_t)(at - row->question));
    ken_buf_puts(&b, "\xE2\x80\xA6");
    ken_buf_puts(&b, at + strlen(row->subject));
    r->example = ken_buf_take(&b);
    return r->example != NULL ? KEN_OK : ken_fail_nomem(err, "report");
}

static int twentieth(double p)
{
    int bin = (int)(p * KEN_HIST_BINS);
    return bin < 0 ? 0 : bin < KEN_HIST_BINS ? bin : KEN_HIST_BINS - 1;
}

static int add_row(ken_report_summary *s, const ken_row *row, ken_err *err)
{
    int c = row->category >= 0 && row->category < KEN_UNLABELLED ? row->category : KEN_UNLABELLED, rc = KEN_OK;
    if (s->n++ == 0) choose_points(s, row);
    /* a row that could not be labelled has a p that is an artefact of the limit that stopped it, but not in multiple choice */
    if (isfinite(row->p_t) && (c != KEN_UNLABELLED || (row->flags & KEN_FLAG_CHOICE) != 0))
        count(&s->hist[twentieth(row->p_t)], c);
    for (int bit = 0; bit < KEN_FLAGS_MAX; bit++) s->flags[bit] += row->flags >> bit & 1;
    for (int i = 0; i < row->n_prompt_rows; i++)
        if (row->prompt_rows[i].text != NULL) {
            s->n_texts++;
            break;
        }
    if (isfinite(row->p_guess)) s->n_guess++;
    if (c != KEN_UNLABELLED) {
        s->n_labelled++;
        s->mode[row->category_mode >= 0 && row->category_mode < KEN_UNLABELLED ? row->category_mode : KEN_UNLABELLED]++;
        count(&s->hits[hits_bin(s, row->greedy_hits)], c);
        if (isfinite(row->p_flip)) {
            s->sum_flip += row->p_flip;
            if (row->greedy_hits == 0) count(&s->flip[twentieth(row->p_flip)], c);
        }
        if (row->greedy_hits == 0 && isfinite(row->p_unknown)) {
            s->n_no_greedy++;
            s->sum_unknown += row->p_unknown;
            s->var_unknown += row->p_unknown * (1.0 - row->p_unknown);
        }
        if (c == KEN_HIGHLY_KNOWN) s->sum_hk_again += ken_prob_hk_again(row->greedy_hits, row->prompts);
        if ((rc = add_curve(s, row, err)) != KEN_OK) return rc;
    }
    if (isfinite(row->popularity)) {
        if (ken_grow((void **)&s->popular, &s->cap_popular, s->n_popular + 1, sizeof *s->popular) != 0)
            return ken_fail_nomem(err, "report");
        s->popular[s->n_popular++] = (ken_popular){row->popularity, c};
    }
    int at = ken_report_relation_index(s, row->relation);
    if (isfinite(row->score)) {
        bool right = ken_choice_right(row->greedy_hits, row->prompts);
        int options = ken_choice_options(row);
        s->n_score++;
        s->sum_score += row->score;
        s->n_right += right;
        s->sum_p_t0 += row->p_t0;
        if (options > 0) {
            s->n_guess_rows++;
            s->guess_p_t0 += 1.0 / options;
            s->guess_right += ken_choice_by_guessing(row->prompts, options);
        }
        if (at >= 0) {
            ken_view_relation *r = &s->relations[at];
            r->n_score++;
            r->score += row->score;
            r->n_right += right;
        }
    }
    return at >= 0 ? keep_example(&s->relations[at], row, err) : KEN_OK;
}

/* ---- deciles --------------------------------------------------------------------------------------------------------- */

static int by_popularity(const void *a, const void *b)
{
    const ken_popular *x = a, *y = b;
    if (x->popularity != y->popularity) return x->popularity < y->popularity ? -1 : 1;
    return x->category - y->category; /* equal ones in a fixed order: the page must not depend on qsort's */
}

static void make_deciles(ken_report_summary *s)
{
    if (s->n_popular < 10 * KEN_DECILES) return; /* fewer than ten rows each say nothing */
    qsort(s->popular, s->n_popular, sizeof *s->popular, by_popularity);
    s->n_deciles = KEN_DECILES;
    for (size_t d = 0; d < KEN_DECILES; d++) {
        size_t from = s->n_popular * d / KEN_DECILES, to = s->n_popular * (d + 1) / KEN_DECILES;
        s->deciles[d].lo = s->popular[from].popularity;
        s->deciles[d].hi = s->popular[to - 1].popularity;
        for (size_t i = from; i < to; i++) count(&s->deciles[d].tally, s->popular[i].category);
    }
}

/* ---- public ---------------------------------------------------------------------------------------------------------- */

int ken_report_relation_index(const ken_report_summary *s, const char *name)
{
    return (int)ken_strmap_get(s->index, name, strlen(name), -1);
}

bool ken_report_choice(const ken_report_summary *s) { return s->n > 0 && s->n_score == s->n; }

int ken_report_summarize(ken_report_summary *s, ken_run *run, ken_err *err)
{
    memset(s, 0, sizeof *s);
    s->n_relations = ken_run_n_relations(run);
    s->relations = ken_calloc(s->n_relations, sizeof *s->relations);
    s->index = ken_strmap_new(s->n_relations);
    if (s->relations == NULL || s->index == NULL) return ken_fail_nomem(err, "report");
    for (size_t i = 0; i < s->n_relations; i++) {
        const char *name = ken_run_relation(run, i)->relation;
        if (ken_strmap_add(s->index, name, strlen(name), (int32_t)i) < 0) return ken_fail_nomem(err, "report");
    }
    for (size_t i = 0, n = ken_run_count(run); i < n; i++) {
        const ken_row *row = ken_run_row(run, i, err);
        if (row == NULL) return err != NULL && err->status != KEN_OK ? err->status : KEN_EINPUT;
        int rc = add_row(s, row, err);
        if (rc != KEN_OK) return rc;
    }
    for (int k = 0; k < 4 && s->n_curve_rows > 0; k++) {
        for (int i = 0; i < s->n_curve; i++) s->curve[i][k] /= (double)s->n_curve_rows;
        for (int i = 0; i < KEN_SAMPLES_POINTS; i++) s->by_samples[i][k] /= (double)s->n_curve_rows;
    }
    if (s->n_curve_rows == 0) s->n_curve = 0;
    make_deciles(s);
    return KEN_OK;
}

void ken_report_summary_free(ken_report_summary *s)
{
    for (size_t i = 0; s->relations != NULL && i < s->n_relations; i++) ken_free(s->relations[i].example);
    ken_free(s->relations);
    ken_free(s->popular);
    ken_strmap_free(s->index);
    memset(s, 0, sizeof *s);
}
