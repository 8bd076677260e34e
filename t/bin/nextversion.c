/* SPDX-License-Identifier: ISC */
/*
 * The version of nexthub.
 */
#include "version.h"

const char ecorelay_version[] = "99.0";
