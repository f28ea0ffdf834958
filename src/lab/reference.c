/* reference.c - see reference.h. */
#include "lab/reference.h"
#include "base/alloc.h"
#include "lab/draw.h"
#include <math.h>
#include <string.h>

int ken_reference_make(ken_reference *n, int subjects, int relations, int k, int d, ken_err *err)
{
    const size_t tokens = (size_t)subjects + (size_t)relations + (size_t)k, dd = (size_t)d * (size_t)d;
    *n = (ken_reference){.subjects = subjects,
                         .relations = relations,
                         .k = k,
                         .d = d,
                         .phi = ken_calloc(tokens * (size_t)d, sizeof *n->phi),
                         .w_v = ken_calloc(dd, sizeof *n->w_v),
                         .w_kq = ken_calloc(dd, sizeof *n->w_kq),
                         .p = ken_calloc((size_t)k, sizeof *n->p),
                         .v = ken_calloc(2 * (size_t)k, sizeof *n->v),
                         .part = ken_calloc(2 * (size_t)d, sizeof *n->part)};
    if (n->phi != NULL && n->w_v != NULL && n->w_kq != NULL && n->p != NULL && n->v != NULL && n->part != NULL)
        return KEN_OK;
    ken_reference_free(n);
    return ken_fail_nomem(err, "reference network");
}

void ken_reference_free(ken_reference *n)
{
    ken_free(n->phi);
    ken_free(n->w_v);
    ken_free(n->w_kq);
    ken_free(n->p);
    ken_free(n->v);
    ken_free(n->part);
    memset(n, 0, sizeof *n);
}

static double dot(const double *a, const double *b, int d)
{
    double sum = 0;
    for (int i = 0; i < d; i++) sum += a[i] * b[i];
    return sum;
}

/* y = W x */
static void times(double *y, const double *w, const double *x, int d)
{
    for (int i = 0; i < d; i++) y[i] = dot(w + (size_t)i * (size_t)d, x, d);
}

double ken_reference_score(const ken_reference *n, const double *x, int r)
{
    times(n->part, n->w_kq, ken_reference_relation(n, r), n->d);
    return dot(x, n->part, n->d);
}

double ken_reference_loss_at(const ken_reference *n, int s, int r, int a, double attention, double *gain)
{
    const int k = n->k, d = n->d;
    double *of_s = n->v, *of_r = n->v + k, most = -INFINITY, sum = 0, by = 0;
    times(n->part, n->w_v, ken_reference_subject(n, s), d);
    times(n->part + d, n->w_v, ken_reference_relation(n, r), d);
    for (int i = 0; i < k; i++) {
        of_s[i] = dot(ken_reference_answer(n, i), n->part, d);
        of_r[i] = dot(ken_reference_answer(n, i), n->part + d, d);
        n->p[i] = attention * of_s[i] + (1 - attention) * of_r[i];
        most = fmax(most, n->p[i]);
    }
    const double own = n->p[a];
    for (int i = 0; i < k; i++) sum += n->p[i] = exp(n->p[i] - most);
    for (int i = 0; i < k; i++) {
        n->p[i] /= sum;
        by += n->p[i] * (of_s[i] - of_r[i]);
    }
    if (gain != NULL) *gain = of_s[a] - of_r[a] - by;
    return log(sum) - (own - most);
}

double ken_reference_loss(const ken_reference *n, int s, int r, int a, double *attention, double *gain)
{
    const double gap = ken_reference_score(n, ken_reference_subject(n, s), r) -
                       ken_reference_score(n, ken_reference_relation(n, r), r);
    const double at = 1 / (1 + exp(-gap));
    if (attention != NULL) *attention = at;
    return ken_reference_loss_at(n, s, r, a, at, gain);
}

void ken_reference_of_attention(const ken_reference *n, int s, int r, double attention, double gain, double *out)
{
    const double *of_s = ken_reference_subject(n, s), *of_r = ken_reference_relation(n, r);
    for (int i = 0; i < n->d; i++)
        for (int j = 0; j < n->d; j++)
            out[i * n->d + j] = attention * (1 - attention) * gain * (of_s[i] - of_r[i]) * of_r[j];
}

void ken_reference_of_values(const ken_reference *n, int s, int r, int a, double attention, double *out)
{
    const double *of_s = ken_reference_subject(n, s), *of_r = ken_reference_relation(n, r);
    for (int i = 0; i < n->d; i++) {
        double left = 0; /* (W_H (e_a - p))_i */
        for (int k = 0; k < n->k; k++) left += ken_reference_answer(n, k)[i] * ((k == a) - n->p[k]);
        for (int j = 0; j < n->d; j++) out[i * n->d + j] = left * (attention * of_s[j] + (1 - attention) * of_r[j]);
    }
}

/* ---- the gradients, checked --------------------------------------------------------------------------------------------- */

enum { SUBJECTS = 6, RELATIONS = 2, ANSWERS = 8, WIDTH = 18, FACTS = 6 };

