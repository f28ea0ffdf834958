/* schedule.c - learning rates; see schedule.h. */
#include "tune/schedule.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int parse_warmup(ken_schedule *s, const char *text, ken_err *err)
{
    char *end;
    double v = strtod(text, &end);
    bool share = end[0] == '%';
    if (end == text || end[share] != '\0' || !(v >= 0) || (share && v > 100) || v > 1e15 || (!share && v != floor(v)))
        return ken_fail(err, KEN_EUSAGE, "`warmup` \"%s\" is neither a share as in 3%% nor a number of steps", text);
    s->warmup = share ? (int64_t)ceil(v / 100 * (double)s->steps - 1e-9) : (int64_t)v;
    return KEN_OK;
}

int ken_schedule_parse(ken_schedule *s, const char *kind, double lr, const char *warmup, int64_t steps, ken_err *err)
{
    static const char *const names[] = {[KEN_CONSTANT] = "constant", [KEN_LINEAR] = "linear", [KEN_COSINE] = "cosine"};
    *s = (ken_schedule){.lr = lr, .steps = steps};
    if (!(lr > 0) || !isfinite(lr)) return ken_fail(err, KEN_EUSAGE, "`lr` %g must be a number above 0", lr);
    int k = 0;
    while (k < 3 && strcmp(kind, names[k]) != 0) k++;
    if (k == 3) return ken_fail(err, KEN_EUSAGE, "unknown `schedule` \"%s\"; known: constant, linear, cosine", kind);
    s->kind = (ken_schedule_kind)k;
    return parse_warmup(s, warmup, err);
}

double ken_schedule_lr(const ken_schedule *s, int64_t step)
{
    if (step < s->warmup) return s->lr * ((double)step / (double)s->warmup);
    if (s->kind == KEN_CONSTANT) return s->lr;
    int64_t decay = s->steps - s->warmup;
    if (decay < 1) decay = 1;
    if (s->kind == KEN_LINEAR) return s->lr * fmax(0.0, (double)(s->steps - step) / (double)decay);
    double done = (double)(step - s->warmup) / (double)decay;
    return s->lr * fmax(0.0, 0.5 * (1.0 + cos(M_PI * done)));
}
