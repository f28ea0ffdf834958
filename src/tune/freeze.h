/* freeze.h - what is trained: which tensors of the network, or which adapter (ken_parts, ken_lora_options of ken_tune.h). */
#ifndef KEN_TUNE_FREEZE_H
#define KEN_TUNE_FREEZE_H
#include "base/buf.h"
#include "model/lora.h"
#include "model/params.h"

/* trains (p->n_list) = what is trained: of `train` the named parts, inside of the named layers (nothing named: all); but nothing that `freeze`
 * names by part or layer. KEN_EUSAGE for a layer or a head that is not there, and when nothing is left. */
int ken_freeze_mark(bool *trains, const ken_params *p, const ken_parts *train, const ken_parts *freeze, ken_err *err);
bool ken_parts_named(const ken_parts *p);
/* "attention,norms,layers=0-3"; nothing when nothing is named. */
void ken_parts_text(ken_buf *out, const ken_parts *p);

typedef struct ken_lora_spec {
    int rank;
    float alpha, dropout;
    unsigned targets; /* bits 1 << KEN_MOD_* */
} ken_lora_spec;

/* With the defaults in place: alpha 2 rank, all targets. KEN_EUSAGE for a number out of range. */
int ken_lora_resolve(ken_lora_spec *s, const ken_lora_options *o, ken_err *err);
/* "r=16,alpha=32,dropout=0,targets=q_proj,v_proj" */
void ken_lora_text(ken_buf *out, const ken_lora_spec *s);
#endif
