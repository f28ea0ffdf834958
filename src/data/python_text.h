/* python_text.h - values that Python printed into a cell, as pandas and datasets write lists to CSV: ['Paris', "Côte d'Ivoire"], numpy's ['a' 'b'],
 * {'text': array(['Paris'], dtype=object)}. */
#ifndef KEN_DATA_PYTHON_TEXT_H
#define KEN_DATA_PYTHON_TEXT_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The value as JSON, the caller's (json_decref): lists, tuples and arrays as lists, None as null. NULL when the text is something else, or *no_memory. */
json_t *ken_python_value(const char *s, size_t n, bool *no_memory);
#endif
