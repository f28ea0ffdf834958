/* pretrain.c - the values: one fact a step, subject by Zipf, relation evenly. The network attends to both tokens alike. */
#include "lab/one_layer.h"

int ken_one_pretrain(ken_values *v, uint32_t *exposures, const ken_one_world *w, const ken_zipf *z, double lr,
                     int64_t from, int64_t to, float *scratch, ken_lab_watch *watch)
{
    const ken_stream draws = ken_stream_of(w->seed, KEN_STAGE_PRETRAIN);
    const float by_r = (float)(lr * 0.5), by_s = (float)(lr * 0.5 * w->own), by_theta = (float)(lr * 0.5 * w->common);
    const float own = (float)w->own, common = (float)w->common;
    for (int64_t t = from; t < to; t++) {
        if (t % KEN_LAB_STEPS == 0 && ken_lab_stopped(watch)) return KEN_ESTOP;
        uint32_t x[4];
        ken_stream_at(&draws, (uint64_t)t, 0, 0, x);
        const int s = ken_zipf_draw(z, x[0], x[1]), r = (int)ken_below(x[2], (uint32_t)w->relations);
        float *part = v->subject + (size_t)s * v->row, *mix = ken_value_of(v, s);
        for (size_t i = 0; v->theta != NULL && i < v->row; i++) mix[i] = own * part[i] + common * v->theta[i];
        ken_lab_value_step(&(ken_value_step){.s = part,
                                             .r = ken_value_of_relation(v, r),
                                             .theta = v->theta,
                                             .by_s = by_s,
                                             .by_r = by_r,
                                             .by_theta = by_theta,
                                             .mixed = mix,
                                             .lambda = 0.5F,
                                             .a = ken_one_answer(w, s, r),
                                             .k = w->k,
                                             .p = scratch,
                                             .no_gain = true});
        exposures[s * w->relations + r]++;
    }
    ken_values_mix(v, w);
    return KEN_OK;
}
