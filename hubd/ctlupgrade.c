/* SPDX-License-Identifier: ISC */
/*
 * hubctl upgrade.
 */
#include "compat.h"

#include "conf.h"
#include "ctlconn.h"
#include "ctlupgrade.h"
#include "imsg.h"
#include "json.h"
#include "router.h"
#include "version.h"

void
ctlupgrade(struct ctl *t, struct imsg *m)
{
	struct control *c = t->control;

	if (c->upgrade != NULL) {
		ctl_error(t, m->id, ERR_BAD_ARGS, "the hub is being upgraded "
		    "already");
		return;
	}
	c->upgrade = ctl_pending_new(t, m->id);
	router_tell(c->router, PROC_UPGRADE, 0, NULL);
}

int
ctlupgrade_answer(struct control *c, struct imsg *m)
{
	struct ctl_pending *p = c->upgrade;
	char why[512], version[64];
	struct wbuf w = { 0 };

	get_str(&m->rd, why, sizeof(why));
	get_str(&m->rd, version, sizeof(version));
	if (reader_done(&m->rd) == -1 || p == NULL)
		return -1;
	c->upgrade = NULL;
	if (why[0] != '\0') {
		ctl_error(p->ctl, p->id, ERR_BAD_ARGS, why);
	} else {
		json_begin(&w, '{');
		json_put_str(&w, "hub_id", c->router->conf->hub_id);
		json_put_str(&w, "from", ecorelay_version);
		json_put_str(&w, "to", version);
		ctl_result(p->ctl, p->id, &w);
	}
	ctl_pending_free(p);
	return 0;
}

void
ctlupgrade_free(struct control *c)
{
	if (c->upgrade != NULL)
		ctl_pending_free(c->upgrade);
	c->upgrade = NULL;
}
