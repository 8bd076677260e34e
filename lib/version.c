/* SPDX-License-Identifier: ISC */
/*
 * The version, as configure.ac has it.
 */
#include "version.h"

const char ecorelay_version[] = ECORELAY_VERSION;
