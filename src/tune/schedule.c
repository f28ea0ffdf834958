/* schedule.c - learning rates; see schedule.h. */
#include "tune/schedule.h"
#include "base/options.h"
#include <math.h>

int ken_schedule_set(ken_schedule *s, const ken_train_options *o, int64_t steps, ken_err *err)
{
    *s = (ken_schedule){.kind = o->schedule, .lr = o->lr, .steps = steps, .warmup = o->warmup_steps};
    if (!(o->lr > 0) || !isfinite(o->lr)) return ken_fail(err, KEN_EUSAGE, "`lr` %g must be a number above 0", o->lr);
    if (o->warmup_steps < -1 || o->warmup_steps > (int64_t)1e15)
        return ken_fail(err, KEN_EUSAGE, "`warmup_steps` %lld is no number of steps, nor -1",
                        (long long)o->warmup_steps);
    if (!(o->warmup_share >= 0 && o->warmup_share <= 1))
        return ken_fail(err, KEN_EUSAGE, "warmup_share %g is not a share from 0 to 1", o->warmup_share);
    if (s->warmup < 0) s->warmup = (int64_t)ceil(o->warmup_share * (double)steps - 1e-9);
    return ken_check_word(KEN_WORDS_SCHEDULE, o->schedule, err);
}

double ken_schedule_lr(const ken_schedule *s, int64_t step)
{
    if (step < s->warmup) return s->lr * ((double)step / (double)s->warmup);
    if (s->kind == KEN_SCHEDULE_CONSTANT) return s->lr;
    int64_t decay = s->steps - s->warmup;
    if (decay < 1) decay = 1;
    if (s->kind == KEN_SCHEDULE_LINEAR) return s->lr * fmax(0.0, (double)(s->steps - step) / (double)decay);
    double done = (double)(step - s->warmup) / (double)decay;
    return s->lr * fmax(0.0, 0.5 * (1.0 + cos(M_PI * done)));
}
