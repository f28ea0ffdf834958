/* certainty.h - how sure an answer says it is, at its end (docs/method/fine-tuning.md#certainty): what a training teaches to say, and how that is
 * read back. */
#ifndef KEN_KNOW_CERTAINTY_H
#define KEN_KNOW_CERTAINTY_H
#include <stddef.h>

typedef enum ken_certainty { KEN_NOT_SAID, KEN_SURE, KEN_UNSURE, KEN_N_CERTAINTIES } ken_certainty;

extern const char *const ken_certainty_text[KEN_N_CERTAINTIES]; /* what follows the answer; "" */
const char *ken_certainty_name(ken_certainty c);                /* "not said", "sure", "unsure" */
/* What y (n) says of itself; *answer: how many of its bytes are before that. White space at its end is nothing. */
ken_certainty ken_certainty_of(const char *y, size_t n, size_t *answer);
#endif
