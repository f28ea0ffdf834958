/* make.h - a model folder with random weights, made from nothing: for a pretraining from scratch (lab/world.h), and for tests and benches that need a
 * network of some shape. */
#ifndef KEN_MODEL_MAKE_H
#define KEN_MODEL_MAKE_H
#include "model/config.h"
#include "text/tokenizer.h"
#include "base/error.h"

/* Can a network of this shape be made? KEN_EUSAGE, saying what is wrong with it. c->arch: a family's; what the family decides (biases, norms of
 * q and k) is set. */
int ken_make_check(ken_config *c, ken_err *err);

/* model.safetensors (F32), config.json, tokenizer.json and what belongs to them, in dir (made when missing), as ken_write_model_folder writes them.
 * Each weight of a matrix is uniform with standard deviation 0.02, in the projections back to the residual stream 0.02 / sqrt(2 layers) (Radford
 * et al. 2019, GPT-2, section 2.3); norms are 1, biases 0. A pure function of c, v and seed: same bits everywhere. c as ken_make_check left it. */
int ken_make_model_folder(const ken_config *c, const ken_tok_spec *v, uint64_t seed, const char *dir, ken_err *err);
#endif
