/* fake_net.h - a forwarder for tests: logits are a function of the token path, given by the test. It remembers in its "cache" which token
 * each slot holds, so a wrong slot or a path out of order gives wrong logits. Hidden states when the test gives them; no attention. */
#ifndef KEN_TESTS_FAKE_NET_H
#define KEN_TESTS_FAKE_NET_H
#include "nn/forwarder.h"

typedef void (*fake_logits_fn)(const int32_t *path, int32_t n, float *logits); /* path (n), logits (V) out */
void fake_net_set(int32_t n_vocab, int32_t n_ctx, fake_logits_fn f);           /* no hidden states */
void fake_net_set_hidden(int32_t n_embd, fake_logits_fn f);                    /* path (n), hidden (n_embd) out */
ken_forwarder *fake_net(void);
extern long fake_rows; /* forwarded so far */
extern int fake_stop;  /* the next forward answers KEN_ESTOP and clears this */
#endif
