/* abstain.c - see abstain.h. */
#include "know/abstain.h"

const char *const *ken_abstentions(int *n)
{
    static const char *const phrases[] = {"i dont know",    "i do not know",   "unknown",       "not known",
                                          "dont know",      "im not sure",     "i am not sure", "no idea",
                                          "i have no idea", "i cannot answer", "i cant answer", "not sure"};
    *n = (int)(sizeof phrases / sizeof *phrases);
    return phrases;
}
