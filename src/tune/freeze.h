/* freeze.h - what is trained: which tensors of the network, or which adapter, from the words of the command line. */
#ifndef KEN_TUNE_FREEZE_H
#define KEN_TUNE_FREEZE_H
#include "model/lora.h"
#include "model/params.h"

/* trains (p->n_list) = what is trained. Both lists hold, separated by commas: embeddings, head, norms, attention, mlp (a layer's
 * norms belong to the half that reads them) and layers=A-B or layers=A, counted from 0. `train` (NULL = all): one of the named parts,
 * and inside the named layers; `freeze` (NULL = none): any named part or layer stays as it is. KEN_EUSAGE for an unknown word,
 * a layer that is not there, and when nothing is left. */
int ken_freeze_parse(bool *trains, const ken_params *p, const char *train, const char *freeze, ken_err *err);

typedef struct ken_lora_spec {
    int rank;
    float alpha, dropout;
    unsigned targets; /* bits 1 << KEN_MOD_* */
} ken_lora_spec;

/* "r=16[,alpha=32][,dropout=0][,targets=q_proj,v_proj]": alpha defaults to 2r, dropout to 0, targets to all seven projections;
 * attention and mlp name four and three of them. KEN_EUSAGE. */
int ken_lora_parse(ken_lora_spec *s, const char *text, ken_err *err);
#endif
