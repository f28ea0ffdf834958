/* fake_model.h - a random model without a file: the functions of model.h that the network and the training half ask, and nothing else of the
 * model layer. Tests of single networks use it for odd shapes; files are tested in tests/model and in test_families. */
#ifndef KEN_TEST_FAKE_MODEL_H
#define KEN_TEST_FAKE_MODEL_H
#include "model/model.h"

/* Weights F32, uniform around zero, scaled so that activations stay near 1; norms around 1. c is copied. */
ken_model *fake_model_new(const ken_config *c, uint64_t seed);
void fake_model_free(ken_model *m);
ken_tensor *fake_model_tensor(ken_model *m,
                              const char *name); /* "blk.1.attn_q", "token_embd", ...; NULL when there is none */
void fake_model_tokenizer(ken_model *m, const ken_tokenizer *t); /* borrowed; it has none before */
float *fake_model_data(ken_model *m, const char *name);

#endif
