/* SPDX-License-Identifier: ISC */
/*
 * A copy of our programs, laid out as the build tree is: other users can run
 * what is in it, and a test can replace it.
 */
#ifndef TREE_H
#define TREE_H

#include "test.h"

/* From now on programs are found there: in "b", in the test's directory. */
#define tree_new(t)		AT(tree_new_(t))
void	 tree_new_(struct tenv *);
/* That file of the real tree becomes hubd, by rename as an install does it. */
#define tree_install(file)	AT(tree_install_(file))
void	 tree_install_(const char *file);

#endif
