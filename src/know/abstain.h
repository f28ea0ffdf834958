/* abstain.h - what counts as declining to answer, the same for annotation, training and evaluation. */
#ifndef KEN_KNOW_ABSTAIN_H
#define KEN_KNOW_ABSTAIN_H

/* The phrases, *n of them; static. Compared after normalisation, so that case, articles and punctuation do not matter. */
const char *const *ken_abstentions(int *n);
#endif