static double noise(const ken_stream *s, uint64_t at)
{
    uint32_t x[4];
    ken_stream_at(s, at, 0, 0, x);
    return x[0] * 0x1p-31 - 1;
}

/* Largest difference of a negative gradient g from central differences by the entries of w. */
static double differences(const ken_reference *n, double *w, const double *g, int s, int r, int a)
{
    const double h = 1e-5;
    double worst = 0;
    for (int i = 0; i < n->d * n->d; i++) {
        const double kept = w[i];
        w[i] = kept + h;
        const double up = ken_reference_loss(n, s, r, a, NULL, NULL);
        w[i] = kept - h;
        const double down = ken_reference_loss(n, s, r, a, NULL, NULL);
        w[i] = kept;
        worst = fmax(worst, fabs(-(up - down) / (2 * h) - g[i]));
    }
    return worst;
}

static void check_differences(ken_gradient_errors *out, ken_reference *n, double *g)
{
    for (int i = 0; i < FACTS; i++) {
        const int s = i % SUBJECTS, r = i % RELATIONS, a = i % ANSWERS;
        double attention, gain;
        ken_reference_loss(n, s, r, a, &attention, &gain);
        ken_reference_of_attention(n, s, r, attention, gain, g);
        out->attention = fmax(out->attention, differences(n, n->w_kq, g, s, r, a));
        ken_reference_loss(n, s, r, a, &attention, &gain);
        ken_reference_of_values(n, s, r, a, attention, g);
        out->values = fmax(out->values, differences(n, n->w_v, g, s, r, a));
    }
}

/* Orthonormal tokens, subjects with a shared direction of squared weight c2, which is the last dimension. */
static void orthonormal(ken_reference *n, double c2)
{
    memset(n->phi, 0, (size_t)(n->subjects + n->relations + n->k) * (size_t)n->d * sizeof *n->phi);
    for (int i = 0; i < n->subjects + n->relations + n->k; i++)
        n->phi[i * n->d + i] = i < n->subjects ? sqrt(1 - c2) : 1;
    for (int s = 0; s < n->subjects; s++) ken_reference_subject(n, s)[n->d - 1] = sqrt(c2);
}

/* One step of size 1 on all facts of relation 0 but those of the last subject, whose gap is watched: eq. 4. */
static double spill(ken_reference *n, double c2, double *g)
{
    const int unseen = n->subjects - 1, batch = n->subjects - 1;
    const size_t dd = (size_t)n->d * (size_t)n->d;
    double *step = g + dd, expected = 0;
    orthonormal(n, c2);
    memset(step, 0, dd * sizeof *step);
    for (int s = 0; s < batch; s++) {
        double attention, gain;
        ken_reference_loss(n, s, 0, s % n->k, &attention, &gain);
        ken_reference_of_attention(n, s, 0, attention, gain, g);
        for (size_t i = 0; i < dd; i++) step[i] += g[i] / batch;
        expected += attention * (1 - attention) * gain *
                    (dot(ken_reference_subject(n, unseen), ken_reference_subject(n, s), n->d) + 1) / batch;
    }
    const double *x = ken_reference_subject(n, unseen), *q = ken_reference_relation(n, 0);
    const double before = ken_reference_score(n, x, 0) - ken_reference_score(n, q, 0);
    for (size_t i = 0; i < dd; i++) n->w_kq[i] += step[i];
    const double after = ken_reference_score(n, x, 0) - ken_reference_score(n, q, 0);
    for (size_t i = 0; i < dd; i++) n->w_kq[i] -= step[i];
    return fabs(after - before - expected);
}

int ken_reference_check(ken_gradient_errors *out, uint64_t seed, ken_err *err)
{
    ken_reference n;
    const ken_stream stream = ken_stream_of(seed, KEN_STAGE_GRADIENT);
    memset(out, 0, sizeof *out);
    int rc = ken_reference_make(&n, SUBJECTS, RELATIONS, ANSWERS, WIDTH, err);
    double *g = ken_alloc(2 * WIDTH * WIDTH, sizeof *g);
    if (rc == KEN_OK && g == NULL) rc = ken_fail_nomem(err, "gradients");
    if (rc == KEN_OK) {
        uint64_t at = 0;
        for (int i = 0; i < (SUBJECTS + RELATIONS + ANSWERS) * WIDTH; i++) n.phi[i] = noise(&stream, at++);
        for (int i = 0; i < WIDTH * WIDTH; i++) {
            n.w_v[i] = noise(&stream, at++) * 0.3;
            n.w_kq[i] = noise(&stream, at++) * 0.3;
        }
        check_differences(out, &n, g);
        out->spill = spill(&n, 0, g);
        out->spill_shared = spill(&n, 0.5, g);
    }
    ken_free(g);
    if (rc == KEN_OK || n.phi != NULL) ken_reference_free(&n);
    return rc;
}
