/* figures.h - what the tests of figures share: a folder, runs and figures of them, and looking at what was drawn. */
#ifndef KEN_TESTS_FIGURES_H
#define KEN_TESTS_FIGURES_H
#include "report/figure_make.h"

extern char folder[]; /* of this program, between make_folder and remove_folder */
extern char run_path[80], out_path[80];

/* A small reader of XML: each element closed in order, each attribute quoted and given once, known entities only, no control characters.
 * Besides: nothing that runs or loads. */
void check_xml(const char *xml);
ken_run *open_made(size_t n, bool hostile_texts);
ken_figures *new_figures(void);
ken_figures *figures_of_made(size_t n, bool hostile_texts);
char *put_figure(const ken_figures *f, const char *name);
/* The picture alone, cut out of html, which it stays a part of. */
char *cut_svg(char *html);
/* Is the program there? Else the rest of the test is skipped, with a message. */
bool convertible(void);
/* A training of `epochs`, in which category c is fitted the faster the smaller c is. */
ken_run *open_training(const char *path, int epochs, bool sets, ken_err *err);
int make_folder(void **state);
int remove_folder(void **state);
#endif
