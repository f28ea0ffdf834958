/* fake_net.h - a network for tests: logits are a function of the token path, given by the test. It stands in for src/nn at link time
 * and remembers in its "cache" which token each slot holds, so a wrong slot or a path out of order gives wrong logits. */
#ifndef KEN_TESTS_FAKE_NET_H
#define KEN_TESTS_FAKE_NET_H
#include "nn/net.h"

typedef void (*fake_logits_fn)(const int32_t *path, int32_t n, float *logits); /* path (n), logits (V) out */
void fake_net_set(int32_t n_vocab, int32_t n_ctx, fake_logits_fn f);
ken_net *fake_net(void);
extern long fake_rows; /* forwarded so far */
extern int fake_stop;  /* the next forward answers KEN_ESTOP and clears this */
#endif
