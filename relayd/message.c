/* SPDX-License-Identifier: ISC */
/*
 * What hubs send to a relay.
 */
#include "compat.h"

#include "message.h"
#include "relay.h"
#include "ws.h"

static const char *const members[MEMBERS] = {
	[M_TYPE] = "type", [M_HUB_ID] = "hub_id", [M_SECRET] = "secret",
	[M_VERSION] = "protocol_version", [M_PEERS] = "peers",
	[M_FEATURES] = "features", [M_ACTION] = "action", [M_PEER] = "peer",
	[M_NAME] = "name", [M_NEW_NAME] = "new_name",
	[M_TARGET] = "target_peer", [M_WRAPPED] = "wrapped", [M_SEQ] = "seq",
	[M_CWD] = "cwd", [M_BRANCH] = "git_branch",
	[M_LAST_SEEN] = "last_seen", [M_SLOT] = "slot", [M_DATA] = "data",
};

int
message_scan(struct json_value v[MEMBERS], const char *p, size_t n)
{
	static struct json_keys *keys;

	if (keys == NULL)
		keys = json_keys_new(members, MEMBERS);
	return json_scan(p, n, keys, v);
}

unsigned
message_fault(const char *p, size_t n, const char **why)
{
	int text = utf8_valid(p, n);

	*why = text ? "bad_json" : "text is not UTF-8";
	return text ? CLOSE_BAD : WS_CLOSE_NOT_UTF8;
}

int
message_is(const struct json_value *v, const char *text)
{
	return v->type == JS_STRING &&
	    slice_is((struct slice){ v->p, v->len }, text);
}

int
message_name(const struct json_value *v, char dst[NAME_SIZE])
{
	return v->type == JS_STRING && json_str(v, dst, NAME_SIZE) != -1 &&
	    name_valid(slice_of(dst)) ? 0 : -1;
}
