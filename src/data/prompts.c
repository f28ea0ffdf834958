/* prompts.c - see prompts.h. */
#include "data/prompts.h"
#include <string.h>

static const char placeholder[] = "{question}";

static size_t trimmed(const char *s, size_t n)
{
    while (n > 0 && strchr(" \n\r\t", s[n - 1]) != NULL && s[n - 1] != '\0') n--;
    return n;
}

/* The template's text before and after its only placeholder, the question. */
static bool around_question(const char *t, size_t *head, const char **after)
{
    const char *at = strstr(t, placeholder);
    if (at == NULL || strstr(t, "{relation}") != NULL || strstr(t, "{subject}") != NULL) return false;
    *head = (size_t)(at - t);
    *after = at + strlen(placeholder);
    return strstr(*after, placeholder) == NULL;
}

/* A conversation may have dropped the white space at the prompt's end, so it does not count. */
const char *ken_template_question(const char *template_text, const char *text, size_t *n)
{
    const char *after;
    size_t head;
    *n = 0;
    if (!around_question(template_text, &head, &after)) return NULL;
    size_t tail = trimmed(after, strlen(after)), len = trimmed(text, strlen(text));
    if (len <= head + tail || memcmp(text, template_text, head) != 0 || memcmp(text + len - tail, after, tail) != 0)
        return NULL;
    *n = len - head - tail;
    return text + head;
}

bool ken_template_part(const char *template_text, const char *text, const char **question, size_t *n,
                       const char **answer)
{
    const char *after;
    size_t head;
    if (!around_question(template_text, &head, &after) || after[0] == '\0') return false;
    if (strncmp(text, template_text, head) != 0) return false;
    *question = text + head;
    const char *end = strstr(*question, after);
    if (end == NULL || end == *question || strstr(end + 1, after) != NULL) return false;
    *n = (size_t)(end - *question);
    *answer = end + strlen(after);
    return **answer != '\0';
}
