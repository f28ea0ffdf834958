/* optim.h - the optimizers: AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101; as torch.optim.AdamW) and SGD with momentum (as
 * torch.optim.SGD, no dampening), with clipping by the global norm. Same bits for any number of threads. */
#ifndef KEN_NN_OPTIM_H
#define KEN_NN_OPTIM_H
#include "nn/learn.h"

typedef enum ken_optim_kind { KEN_ADAMW, KEN_SGD } ken_optim_kind;
typedef struct ken_optim_options {
    ken_optim_kind kind;
    double beta1, beta2, eps; /* AdamW: 0.9, 0.999, 1e-8 */
    double momentum;          /* SGD */
    double weight_decay;      /* decoupled for AdamW, L2 for SGD; on segments that decay */
    int threads;
} ken_optim_options;

typedef struct ken_optim ken_optim;
/* Borrows the segments. */
int ken_optim_new(ken_optim **out, const ken_segment *s, int n, const ken_optim_options *o, ken_err *err);
void ken_optim_free(ken_optim *o);
/* One update. clip > 0: gradients are scaled so that their norm is at most that. *norm = the norm before. KEN_EINPUT, and nothing
 * changed, when the norm is not finite, naming the segment. */
int ken_optim_step(ken_optim *o, double lr, double clip, double *norm, ken_err *err);

/* The state, for checkpoints: *n arrays (moments) of (*size) floats each, and the number of steps done. Borrowed, may be written. */
float *const *ken_optim_state(ken_optim *o, int *n, size_t *size);
int64_t ken_optim_steps(const ken_optim *o);
void ken_optim_set_steps(ken_optim *o, int64_t steps);
#endif
