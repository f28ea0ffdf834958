/* value.h - one scalar of a model's description, the same whether it was read from GGUF metadata or from JSON. */
#ifndef KEN_MODEL_VALUE_H
#define KEN_MODEL_VALUE_H
#include "text/tokenizer.h" /* ken_str */

typedef enum ken_value_kind {
    KEN_V_NONE,
    KEN_V_NULL,
    KEN_V_NUMBER,
    KEN_V_BOOL,
    KEN_V_STRING,
    KEN_V_OTHER
} ken_value_kind;

typedef struct ken_value {
    ken_value_kind kind; /* NONE: the key is not there; NULL: JSON null; OTHER: a list or an object */
    double number;       /* integers up to 2^53 are exact; larger ones are no size that we would accept anyway */
    bool boolean;
    ken_str string;
} ken_value;

bool ken_value_is(const ken_value *v, const char *text); /* a string that equals text */
#endif
